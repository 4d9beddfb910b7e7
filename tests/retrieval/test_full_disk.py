"""An ingestion that finds no room: it says so, the index before stays, and it goes on when there is room again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retrieval import snapshot
from retrieval.errors import SnapshotError
from retrieval.ingest import ingest
from tests.retrieval.conftest import WordEncoder
from tests.scarce import no_room

PAGE = "# Returns\n\nThings can be sent back within 30 days.\n"


@pytest.mark.parametrize("room", [0, 200, 900, 2_000, 4_000])
def test_without_room_the_index_stays_as_it_was_and_the_next_ingestion_makes_it_new(
    index: Path, docs: Path, write: Callable[[str, str], Path], encoder: WordEncoder, room: int
) -> None:
    write("returns.md", PAGE)
    before = ingest([docs], index, encoder).snapshot.manifest.id
    for number in range(30):
        write(f"more/page{number}.md", f"# Page {number}\n\n" + f"Words about thing {number} of the shop. " * 20)
    with no_room(room), pytest.raises(SnapshotError, match="full: make room"):
        ingest([docs], index, encoder)
    assert snapshot.load(index).manifest.id == before
    assert [folder.name for folder in (index / "snapshots").iterdir()] == [before]
    report = ingest([docs], index, encoder)
    assert (report.added, report.lost) == (30, None)
    assert len(snapshot.load(index).documents) == 31
    assert not list(index.rglob(".*.json.*")), "no half files"


def test_a_first_ingestion_without_room_leaves_nothing_that_is_served(
    index: Path, docs: Path, write: Callable[[str, str], Path], encoder: WordEncoder
) -> None:
    write("returns.md", PAGE)
    with no_room(), pytest.raises(SnapshotError, match="full: make room"):
        ingest([docs], index, encoder)
    assert snapshot.current(index) is None
    assert ingest([docs], index, encoder).added == 1


def test_an_index_that_may_not_be_written_is_said(
    index: Path, docs: Path, write: Callable[[str, str], Path], encoder: WordEncoder
) -> None:
    write("returns.md", PAGE)
    index.write_text("a file where the folder should be")
    with pytest.raises(SnapshotError, match="cannot be written"):
        ingest([docs], index, encoder)
