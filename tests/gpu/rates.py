"""How the GPU tests print what they measured, and the two engines that they compare."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from bot.engines import tables
from bot.engines.weights import Weights
from bot.settings import load
from tests import needs


async def both(kind: str, name: str, *weights: str) -> tuple[Any, Any]:
    """The engine on the CPU and on CUDA, started."""
    needs.weights(*weights)
    made = []
    for device in ("cpu", "cuda"):
        settings = load(device=device)
        engine = tables.create(kind, name, settings=settings, weights=Weights(settings))
        await engine.start()
        made.append(engine)
    return made[0], made[1]


async def rate(what: str, count: int, work: Callable[[], Awaitable[object]]) -> None:
    """Run once to warm up, once to measure, and print how many a second."""
    await work()
    begun = time.perf_counter()
    await work()
    print(f"{what}: {count / (time.perf_counter() - begun):,.1f}/s")  # noqa: T201 - the figure is what the test is for
