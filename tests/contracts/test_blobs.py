"""What every blob store does."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bot.errors import NotFound, StoreError
from bot.store.blobs import FolderBlobs

EVERY = [FolderBlobs]


@pytest.fixture(params=EVERY, ids=lambda one: one.__name__)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> FolderBlobs:
    made: FolderBlobs = request.param(tmp_path / "blobs")
    return made


async def test_what_was_put_can_be_got_until_it_is_deleted(blobs: FolderBlobs) -> None:
    data = bytes(range(256)) * 1000
    blob = await blobs.put(data)
    assert await blobs.get(blob) == data
    await blobs.delete(blob)
    await blobs.delete(blob)
    with pytest.raises(NotFound):
        await blobs.get(blob)


async def test_names_are_new_and_cannot_be_guessed(blobs: FolderBlobs) -> None:
    names = {await blobs.put(b"same") for _ in range(20)}
    assert len(names) == 20
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in names)


@pytest.mark.parametrize("name", ["", ".", "../secret", "/etc/passwd", "a" * 31, "A" * 32, "a" * 32 + "\n", "a\0b"])
async def test_a_name_that_is_not_ours_reaches_no_file(blobs: FolderBlobs, name: str) -> None:
    (blobs.path.parent / "secret").write_bytes(b"secret")
    with pytest.raises(NotFound):
        await blobs.get(name)
    await blobs.delete(name)
    assert (blobs.path.parent / "secret").exists()


async def test_files_are_their_owners_only(blobs: FolderBlobs) -> None:
    await blobs.put(b"x")
    modes = {path.stat().st_mode & 0o077 for path in blobs.path.rglob("*")}
    assert modes == {0}


async def test_a_full_disk_is_said_and_leaves_no_half_file(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        await blobs.put(b"x")
    assert [path for path in blobs.path.rglob("*") if path.is_file()] == []
