from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from retrieval import snapshot as snapshots
from retrieval.errors import SnapshotError
from retrieval.ingest import ingest
from retrieval.snapshot import text_of
from retrieval.types import Filters
from tests.retrieval.conftest import WordEncoder

Write = Callable[[str, str | bytes], Path]


def test_a_snapshot_comes_back_as_it_was_built(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("en.md", "---\ntitle: T\nurl: https://shop.example/\nupdated: 2026-01-02\n---\n# A\n\n- one\n- two\n")
    write("zh.md", "# 退款\n\n我们会退款。")
    write("in.md", "---\naudience: internal\n---\ntext")
    made = ingest([docs], index, encoder).snapshot
    loaded = snapshots.load(index)
    assert loaded.manifest == made.manifest
    assert loaded.documents == made.documents
    assert loaded.passages == made.passages
    assert (loaded.dense.vectors() == made.dense.vectors()).all()
    assert (loaded.sparse.scores("two refunds 退款") == made.sparse.scores("two refunds 退款")).all()
    assert (made.manifest.public_documents, made.manifest.internal_documents) == (2, 1)


def test_every_citation_still_quotes_its_version_after_the_page_has_changed(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    texts = ["# Refunds\n\nWithin five days.", "# Refunds\n\nIt takes a week, sorry.", "# Gone\n\nNot any more."]
    cited = []
    for text in texts:
        write("page.md", text)
        cited += ingest([docs], index, encoder).snapshot.passages
    (docs / "page.md").unlink()
    ingest([docs], index, encoder)
    assert len({passage.version for passage in cited}) == 3
    for passage in cited:
        stored = text_of(index, passage.version)
        assert stored.text[passage.start : passage.end] == passage.text
        assert (stored.collection, stored.name, stored.title) == ("default", "page", passage.title)
        assert [stored.text[block.start : block.end] for block in stored.blocks if block.kind == "heading"]


def test_an_old_public_version_is_not_shown_once_the_page_is_internal(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("page.md", "public text")
    made = ingest([docs], index, encoder).snapshot
    stored = text_of(index, made.passages[0].version)
    assert made.may_show(stored)
    write("page.md", "---\naudience: internal\n---\nsecret text")
    now = ingest([docs], index, encoder).snapshot
    assert not now.may_show(stored)
    assert not now.may_show(text_of(index, now.passages[0].version))


def test_a_loaded_snapshot_stays_whole_while_others_come_and_go(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("page.md", "first")
    ingest([docs], index, encoder)
    held = snapshots.load(index)
    for number in range(5):
        write("page.md", f"text number {number}")
        ingest([docs], index, encoder)
    assert len(list((index / "snapshots").iterdir())) == snapshots.KEPT
    assert not (index / "snapshots" / held.manifest.id).exists()
    assert held.passages[0].text == "first"
    assert held.sparse.scores("first")[0] > 0
    assert held.dense.search(encoder.encode(["first"])[0], 1, held.allowed(Filters()))[0].tolist() == [0]


@pytest.mark.parametrize("version", ["0" * 32, "../../etc/passwd", "", "Z" * 32])
def test_a_version_that_was_never_ingested_is_an_error(index: Path, version: str) -> None:
    with pytest.raises(SnapshotError):
        text_of(index, version)


def test_no_index_and_another_schema_say_what_to_do(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    with pytest.raises(SnapshotError, match="frontdesk ingest"):
        snapshots.load(index)
    write("page.md", "text")
    made = ingest([docs], index, encoder).snapshot
    file = index / "snapshots" / made.manifest.id / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema": 99}))
    with pytest.raises(SnapshotError, match="ingest the documents again"):
        snapshots.load(index)


@pytest.mark.parametrize("name", ["documents.jsonl", "passages.jsonl", "dense.faiss", "sparse/gains.npy"])
def test_any_damaged_file_is_noticed(write: Write, docs: Path, index: Path, encoder: WordEncoder, name: str) -> None:
    write("page.md", "some text")
    made = ingest([docs], index, encoder).snapshot
    file = index / "snapshots" / made.manifest.id / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(SnapshotError, match="damaged"):
        snapshots.load(index)


def test_an_empty_index_is_an_index(docs: Path, index: Path, encoder: WordEncoder) -> None:
    made = ingest([docs], index, encoder).snapshot
    assert (made.manifest.documents, made.passages) == (0, ())
    assert snapshots.load(index).manifest == made.manifest
