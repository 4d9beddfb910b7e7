"""The batcher: batches what waits, bounds the queue, and lets nobody wait for ever."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.engines.batcher import Batcher
from bot.errors import EngineError, EngineTimeout, EngineUnready, Overloaded, TooLarge


@asynccontextmanager
async def running(run: Callable[[list[Any]], Sequence[Any]], **options: Any) -> AsyncIterator[Batcher[Any, Any]]:
    batcher: Batcher[Any, Any] = Batcher(run, name="test", **options)
    await batcher.start()
    try:
        yield batcher
    finally:
        await batcher.close(grace=0.1)


class Gate:
    """A model that waits until it is let go, and remembers its batches."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.batches: list[list[Any]] = []

    def __call__(self, items: list[Any]) -> list[Any]:
        self.batches.append(list(items))
        self.open.wait(10)
        return [item * 2 for item in items]


async def until(happened: Callable[[], bool]) -> None:
    """Worker threads have no event to wait for."""
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)


async def waiting(batcher: Batcher[Any, Any], count: int) -> None:
    await until(lambda: batcher.figures().waiting == count)


async def taken(gate: Gate) -> None:
    await until(lambda: bool(gate.batches))


async def test_a_lone_item_is_answered_without_waiting_for_others() -> None:
    async with running(lambda items: [item + 1 for item in items]) as batcher:
        begun = time.monotonic()
        assert await batcher.submit(1) == 2
        assert time.monotonic() - begun < 1


async def test_what_waits_is_run_together_and_everybody_gets_their_own_result() -> None:
    gate = Gate()
    async with running(gate, max_batch=4) as batcher:
        first = asyncio.ensure_future(batcher.submit(0))
        await taken(gate)
        rest = [asyncio.ensure_future(batcher.submit(number)) for number in range(1, 7)]
        await waiting(batcher, 6)
        gate.open.set()
        assert await asyncio.gather(first, *rest) == [0, 2, 4, 6, 8, 10, 12]
        assert gate.batches == [[0], [1, 2, 3, 4], [5, 6]]
        assert batcher.figures().items == 7
        assert batcher.figures().batches == 3


async def test_a_key_puts_items_of_like_length_into_one_batch() -> None:
    gate = Gate()
    async with running(gate, max_batch=2, key=int) as batcher:
        jobs = [asyncio.ensure_future(batcher.submit(0))]
        await taken(gate)
        jobs += [asyncio.ensure_future(batcher.submit(number)) for number in (9, 1, 8, 2)]
        await waiting(batcher, 4)
        gate.open.set()
        assert await asyncio.gather(*jobs) == [0, 18, 2, 16, 4]
        assert gate.batches == [[0], [1, 2], [8, 9]]


async def test_a_full_queue_is_said_at_once() -> None:
    gate = Gate()
    async with running(gate, queue=2, max_batch=1) as batcher:
        jobs = [asyncio.ensure_future(batcher.submit(0))]
        await taken(gate)
        jobs += [asyncio.ensure_future(batcher.submit(number)) for number in (1, 2)]
        await waiting(batcher, 2)
        with pytest.raises(Overloaded, match="test has 2 jobs waiting"):
            await batcher.submit(3)
        gate.open.set()
        assert await asyncio.gather(*jobs) == [0, 2, 4]


