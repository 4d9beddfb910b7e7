"""One engine in another's place while it is used: who began with one ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.engines.swap import Swap, pinned
from bot.errors import WeightsError


class Engine:
    """Says its name, slowly; counts how often it was closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fails: Exception | None = None
        self.go = asyncio.Event()
        self.started = self.closed = 0

    async def start(self) -> None:
        if self.fails is not None:
            raise self.fails
        self.started += 1

    async def close(self) -> None:
        self.closed += 1

    def ready(self) -> bool:
        return self.started > self.closed

    async def read(self, text: str) -> str:
        await self.go.wait()
        assert not self.closed
        return f"{self.name}: {text}"

    async def stream(self, text: str) -> AsyncGenerator[str]:
        for word in text.split():
            await self.go.wait()
            assert not self.closed
            yield f"{self.name}: {word}"


@pytest.fixture
async def pair() -> tuple[Engine, Engine, Swap]:
    old, new = Engine("old"), Engine("new")
    swap = Swap(old)
    await swap.start()
    return old, new, swap


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_has_whatever_the_engine_has(pair: tuple[Engine, Engine, Swap]) -> None:
    old, _, swap = pair
    assert (swap.name, swap.ready(), swap.figures()) == ("old", True, None)
    swap.name = "renamed"
    assert old.name == "renamed"
    with pytest.raises(AttributeError):
        _ = swap.no_such_thing


async def test_calls_in_flight_end_on_the_old_one_which_is_closed_after_them(
    pair: tuple[Engine, Engine, Swap],
) -> None:
    old, new, swap = pair
    first, second = (asyncio.create_task(swap.read(text)) for text in "ab")
    await settled()
    await swap.take(new)
    assert swap.name == "new"
    assert not old.closed
    third = asyncio.create_task(swap.read("c"))
    new.go.set()
    assert await third == "new: c"
    old.go.set()
    assert [await first, await second] == ["old: a", "old: b"]
    await settled()
    assert (old.closed, new.closed) == (1, 0)


async def test_inside_a_turn_the_engine_stays_what_it_was_and_its_name_too(
    pair: tuple[Engine, Engine, Swap],
) -> None:
    old, new, swap = pair
    old.go.set()
    new.go.set()
    with pinned([swap]):
        assert await swap.read("a") == "old: a"
        await asyncio.create_task(swap.take(new))
        assert await swap.read("b") == "old: b"
        assert swap.name == "old"
        assert not old.closed
        assert await asyncio.create_task(swap.read("c")) == "old: c"
    assert await swap.read("d") == "new: d"
    await settled()
    assert old.closed == 1


async def test_a_stream_goes_on_where_it_began(pair: tuple[Engine, Engine, Swap]) -> None:
    old, new, swap = pair
    old.go.set()
    said = []
    async for piece in swap.stream("a b"):
        said.append(piece)
        if len(said) == 1:
            await swap.take(new)
    assert said == ["old: a", "old: b"]
    await settled()
    assert old.closed == 1


async def test_what_cannot_be_started_changes_nothing(pair: tuple[Engine, Engine, Swap]) -> None:
    old, new, swap = pair
    old.go.set()
    new.fails = WeightsError("the weights are gone")
    with pytest.raises(WeightsError):
        await swap.take(new)
    assert await swap.read("a") == "old: a"
    assert (old.closed, new.closed) == (0, 1)


async def test_closing_closes_the_current_one_and_waits_for_the_others(pair: tuple[Engine, Engine, Swap]) -> None:
    old, new, swap = pair
    await swap.take(new)
    await swap.close()
    assert (old.closed, new.closed) == (1, 1)
