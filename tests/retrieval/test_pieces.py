from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retrieval import snapshot as snapshots
from retrieval.errors import SnapshotError
from retrieval.ingest import ingest
from retrieval.pieces import VECTORS, Pieces
from retrieval.types import Document, Passage
from tests.retrieval.conftest import WordEncoder

Write = Callable[[str, str | bytes], Path]


def sentences(document: Document, passage: Passage) -> list[str]:
    text = document.text[passage.start : passage.end].replace("\n", ".")
    return [part.strip() for part in text.split(".") if part.strip()]


def test_a_piece_is_found_by_its_text_and_an_unknown_one_is_said(encoder: WordEncoder) -> None:
    texts = ["two days", "five days", "two days"]
    pieces = Pieces.of(texts, encoder.encode(texts))
    found, unknown = pieces.find(["five days", "nobody said this", "two days"])
    assert unknown == [1]
    assert np.allclose(found[[0, 2]], encoder.encode(["five days", "two days"]), atol=1e-3)
    assert not found[1].any()


def test_without_pieces_all_are_unknown() -> None:
    found, unknown = Pieces.none(4).find(["a", "b"])
    assert (found.shape, unknown) == ((2, 4), [0, 1])
    assert Pieces.none(4).find([])[1] == []


def test_an_index_keeps_the_vectors_of_its_pieces(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("page.md", "# Refunds\n\nWithin five days. To your card.")
    ingest([docs], index, encoder, cut=sentences)
    loaded = snapshots.load(index)
    found, unknown = loaded.pieces.find(["Within five days", "To your card"])
    assert not unknown
    assert np.allclose(found, encoder.encode(["Within five days", "To your card"]), atol=1e-3)


def test_pieces_that_were_there_before_are_not_encoded_again(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("page.md", "# Refunds\n\nWithin five days.")
    ingest([docs], index, encoder, cut=sentences)
    asked: list[str] = []

    class Listening(WordEncoder):
        def encode(self, texts: object) -> object:  # type: ignore[override]
            asked.extend(texts)  # type: ignore[arg-type]
            return super().encode(texts)  # type: ignore[arg-type]

    write("other.md", "# Delivery\n\nTwo days.")
    ingest([docs], index, Listening(), cut=sentences)
    assert "Two days" in asked
    assert not any("five days" in text for text in asked)


def test_a_damaged_file_of_pieces_is_an_error(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> None:
    write("page.md", "# Refunds\n\nWithin five days.")
    made = ingest([docs], index, encoder, cut=sentences).snapshot
    file = index / "snapshots" / made.manifest.id / VECTORS
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(SnapshotError, match="damaged"):
        snapshots.load(index)
    with pytest.raises(SnapshotError, match=VECTORS):
        Pieces.load(file.parent)
