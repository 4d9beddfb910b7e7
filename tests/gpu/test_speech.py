"""Speech on CUDA hears what the CPU hears."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.decode import decode_audio
from bot.engines.speech import FasterWhisper
from bot.engines.weights import Weights
from tests import needs
from tests.bot import media_files as files

pytestmark = [pytest.mark.gpu, pytest.mark.models]
QUESTIONS = ("How long do I have to return an item?", "Where is my parcel?", "I want to speak to a person.")


async def heard(settings: Any, repeat: int) -> tuple[list[str], float]:
    """The transcripts, and seconds of sound worked off in one second."""
    engine = FasterWhisper(settings, Weights(settings))
    recordings = [decode_audio(files.say(question), 60) for question in QUESTIONS]
    await engine.start()
    try:
        texts = [(await engine.transcribe(recording)).text for recording in recordings]
        begun = time.perf_counter()
        for recording in recordings * repeat:
            await engine.transcribe(recording)
        spent = time.perf_counter() - begun
    finally:
        await engine.close()
    return texts, repeat * sum(recording.seconds for recording in recordings) / spent


async def test_cuda_hears_what_the_cpu_hears(make_settings: Any) -> None:
    needs.weights("speech")
    on_cpu, cpu_rate = await heard(make_settings(device="cpu"), 1)
    on_cuda, cuda_rate = await heard(make_settings(device="cuda"), 10)
    print(f"\nspeech: {cpu_rate:.1f} s of sound a second on the CPU, {cuda_rate:.1f} on CUDA")  # noqa: T201
    assert [text.lower().strip(" .?!") for text in on_cuda] == [text.lower().strip(" .?!") for text in on_cpu]