async def test_one_bad_item_fails_alone_and_the_batcher_goes_on() -> None:
    gate = threading.Event()

    def run(items: list[int]) -> list[int]:
        gate.wait(10)
        return [10 // item for item in items]

    async with running(run, max_batch=8) as batcher:
        jobs = [asyncio.ensure_future(batcher.submit(number)) for number in (1, 2, 0, 5)]
        await asyncio.sleep(0.05)
        gate.set()
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert results[:2] == [10, 5]
        assert results[3] == 2
        assert isinstance(results[2], EngineError)
        assert "ZeroDivisionError" in str(results[2])
        assert isinstance(results[2].__cause__, ZeroDivisionError)
        assert await batcher.submit(10) == 1


async def test_an_error_of_ours_reaches_the_caller_as_it_is() -> None:
    def run(items: list[int]) -> list[int]:
        raise TooLarge("too much")

    async with running(run) as batcher:
        with pytest.raises(TooLarge, match="too much"):
            await batcher.submit(1)


async def test_a_wrong_number_of_results_is_an_error_and_never_somebody_elses_answer() -> None:
    async with running(lambda items: []) as batcher:
        with pytest.raises(EngineError, match="gave 0 results for 1 items"):
            await batcher.submit(1)


async def test_a_model_that_hangs_fails_its_callers_in_time_and_a_new_worker_serves_the_next() -> None:
    release = threading.Event()

    def run(items: list[str]) -> list[str]:
        if "hang" in items:
            release.wait(10)
        return items

    async with running(run, timeout=0.1, max_batch=1) as batcher:
        stuck = asyncio.ensure_future(batcher.submit("hang"))
        queued = asyncio.ensure_future(batcher.submit("fine"))
        begun = time.monotonic()
        with pytest.raises(EngineTimeout, match=r"did not answer within 0\.1 s"):
            await stuck
        assert time.monotonic() - begun < 1
        assert await queued == "fine"
        assert batcher.ready()
        assert batcher.figures().timeouts == 1
        assert batcher.figures().stuck == 1
        release.set()


async def test_a_model_that_hangs_again_is_turned_away_from_until_it_comes_back() -> None:
    release = threading.Event()

    def run(items: list[str]) -> list[str]:
        if "hang" in items:
            release.wait(10)
        return items

    async with running(run, timeout=0.05, max_batch=1, patience=2) as batcher:
        jobs = [asyncio.ensure_future(batcher.submit(item)) for item in ("hang", "hang", "queued")]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(result) for result in results] == [EngineTimeout, EngineTimeout, EngineUnready]
        assert not batcher.ready()
        with pytest.raises(EngineUnready, match="hangs"):
            await batcher.submit("fine")
        release.set()
        await until(batcher.ready)
        assert await batcher.submit("fine") == "fine"


async def test_a_caller_that_gives_up_takes_its_item_out_of_the_queue() -> None:
    gate = Gate()
    async with running(gate, max_batch=1) as batcher:
        first = asyncio.ensure_future(batcher.submit(1))
        await taken(gate)
        gone = asyncio.ensure_future(batcher.submit(2))
        kept = asyncio.ensure_future(batcher.submit(3))
        await waiting(batcher, 2)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        gate.open.set()
        assert await asyncio.gather(first, kept) == [2, 6]
        assert gate.batches == [[1], [3]]


async def test_closing_fails_what_waits_and_is_idempotent() -> None:
    gate = Gate()
    batcher: Batcher[int, int] = Batcher(gate, name="test", max_batch=1)
    with pytest.raises(EngineUnready, match="not started"):
        await batcher.submit(1)
    await batcher.start()
    await batcher.start()
    running_one = asyncio.ensure_future(batcher.submit(1))
    await taken(gate)
    queued = asyncio.ensure_future(batcher.submit(2))
    await waiting(batcher, 1)
    begun = time.monotonic()
    await batcher.close(grace=0.1)
    await batcher.close()
    assert time.monotonic() - begun < 1
    results = await asyncio.gather(running_one, queued, return_exceptions=True)
    assert [type(result) for result in results] == [EngineUnready, EngineUnready]
    assert not batcher.ready()
    gate.open.set()


async def test_a_closed_batcher_lets_the_running_batch_finish() -> None:
    def run(items: list[int]) -> list[int]:
        time.sleep(0.1)
        return items

    batcher: Batcher[int, int] = Batcher(run, name="test")
    await batcher.start()
    job = asyncio.ensure_future(batcher.submit(7))
    await asyncio.sleep(0.03)
    await batcher.close(grace=5)
    assert await job == 7


def test_it_serves_callers_of_several_event_loops() -> None:
    batcher: Batcher[int, int] = Batcher(lambda items: [item + 1 for item in items], name="test", queue=1000)

    async def ask(base: int) -> list[int]:
        await batcher.start()
        return await asyncio.gather(*(batcher.submit(base + number) for number in range(50)))

    results: dict[int, list[int]] = {}
    threads = [threading.Thread(target=lambda n=n: results.update({n: asyncio.run(ask(n))})) for n in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {base: [base + number + 1 for number in range(50)] for base in (0, 100, 200)}
    asyncio.run(batcher.close())


async def test_a_crowd_is_answered_whole_and_right() -> None:
    async with running(lambda items: [item * item for item in items], queue=5000, max_batch=7, key=int) as batcher:
        jobs = (batcher.submit(number) for number in range(1000))
        assert await asyncio.gather(*jobs) == [number * number for number in range(1000)]
