"""A list of questions and answers becomes documents, one for each answer; what is wrong with it is said by line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from retrieval import snapshot as snapshots
from retrieval.errors import DocumentError
from retrieval.ingest import ingest
from retrieval.load import is_readable, load_list
from retrieval.types import Audience, Document
from tests.retrieval.conftest import WordEncoder

Write = Callable[[str, str | bytes], Path]

LIST = """question,answer,language,collection,url,review_by
How long does delivery take?,"Two working days. By **bicycle**.",en,,https://shop.example/delivery,2027-01-31
When does my parcel come?,,,,,
"Can I return it?
Do you take things back?",Within 30 days.,,,,
退货要多久？,三十天。,,,,
Who may grant a refund?,The desk.,en,staff,,
"""


def read(text: str, **more: object) -> list[Document]:
    root = Path("/docs")
    return load_list(root / "faq.csv", root, text.encode("utf-8-sig"), collection="help", **more)  # type: ignore[arg-type]


def test_each_answer_is_a_document_with_all_its_questions() -> None:
    delivery, returns, chinese, staff = read(LIST)
    assert delivery.title == "How long does delivery take?"
    assert delivery.questions == ("How long does delivery take?", "When does my parcel come?")
    assert delivery.text == "Two working days. By bicycle."
    assert (delivery.language, delivery.url, delivery.review_by) == (
        "en", "https://shop.example/delivery", date(2027, 1, 31)
    )  # fmt: skip
    assert delivery.name.startswith("faq/how-long-does-delivery-take-")
    assert returns.questions == ("Can I return it?", "Do you take things back?")
    assert (chinese.language, chinese.title) == ("zh", "退货要多久？")
    assert (staff.collection, staff.read_for) == ("staff", "help")


def test_the_same_answer_in_several_rows_is_one_and_other_delimiters_are_read() -> None:
    found = read("Answer;Question;Note\nYes.;May I?;x\nNo.;Must I?;\nYes.;Can I?;\n\n")
    assert [document.questions for document in found] == [("May I?", "Can I?"), ("Must I?",)]


def test_names_do_not_change_with_the_answer() -> None:
    before, after = read("question,answer\nA?,one\n"), read("question,answer\nA?,two\n")
    assert before[0].name == after[0].name
    assert before[0].version != after[0].version


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "first line"),
        ("question,answer\n,two\n", "line 2 has no question"),
        ("question,answer\nA?,\n", "line 2 has no answer"),
        ("question,answer\nA?,one\na ?,two\n", "lines 2 and 3 answer the same question"),
        ("question,answer,review_by\nA?,one,soon\n", "line 2: .*review_by 'soon'"),
        ("question,answer,url\nA?,one,javascript:alert(1)\n", "line 2: .*url"),
        ("question,answer,collection\nA?,one,../x\n", "line 2: .*collection"),
        ('question,answer\nA?,"one\n', "line"),
        ("question,answer\nA?,<!-- -->\n", "holds no text"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, why: str) -> None:
    with pytest.raises(DocumentError, match=why):
        read(text)


def test_the_rules_about_who_may_read_it_hold_for_lists_too() -> None:
    import re

    assert {document.audience for document in read(LIST, audience=Audience.INTERNAL)} == {Audience.INTERNAL}
    held = {document.title: document.audience for document in read(LIST, internal_title=re.compile("^Who may"))}
    assert held["Who may grant a refund?"] is Audience.INTERNAL
    assert held["Can I return it?"] is Audience.PUBLIC


def test_a_list_is_ingested_changed_and_taken_out_beside_pages(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("page.md", "# Page\n\ntext")
    write("prices.csv", "name,price\nx,1\n")
    file = write("faq.csv", LIST)
    assert is_readable(file)
    made = ingest([docs], index, encoder, collection="help")
    assert (made.added, made.broken) == (5, ())
    assert {collection for collection, _ in made.snapshot.documents} == {"help", "staff"}
    loaded = snapshots.load(index)
    assert loaded.documents == made.snapshot.documents
    assert len(loaded.curated) == 6
    passage = next(each for each in loaded.passages if each.text.startswith("Two working"))
    assert passage.review_by == date(2027, 1, 31)
    again = ingest([docs], index, encoder, collection="help")
    assert (again.unchanged, again.added, again.deleted) == (5, 0, 0)
    write("faq.csv", LIST.replace("Within 30", "Within 60"))
    assert ingest([docs], index, encoder, collection="help").changed == 1
    other = ingest([docs], index, encoder, collection="other")
    assert other.deleted == 0
    file.unlink()
    gone = ingest([docs], index, encoder, collection="help")
    left = {document.collection for document in gone.snapshot.documents.values() if document.questions}
    assert left == {"other", "staff"}  # what the ingestion for "other" has read stays until that is done again


def test_a_csv_that_is_no_list_is_named_when_it_is_asked_for(write: Write, index: Path, encoder: WordEncoder) -> None:
    file = write("prices.csv", "name,price\nx,1\n")
    assert "first line" in ingest([file], index, encoder).broken[0][1]
