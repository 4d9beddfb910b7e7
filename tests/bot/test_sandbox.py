"""Decoders that hang, die or eat memory: each in a process of its own, which is killed."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from bot import sandbox
from bot.decode import decode_audio, decode_picture
from bot.errors import Damaged, EngineError, TooLarge, Unsupported
from tests.bot import media_files as files
from tests.bot.test_media import understood
from tests.bot.test_media_decode import bomb

PIXELS = 40_000_000


def instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Run this in the process, where the decoder would be."""
    monkeypatch.setattr(sandbox, "COMMAND", (sys.executable, "-c", code))


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_comes_out_is_what_the_decoder_made() -> None:
    sound, shown = files.recording(files.tone(3.0), "webm"), files.picture("JPEG", (640, 400))
    audio = await sandbox.audio(sound, 2.0)
    assert (audio.samples == decode_audio(sound, 2.0).samples).all()
    assert audio.truncated
    picture = await sandbox.picture(shown, PIXELS)
    assert (picture.pixels == decode_picture(shown, PIXELS).pixels).all()
    audio.samples[0], picture.pixels[0] = 0, 0  # as writable as any array


async def test_a_refusal_is_the_same_error_on_this_side() -> None:
    with pytest.raises(TooLarge, match="too large"):
        await sandbox.picture(bomb(20_000), PIXELS)
    with pytest.raises(Damaged, match="cannot be decoded"):
        await sandbox.picture(files.picture()[:60], PIXELS)
    with pytest.raises(Unsupported, match="PDF"):
        await sandbox.audio(b"%PDF-1.7", 60.0)


async def test_a_decoder_that_hangs_is_killed_and_holds_no_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = tmp_path / "process"
    instead(monkeypatch, f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    monkeypatch.setattr(sandbox, "DECODE_SECONDS", 1.0)
    threads, began = threading.active_count(), time.monotonic()
    results = await asyncio.gather(*(understood(files.recording(files.tone(0.5))) for _ in range(3)))
    assert {result.note for result in results} == {"utter_audio_unsupported"}
    assert time.monotonic() - began < 5
    assert not alive(int(note.read_text()))
    assert threading.active_count() <= threads + 1  # whoever watches processes may stay


async def test_a_turn_that_is_given_up_ends_its_decoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    note = tmp_path / "process"
    instead(monkeypatch, f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    task = asyncio.create_task(sandbox.audio(b"x", 60.0))
    async with asyncio.timeout(10):
        while not note.exists() or not note.read_text():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(int(note.read_text()))


async def test_a_decoder_that_crashes_takes_nobody_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, "import os; os.abort()")
    assert (await understood(files.picture(), kind="image/png")).note == "utter_picture_unsupported"


async def test_no_decoder_at_all_is_our_fault_and_not_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, "raise SystemExit(3)")
    with pytest.raises(EngineError, match="ended with 3"):
        await sandbox.picture(files.picture(), PIXELS)
    monkeypatch.setattr(sandbox, "COMMAND", ("/no/such/python",))
    with pytest.raises(EngineError, match="no decoder can be started"):
        await sandbox.picture(files.picture(), PIXELS)


async def test_the_process_knows_no_secret_and_may_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_TELEGRAM__TOKEN", "123:secret")
    code = (
        "import sys, json; sys.path[:] = json.loads(sys.argv[1])\n"
        "import os\n"
        "from bot import confined\n"
        "def eat(data, limit):\n"
        "    assert not any(name.startswith('FRONTDESK_') for name in os.environ)\n"
        "    bytearray(confined.MEMORY_BYTES)\n"
        "confined.decode_audio = eat\n"
        "confined.main()"
    )
    instead(monkeypatch, code)
    with pytest.raises(TooLarge, match="memory"):
        await sandbox.audio(b"x", 60.0)
