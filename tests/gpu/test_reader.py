"""The reader on CUDA in bf16 against the CPU in fp32."""

from __future__ import annotations

import asyncio

import pytest

from tests.gpu import rates

pytestmark = pytest.mark.gpu
FILLER = "The company was founded by two sisters who liked old furniture. " * 9
PASSAGES = [
    f"{FILLER}You may return an item within 30 days of delivery. {FILLER}",
    "The lamp has a warm white light. Its battery lasts for nine hours.",
    f"Delivery takes two working days. {FILLER}",
    "Repairs cost 25 euros. You may return an item within 30 days.",
    FILLER,
]
QUESTION = "Within how many days may I return an item?"


async def test_spans_on_cuda_are_those_of_the_cpu() -> None:
    cpu, cuda = await rates.both("reader", "bert", "encoder", "reader")
    assert cuda._device == "cuda"
    expected, got = await cpu.read(QUESTION, PASSAGES), await cuda.read(QUESTION, PASSAGES)
    for before, after in zip(expected, got, strict=True):
        assert after.score == pytest.approx(before.score, abs=0.05)
        if before.score > 0.5:
            assert (after.start, after.end) == (before.start, before.end)
    await rates.rate("reader cpu, passages", 5, lambda: cpu.read(QUESTION, PASSAGES))
    many = 32 * len(PASSAGES)
    await rates.rate(
        "reader cuda, passages", many, lambda: asyncio.gather(*(cuda.read(QUESTION, PASSAGES) for _ in range(32)))
    )
    await cpu.close()
    await cuda.close()
