"""The generator on CUDA in bf16 against the CPU in fp32."""

from __future__ import annotations

from typing import Any

import pytest

from bot.engines.base import ChatMessage
from tests.gpu import rates

pytestmark = pytest.mark.gpu
MESSAGES = [
    ChatMessage("system", "Answer in one short sentence, from the evidence."),
    ChatMessage("user", "Evidence: Returns are free within 30 days.\nQuestion: How long can I return?\nAnswer:"),
]


async def said(generator: Any) -> list[str]:
    return [piece async for piece in generator.stream(MESSAGES, max_tokens=24)]


async def test_a_reply_on_cuda_says_what_the_cpus_says() -> None:
    cpu, cuda = await rates.both("generator", "smollm2", "generator")
    assert cuda._device == "cuda"
    expected, got = await said(cpu), await said(cuda)
    assert "30 days" in "".join(expected)
    assert "30 days" in "".join(got)
    assert got[:4] == expected[:4]
    await rates.rate("generator cpu, tokens", len(expected), lambda: said(cpu))
    await rates.rate("generator cuda, tokens", len(got), lambda: said(cuda))
    await cpu.close()
    await cuda.close()
