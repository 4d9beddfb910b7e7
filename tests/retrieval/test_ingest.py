from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrieval import snapshot as snapshots
from retrieval.errors import DocumentError, QueryError, SnapshotError
from retrieval.hybrid import search
from retrieval.ingest import IngestReport, ingest
from retrieval.types import Audience, Filters
from tests.retrieval.conftest import WordEncoder

Write = Callable[[str, str | bytes], Path]


def figures(report: IngestReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.deleted, len(report.broken)


def names(index: Path) -> set[str]:
    return {name for _, name in snapshots.load(index).documents}


def test_a_section_for_the_staff_alone_is_no_part_of_the_public_page(
    docs: Path, index: Path, encoder: WordEncoder
) -> None:
    page = "# Codes\n\nCode 51 is too little money.\n\n## Internal use only\n\n- Code 34 is fraud.\n\n### Why\n\n"
    (docs / "codes.md").write_text(page + "Secret.\n\n## Opening hours\n\nWe open at nine.\n", encoding="utf-8")
    made = ingest([docs / "codes.md"], index, encoder).snapshot
    public, staff = made.documents["default", "codes"], made.documents["default", "codes#internal"]
    assert (public.audience, staff.audience) == (Audience.PUBLIC, Audience.INTERNAL)
    assert public.text == "Codes\n\nCode 51 is too little money.\n\nOpening hours\n\nWe open at nine."
    assert staff.text == "Internal use only\n\n- Code 34 is fraud.\n\nWhy\n\nSecret."
    for document in (public, staff):
        texts = [document.text[block.start : block.end] for block in document.blocks]
        assert all(text.strip() == text and text for text in texts)
    again = ingest([docs / "codes.md"], index, encoder)
    assert (again.unchanged, again.changed, again.deleted) == (2, 0, 0)
    (docs / "codes.md").write_text("# Codes\n\nCode 51 is too little money.\n", encoding="utf-8")
    assert ingest([docs / "codes.md"], index, encoder).deleted == 1


def test_a_second_ingestion_takes_only_what_changed(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    for number in range(4):
        write(f"page-{number}.md", f"# Page {number}\n\nText of page {number}.")
    assert figures(ingest([docs], index, encoder)) == (4, 0, 0, 0, 0)
    write("page-0.md", "# Page 0\n\nAnother text.")
    (docs / "page-1.md").unlink()
    write("sub/new.md", "# New\n\nNew text.")
    encoder.encoded.clear()
    assert figures(ingest([docs], index, encoder)) == (1, 1, 2, 1, 0)
    assert sorted(encoder.encoded) == ["New\n\nNew text.", "Page 0\n\nAnother text."]
    assert names(index) == {"page-0", "page-2", "page-3", "sub/new"}


def test_nothing_new_writes_no_snapshot(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("page.md", "# Page\n\nText.")
    first = ingest([docs], index, encoder).snapshot.manifest.id
    again = ingest([docs], index, encoder)
    assert again.snapshot.manifest.id == first == snapshots.current(index)
    assert figures(again) == (0, 0, 1, 0, 0)


def test_a_broken_file_is_reported_and_the_rest_goes_in(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("good.md", "# Good\n\nText.")
    write("bad.md", "# Bad\n\nText.")
    ingest([docs], index, encoder)
    write("bad.md", b"# Bad \xff\xfe\xfa")
    write("other.pdf", b"junk")
    write("picture.png", b"\x89PNG")
    report = ingest([docs], index, encoder)
    assert [Path(file).name for file, _ in report.broken] == ["bad.md", "other.pdf"]
    assert names(index) == {"good"}, "nothing is answered from a page that cannot be read any more"


def test_an_unknown_audience_keeps_the_page_out(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("page.md", "---\naudience: internals\n---\ntext")
    write("good.md", "text")
    report = ingest([docs], index, encoder)
    assert report.unknown_audience == 1
    assert names(index) == {"good"}


def test_two_files_with_one_name_are_an_error_and_change_nothing(
    write: Write, docs: Path, index: Path, encoder: WordEncoder, tmp_path: Path
) -> None:
    write("page.md", "text")
    ingest([docs], index, encoder)
    before = snapshots.current(index)
    write("page.html", "<p>other</p>")
    with pytest.raises(DocumentError, match=r"page\.html and .*page\.md.*'page'"):
        ingest([docs], index, encoder)
    (docs / "page.html").unlink()
    other = tmp_path / "other"
    other.mkdir()
    (other / "page.txt").write_text("text")
    with pytest.raises(DocumentError, match="same name"):
        ingest([other], index, encoder)
    assert snapshots.current(index) == before
    assert figures(ingest([other], index, encoder, collection="second")) == (1, 0, 0, 0, 0)


def test_a_folder_that_moved_takes_its_documents_along(
    write: Write, docs: Path, index: Path, encoder: WordEncoder, tmp_path: Path
) -> None:
    write("page.md", "text")
    ingest([docs], index, encoder)
    moved = Path(shutil.move(docs, tmp_path / "moved"))
    assert figures(ingest([moved], index, encoder)) == (0, 0, 1, 0, 0)
    (moved / "page.md").unlink()
    (moved / "next.md").write_text("next")
    assert figures(ingest([moved], index, encoder)) == (1, 0, 0, 1, 0)


def test_a_single_file_keeps_its_folders_root_and_deletes_nothing(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    path = write("sub/page.md", "text")
    write("other.md", "text")
    ingest([docs], index, encoder)
    write("sub/page.md", "new text")
    assert figures(ingest([path], index, encoder)) == (0, 1, 0, 0, 0)
    assert names(index) == {"sub/page", "other"}


def test_collections_do_not_touch_each_other(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    path = write("page.md", "# Page\n\ntext")
    ingest([docs], index, encoder, collection="one")
    ingest([docs], index, encoder, collection="two")
    path.unlink()
    report = ingest([docs], index, encoder, collection="one")
    assert report.deleted == 1
    made = report.snapshot
    assert set(made.documents) == {("two", "page")}
    vector = encoder.encode(["page"])[0]
    assert search(made, "page", vector, 5, Filters(collections=frozenset({"two"})))
    with pytest.raises(QueryError, match="there are: two"):
        search(made, "page", vector, 5, Filters(collections=frozenset({"one"})))


def test_the_title_rule_counts_what_it_matched(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("a.md", "# Internal: desk\n\ntext")
    write("b.md", "---\ntitle: Open\n---\n# Internal: no\n\ntext")
    report = ingest([docs], index, encoder, internal_title=re.compile("^Internal"))
    assert (report.title_matches, report.internal, report.public) == (1, 1, 1)
    again = ingest([docs], index, encoder, internal_title=re.compile("^Internal"))
    assert (again.title_matches, again.unchanged) == (1, 2)
    none = ingest([docs], index, encoder, internal_title=re.compile("^Nothing"))
    assert (none.title_matches, none.public) == (0, 2)


def test_hidden_files_and_links_that_lead_out_are_left_alone(
    write: Write, docs: Path, index: Path, encoder: WordEncoder, tmp_path: Path
) -> None:
    write(".git/readme.md", "hidden")
    write("page.md", "text")
    outside = tmp_path / "secret.md"
    outside.write_text("secret")
    (docs / "link.md").symlink_to(outside)
    (docs / "inside.md").symlink_to(docs / "page.md")
    ingest([docs], index, encoder)
    assert names(index) == {"page", "inside"}


def test_a_path_that_is_not_there_and_a_bad_collection_are_errors(
    docs: Path, index: Path, encoder: WordEncoder
) -> None:
    with pytest.raises(DocumentError, match="no such file"):
        ingest([docs / "nowhere"], index, encoder)
    with pytest.raises(DocumentError, match="collection"):
        ingest([docs], index, encoder, collection="../up")


def test_another_encoder_encodes_everything_again(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("page.md", "text")
    ingest([docs], index, encoder)
    other = WordEncoder("other", 32)
    made = ingest([docs], index, other).snapshot
    assert len(other.encoded) == 1
    assert (made.manifest.encoder, made.dense.dimensions) == ("other", 32)
    with pytest.raises(SnapshotError, match="another encoder"):
        search(made, "text", encoder.encode(["text"])[0])


def test_an_ingestion_that_dies_leaves_the_index_as_it_was(
    write: Write, docs: Path, index: Path, encoder: WordEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("page.md", "text")
    ingest([docs], index, encoder)
    before = snapshots.current(index)
    write("page.md", "new text")

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("retrieval.dense.DenseIndex.save", full_disk)
    with pytest.raises(SnapshotError, match="is full: make room"):
        ingest([docs], index, encoder)
    monkeypatch.undo()
    assert snapshots.current(index) == before
    assert [folder.name for folder in (index / "snapshots").iterdir()] == [before]
    assert figures(ingest([docs], index, encoder)) == (0, 1, 0, 0, 0)


def test_a_damaged_index_is_gone_on_from_the_newest_whole_one(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("page.md", "text")
    first = ingest([docs], index, encoder).snapshot.manifest.id
    write("page.md", "new text")
    second = ingest([docs], index, encoder).snapshot.manifest.id
    (index / "snapshots" / second / "dense.faiss").write_bytes(b"junk")
    with pytest.raises(SnapshotError, match="damaged"):
        snapshots.load(index)
    report = ingest([docs], index, encoder)
    assert report.lost is not None
    assert second in report.lost
    assert first in {folder.name for folder in (index / "snapshots").iterdir()}
    assert snapshots.load(index).documents["default", "page"].text == "new text"


def test_audience_of_a_whole_folder_by_flag(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("page.md", "---\naudience: public\n---\ntext")
    assert ingest([docs], index, encoder, audience=Audience.INTERNAL).internal == 1


def test_a_zip_bomb_that_calls_itself_a_docx_is_reported_and_the_rest_goes_in(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", bytes(60_000_000))
    write("bomb.docx", out.getvalue())
    write("page.md", "text")
    report = ingest([docs], index, encoder)
    ((file, reason),) = report.broken
    assert (Path(file).name, report.added) == ("bomb.docx", 1)
    assert "zip bomb" in reason


def test_broken_utf8_is_reported_or_read_and_the_rest_goes_in(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("broken.md", b"# Title \xff\xfe\x80\n\nwords \xc3\x28")
    write("page.md", "text")
    report = ingest([docs], index, encoder)
    assert (report.added, [Path(file).name for file, _ in report.broken]) == (1, ["broken.md"])
