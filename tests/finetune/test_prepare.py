"""Preparing data: what is read, cleaned, left out and told, and that nothing leaks from one part to another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channels import cli
from finetune import cleaning, data, prepare, sources
from finetune.data import DataError, Example, Gold
from finetune.sources import Found
from tests.finetune import squad

PAGE = "## Fees\n\nA <b>Silver</b> card costs **$50** a year &amp; nothing [abroad](https://bank.example/fees)."


def rows(folder: Path, lines: list[dict[str, Any]]) -> Path:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def found(file: Path) -> Found:
    read = Found()
    sources.read(file, read)
    return read


def test_lines_say_answers_in_several_ways(tmp_path: Path) -> None:
    context = "The card costs 50. The other costs 50 too."
    lines: list[dict[str, Any]] = [
        {"question": "What?", "context": context, "answer": "50", "document": "fees", "id": 7},
        {"question": "And the other?", "passage": context, "answers": ["50"], "start": 35},
        {"question": "Which?", "context": context, "answer": "THE CARD"},
        {"question": "Who?", "context": context},
    ]
    first, second, third, fourth = found(rows(tmp_path, lines)).examples
    assert first == Example("7", "fees", "What?", context, (Gold("50", 15),))
    assert second.answers == (Gold("50", 35),)
    assert second.article == context
    assert third.answers == (Gold("The card", 0),)
    assert fourth.answers == ()
    assert fourth.id == "rows.jsonl:4"


def test_what_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    lines = [
        {"question": "What?", "context": "A page.", "answer": "elsewhere"},
        {"question": " ", "context": "A page."},
        {"question": "What?", "context": "A page.", "answer": "page"},
    ]
    read = found(rows(tmp_path, lines))
    assert read.dropped == {
        "the answer is not in the passage": ["rows.jsonl:1"],
        "question or passage is empty": ["rows.jsonl:2"],
    }
    assert len(read.examples) == 1


def test_a_table_has_a_question_a_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('question,context,answer,document\nWhat?,"It costs 5,00.","5,00",fees\nWho?,Nobody.,,fees\n')
    read = found(file)
    assert [example.answers for example in read.examples] == [(Gold("5,00", 9),), ()]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.txt", "", r"none of \.json"),
        ("a.jsonl", "{", "line 1 is not JSON"),
        ("a.jsonl", "[1]", "line 1 must be an object"),
        ("a.jsonl", '{"text": "a"}', "are missing"),
        ("a.jsonl", "", "holds no questions"),
        ("a.csv", "question,context\n", "holds no questions"),
    ],
)
def test_a_file_that_is_no_data_is_refused(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        found(tmp_path / name)


def cleaned(*examples: Example, masked: cleaning.Masked = "questions") -> tuple[Found, cleaning.Counts]:
    return cleaning.clean(Found(list(examples)), masked)


def test_an_answer_keeps_its_place_when_markup_goes() -> None:
    kept, counts = cleaned(
        Example("1", "a", "What does <i>Silver</i> cost?", PAGE, (Gold("**$50**", PAGE.index("**$")),))
    )
    [example] = kept.examples
    assert example.context == "Fees\nA Silver card costs $50 a year & nothing abroad."
    assert example.question == "What does Silver cost?"
    [gold] = example.answers
    assert example.context[gold.start : gold.start + len(gold.text)] == gold.text == "$50"
    assert counts.markup == 1


def test_the_same_answer_twice_stays_the_one_that_was_meant() -> None:
    context = "**Silver** costs 50. **Gold** costs 50."
    kept, _ = cleaned(Example("1", "a", "What does Gold cost?", context, (Gold("50", 36),)))
    [gold] = kept.examples[0].answers
    assert gold.start == 28


def test_lines_that_stand_everywhere_are_boilerplate() -> None:
    pages = [f"Page {at} says this.\nAll rights reserved." for at in range(4)]
    examples = [Example(str(at), f"page-{at}", "What?", page, (Gold("this", 12),)) for at, page in enumerate(pages)]
    notice = Example("n", "page-1", "Which rights?", pages[1], (Gold("All rights", 20),))
    kept, counts = cleaned(*examples, notice)
    assert {example.context for example in kept.examples} == {f"Page {at} says this." for at in range(4)}
    assert kept.dropped == {"the answer is boilerplate": ["n"]}
    assert counts.boilerplate == 5


def test_personal_data_is_masked_where_it_is_asked_for() -> None:
    context = "Write to anna.meier@bank.example or to the branch."
    asked = Example(
        "1", "a", "I am bob@mail.example, whom do I write to?", context, (Gold("anna.meier@bank.example", 9),)
    )
    kept, counts = cleaned(asked)
    assert kept.examples[0].question == "I am [e-mail], whom do I write to?"
    assert kept.examples[0].context == context
    assert counts.masked == 1
    kept, _ = cleaned(asked, masked="all")
    assert kept.dropped == {"the answer is personal data": ["1"]}
    kept, _ = cleaned(asked, masked="none")
    assert kept.examples[0].question == asked.question


def test_a_span_of_years_is_no_telephone_number() -> None:
    said = "Who ruled in 1914-1918? Call me: +41 44 668 18 00."
    assert cleaning.masked_in(said) == "Who ruled in 1914-1918? Call me: [phone]."


def test_a_question_that_was_asked_already_is_left_out() -> None:
    kept, _ = cleaned(Example("1", "a", "What is it?", "A card.", ()), Example("2", "b", "what is it", "A  card", ()))
    assert [example.id for example in kept.examples] == ["1"]
    assert kept.dropped == {"the same question on the same passage": ["2"]}


def towns(number: int) -> list[Example]:
    names = [f"town{at}" for at in range(number)]
    return [
        Example(f"{name}-{at}", name, f"Question {at}?", f"{name} lies by the river number {name} near hill {name}", ())
        for name in names
        for at in range(4)
    ]


def test_documents_are_on_one_side_and_so_are_those_that_are_nearly_the_same() -> None:
    copy = [Example("copy", "mirror", "Where?", "So: town3 lies by the river number town3 near hill town3 today", ())]
    for seed in range(10):
        parts, groups = prepare.split([*towns(10), *copy], (0.6, 0.2, 0.2), seed)
        assert sorted(groups[0]) == ["mirror", "town3"]
        articles = {name: {example.article for example in part} for name, part in parts.items()}
        assert all(articles.values())
        assert not articles["train"] & articles["validation"]
        assert not (articles["train"] | articles["validation"]) & articles["test"]
        assert any({"mirror", "town3"} <= names for names in articles.values())
        assert sum(map(len, parts.values())) == 41


def test_a_part_may_be_left_out() -> None:
    parts, _ = prepare.split(towns(4), (0.75, 0.0, 0.25), 1)
    assert parts["validation"] == []
    assert len(parts["test"]) == 4


def test_too_few_documents_are_told() -> None:
    with pytest.raises(DataError, match="too few for 3 parts"):
        prepare.split(towns(2), (0.6, 0.2, 0.2), 1)


def test_the_command_writes_what_the_reader_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = "Linz lies on the river Danube. It has 6 bridges."
    lines = [{"question": "Which river?", "context": context, "answer": "Danube", "document": "Linz"}]
    words = ["train", "prepare", "--data", str(squad.write(tmp_path)), str(rows(tmp_path, lines))]
    words += ["--home", str(tmp_path / "home"), "--json", "--shares", "0.6", "0.2", "0.2"]
    assert cli.main([*words, "--out", str(tmp_path / "one")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["read"] == told["kept"] == 25
    assert sum(part["questions"] for part in told["parts"].values()) == 25
    parts = {name: data.read(tmp_path / "one" / f"{name}.json") for name in prepare.PARTS}
    assert {name: len(part) for name, part in parts.items()} == {
        name: part["questions"] for name, part in told["parts"].items()
    }
    assert data.find(tmp_path / "one", "dev") == tmp_path / "one" / "test.json"
    assert cli.main([*words, "--out", str(tmp_path / "two")]) == 0
    for name in ("train.json", "report.json"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "nothing to prepare"),
        (["--data", "a.json", "--confidence", "0.5"], "goes with --conversations"),
        (["--data", "a.json", "--shares", "0.5", "0.2", "0.2"], "make 1"),
        (["--data", "a.json"], "a.json does not exist"),
        (["--conversations"], "nothing was ever said"),
    ],
)
def test_options_that_make_no_sense_are_named(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out: Callable[[str], str] = lambda name: str(tmp_path / name)  # noqa: E731
    assert cli.main(["train", "prepare", *words, "--out", out("out"), "--home", out("home")]) == 1
    assert complaint in capsys.readouterr().err
