"""Threads for actions: nothing that hangs there takes the others along."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest

from bot.actions import threads as module
from bot.actions.threads import STUCK, Late, Raised, Refused, Threads


@pytest.fixture
async def threads(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Threads]:
    monkeypatch.setattr(module, "GRACE", 0.05)
    made = Threads(2)
    yield made
    await made.close()


def blocking(until: threading.Event) -> Callable[[], Coroutine[None, None, str]]:
    async def work() -> str:
        until.wait(20)
        return "came back"

    return work


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def test_what_work_raises_is_given_back_and_its_thread_serves_on(threads: Threads) -> None:
    async def bad() -> None:
        raise KeyError("x")

    async def leave() -> None:
        raise SystemExit(3)

    for work in (bad, leave, bad):
        given = await threads.run("work", work, 5)
        assert isinstance(given, Raised)
    assert threads.stuck() == 0


async def test_work_that_only_waits_is_cancelled_and_leaves_no_thread_behind(threads: Threads) -> None:
    for _ in range(6):
        with pytest.raises(Late):
            await threads.run("waits", lambda: asyncio.sleep(60), 0.05)
    await until(lambda: threads.stuck() == 0)
    assert await threads.run("waits", lambda: asyncio.sleep(0, "fine"), 5) == "fine"


async def test_hanging_work_is_refused_and_takes_no_thread_from_others(threads: Threads) -> None:
    free = threading.Event()
    for _ in range(STUCK):
        with pytest.raises(Late):
            await threads.run("hangs", blocking(free), 0.05)
    await until(lambda: threads.stuck("hangs") == STUCK)
    with pytest.raises(Refused, match="2 earlier runs of it still hang"):
        await threads.run("hangs", blocking(free), 0.05)
    answers = await asyncio.gather(*(threads.run("others", lambda: asyncio.sleep(0, "fine"), 5) for _ in range(8)))
    assert answers == ["fine"] * 8
    free.set()
    await until(lambda: threads.stuck() == 0)
    assert await threads.run("hangs", blocking(free), 5) == "came back"


async def test_the_event_loop_goes_on_while_work_blocks(threads: Threads) -> None:
    free = threading.Event()
    running = asyncio.create_task(threads.run("blocks", blocking(free), 10))
    began = time.monotonic()
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert time.monotonic() - began < 5
    assert not running.done()
    free.set()
    assert await running == "came back"


async def test_work_that_finds_no_thread_in_time_was_not_begun(threads: Threads) -> None:
    free = threading.Event()
    running = [asyncio.create_task(threads.run(name, blocking(free), 10)) for name in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="all threads were busy"):
        await threads.run("third", lambda: asyncio.sleep(0), 0.05)
    free.set()
    assert await asyncio.gather(*running) == ["came back", "came back"]


async def test_a_caller_that_gives_up_leaves_its_thread_to_others(threads: Threads) -> None:
    running = [asyncio.create_task(threads.run("waits", lambda: asyncio.sleep(60), 60)) for _ in range(2)]
    await asyncio.sleep(0.05)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert await threads.run("next", lambda: asyncio.sleep(0, "fine"), 5) == "fine"
    assert all(task.cancelled() for task in running)


async def test_nothing_is_begun_after_the_close() -> None:
    before = set(threading.enumerate())
    made = Threads(1)
    assert await made.run("work", lambda: asyncio.sleep(0, "fine"), 5) == "fine"
    await made.close()
    await made.close()
    with pytest.raises(Refused, match="closed"):
        await made.run("work", lambda: asyncio.sleep(0, "fine"), 5)
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "action"]
