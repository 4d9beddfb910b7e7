"""What every store drops in time, and what it keeps."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from bot.errors import NotFound
from bot.store import tidy
from bot.store.base import Tidied
from bot.store.blobs import FolderBlobs
from bot.store.sql import SqlStore
from bot.types import Attachment
from tests.store.stores import Another, Clock, answer, claimed, hello

DAY = 24 * 3600.0
ABOUT: dict[str, Any] = {"channel": "web", "account": "default", "sender": "anna", "media_type": "image/png", "size": 1}


def aged(blobs: FolderBlobs, blob: str, seconds: float = 3 * DAY) -> Path:
    """As if it had been stored so long ago."""
    file = blobs.path / blob[:2] / blob
    moment = time.time() - seconds
    os.utime(file, (moment, moment))
    return file


async def test_deliveries_are_known_again_for_thirty_days_and_then_forgotten(store: SqlStore, clock: Clock) -> None:
    await store.accept(hello("1"), bot="demo")
    await answer(store, await claimed(store))
    clock.turn(29 * DAY)
    await store.accept(hello("2"), bot="demo")
    await answer(store, await claimed(store))
    assert await store.tidy() == Tidied(0, 0, 0)
    assert not (await store.accept(hello("1"), bot="demo")).new
    clock.turn(2 * DAY)
    assert await store.tidy() == Tidied(1, 0, 0)
    assert (await store.accept(hello("1"), bot="demo")).new
    assert not (await store.accept(hello("2"), bot="demo")).new


async def test_what_waits_is_never_forgotten(store: SqlStore, clock: Clock) -> None:
    await store.accept(hello("1", text="still here"), bot="demo")
    clock.turn(400 * DAY)
    assert await store.tidy() == Tidied(0, 0, 0)
    assert (await claimed(store)).trigger.messages[0].text == "still here"


async def test_many_old_deliveries_go_in_small_pieces(
    store: SqlStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidy, "AT_ONCE", 4)
    for number in range(10):
        await store.accept(hello(str(number)), bot="demo")
    await answer(store, await claimed(store))
    clock.turn(31 * DAY)
    assert (await store.tidy()).deliveries == 10


async def test_an_upload_that_no_message_brought_goes_and_one_that_was_sent_stays(
    store: SqlStore, blobs: FolderBlobs, clock: Clock
) -> None:
    sent, unsent = await blobs.put(b"sent"), await blobs.put(b"unsent")
    for blob in (sent, unsent):
        await store.attach(blob, **ABOUT)
    picture = Attachment(blob=sent, media_type="image/png", size=4)
    await store.accept(hello(attachments=(picture,)), bot="demo")
    assert await store.tidy() == Tidied(0, 0, 0)
    clock.turn(3 * DAY)
    assert await store.tidy() == Tidied(0, 1, 0)
    assert await blobs.get(sent) == b"sent"
    for gone in (store.owner(unsent), blobs.get(unsent)):
        with pytest.raises(NotFound):
            await gone


async def test_a_blob_whose_upload_broke_off_goes_when_it_is_old(store: SqlStore, blobs: FolderBlobs) -> None:
    known, stray, fresh = [await blobs.put(b"x") for _ in range(3)]
    await store.attach(known, **ABOUT)
    half = aged(blobs, known).with_suffix(".partial")
    half.write_bytes(b"half")
    os.utime(half, (0, 0))
    aged(blobs, stray)
    assert await store.tidy() == Tidied(0, 0, 1)
    assert [await blobs.get(blob) for blob in (known, fresh)] == [b"x", b"x"]
    assert not half.exists()
    with pytest.raises(NotFound):
        await blobs.get(stray)


async def test_uploads_beside_another_database_than_theirs_are_left_alone(
    store: SqlStore, blobs: FolderBlobs, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        aged(blobs, await blobs.put(b"precious"))
    assert await store.tidy() == Tidied(0, 0, 0)
    assert len(await blobs.older(DAY)) == 3
    assert "3 of 3 uploads are unknown" in caplog.text


async def test_a_clock_that_jumps_ahead_makes_nothing_old(store: SqlStore, blobs: FolderBlobs, clock: Clock) -> None:
    await store.accept(hello("1"), bot="demo")
    await answer(store, await claimed(store))
    upload = await blobs.put(b"on its way")
    await store.attach(upload, **ABOUT)
    clock.jump(400 * DAY)
    assert await store.tidy() == Tidied(0, 0, 0)
    assert not (await store.accept(hello("1"), bot="demo")).new
    clock.jump(-400 * DAY)
    clock.turn(29 * DAY)
    assert (await store.tidy()).deliveries == 0
    clock.turn(2 * DAY)
    assert (await store.tidy()).deliveries == 1


async def test_a_clock_that_jumped_while_nobody_ran_makes_nothing_old_either(
    store: SqlStore, another: Another, blobs: FolderBlobs, clock: Clock
) -> None:
    await store.accept(hello("1"), bot="demo")
    await answer(store, await claimed(store))
    upload = await blobs.put(b"on its way")
    await store.attach(upload, **ABOUT)
    clock.jump(400 * DAY)
    later = await another()
    assert await later.tidy() == Tidied(0, 0, 0)
    assert not (await later.accept(hello("1"), bot="demo")).new
    clock.turn(31 * DAY)
    assert await later.tidy() == Tidied(1, 1, 0)


async def test_a_wrong_clock_that_all_believe_forgets_a_few_days_a_run(
    store: SqlStore, another: Another, clock: Clock
) -> None:
    for day in range(20):
        await store.accept(hello(str(day)), bot="demo")
        await answer(store, await claimed(store))
        clock.turn(DAY)
    clock.jump(400 * DAY)
    await store.accept(hello("with the wrong time"), bot="demo")
    later = await another()
    assert (await later.tidy()).deliveries == 3
    assert not (await later.accept(hello("19"), bot="demo")).new
    clock.jump(-400 * DAY)
    assert (await later.tidy()).deliveries == 0
