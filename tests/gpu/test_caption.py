"""The object model on CUDA sees what the CPU sees."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from bot.engines.base import Picture
from bot.engines.caption import ScreenAndObjects
from bot.engines.weights import Weights
from tests import needs

pytestmark = [pytest.mark.gpu, pytest.mark.models]


def recognised(settings: Any, pictures: list[Picture], repeat: int) -> tuple[list[list[tuple[str, float]]], float]:
    """The three likeliest classes of each picture, and pictures a second."""
    engine = ScreenAndObjects(settings, Weights(settings))
    engine._device = settings.device
    objects = engine._load_objects()
    found = engine._recognise(objects, pictures)
    begun = time.perf_counter()
    for _ in range(repeat):
        engine._recognise(objects, pictures)
    return found, repeat * len(pictures) / (time.perf_counter() - begun)


def test_cuda_sees_what_the_cpu_sees(make_settings: Any) -> None:
    needs.weights("objects")
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 255, (8, 6, 6, 3), dtype=np.uint8)
    pictures = [Picture(np.kron(each, np.ones((50, 50, 1), np.uint8))) for each in coarse]
    on_cpu, cpu_rate = recognised(make_settings(device="cpu"), pictures, 2)
    on_cuda, cuda_rate = recognised(make_settings(device="cuda"), pictures, 50)
    print(f"\nobjects: {cpu_rate:.0f} pictures a second on the CPU, {cuda_rate:.0f} on CUDA")  # noqa: T201
    for ours, theirs in zip(on_cuda, on_cpu, strict=True):
        assert ours[0][0] == theirs[0][0]
        assert [chance for _, chance in ours] == pytest.approx([chance for _, chance in theirs], abs=0.01)
