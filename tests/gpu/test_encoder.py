"""The encoder on CUDA in bf16 against the CPU in fp32."""

from __future__ import annotations

import asyncio

import pytest

from tests.gpu import rates

pytestmark = pytest.mark.gpu
TEXTS = [f"How long does delivery number {number} take? " * (1 + number % 12) for number in range(256)]


async def test_vectors_on_cuda_are_those_of_the_cpu() -> None:
    cpu, cuda = await rates.both("encoder", "minilm", "encoder")
    assert cuda._device == "cuda"
    expected, got = await cpu.encode(TEXTS), await cuda.encode(TEXTS)
    assert float((expected * got).sum(1).min()) > 0.995
    await rates.rate("encoder cpu, texts", len(TEXTS), lambda: cpu.encode(TEXTS))
    calls = [TEXTS[at : at + 8] for at in range(0, len(TEXTS), 8)]
    await rates.rate("encoder cuda, texts", len(TEXTS), lambda: asyncio.gather(*(cuda.encode(call) for call in calls)))
    await cpu.close()
    await cuda.close()
