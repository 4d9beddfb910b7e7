"""Threads for code that nobody here wrote: each has an event loop of its own, and one that hangs is left behind.

A coroutine that waits is cancelled when its time is up, and its thread serves the next. One that blocks cannot be
stopped: its thread is counted as stuck, another takes its place, and work of a kind that left `STUCK` threads behind is
refused until one of them comes back. So the threads are bounded, and one bad action takes none from the others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

STUCK = 2
"""So many threads may one kind of work leave behind before it is refused."""


GRACE = 0.5
"""Seconds that a thread has to come back from being cancelled before it counts as stuck."""


class Refused(RuntimeError):
    """The work was not begun. The message says why."""


class Late(RuntimeError):
    """The work is not done in time. What it did, nobody knows."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What the work raised."""

    error: BaseException


class Threads:
    """At most `size` pieces of work at once, each in a thread with an event loop.

    One object serves one event loop. What work keeps between its runs must not be bound to an event loop, for the next
    run may have another.
    """

    def __init__(self, size: int = 8) -> None:
        self._slots = asyncio.Semaphore(size)
        self._lock = threading.Lock()
        self._free: list[_Thread] = []
        self._hanging: dict[_Thread, tuple[str, float]] = {}
        self._closed = False

    def stuck(self, kind: str | None = None) -> int:
        """How many threads hang at this moment, in work of this kind or of any."""
        limit = time.monotonic() - GRACE
        with self._lock:
            return sum(since < limit and kind in (None, whose) for whose, since in self._hanging.values())

    async def run(self, kind: str, work: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T | Raised:
        """Await `work()` in a thread. What it raises is given back, for it is a stranger's.

        Raises Refused when it was not begun, Late when it is not done after `seconds`, the wait for a thread included.
        `kind` is who is to blame for a stuck thread.
        """
        until = asyncio.get_running_loop().time() + seconds
        if (stuck := self.stuck(kind)) >= STUCK:
            raise Refused(f"{stuck} earlier runs of it still hang")
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise Refused(f"all threads were busy for {seconds:g} seconds") from None
        try:
            return await self._carry_out(kind, work, until)
        finally:
            self._slots.release()

    async def _carry_out(self, kind: str, work: Callable[[], Coroutine[Any, Any, T]], until: float) -> T | Raised:
        thread = self._take()
        future = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_contained(work), thread.loop))
        try:
            await asyncio.wait({future}, timeout=until - asyncio.get_running_loop().time())
            if not future.done():
                raise Late("it did not finish in time")
            return await future
        finally:
            if future.done():
                self._back(thread)
            else:
                future.cancel()
                self._leave(kind, thread)

    def _take(self) -> _Thread:
        with self._lock:
            if self._closed:
                raise Refused("no action is begun any more: the bot is being closed")
            if self._free:
                return self._free.pop()
        return _Thread()

    def _back(self, thread: _Thread) -> None:
        with self._lock:
            self._hanging.pop(thread, None)
            kept = not self._closed
            if kept:
                self._free.append(thread)
        if not kept:
            thread.stop()

    def _leave(self, kind: str, thread: _Thread) -> None:
        """It comes back as soon as its loop turns, which is at once where the work only waited."""
        with self._lock:
            self._hanging[thread] = (kind, time.monotonic())
        asyncio.run_coroutine_threadsafe(_nothing(), thread.loop).add_done_callback(lambda _: self._back(thread))

    async def close(self) -> None:
        """End the threads that are free. Those that hang end with the process, or when they come back."""
        with self._lock:
            self._closed = True
            threads, self._free = self._free, []
        for thread in threads:
            thread.stop()
        for thread in threads:
            await asyncio.to_thread(thread.join, 1.0)


class _Thread(threading.Thread):
    """A daemon thread that turns an event loop."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="action")
        self.loop = asyncio.new_event_loop()
        self.start()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)


async def _contained(work: Callable[[], Coroutine[Any, Any, T]]) -> T | Raised:
    try:
        return await work()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of a worker; sys.exit() would end its event loop
        return Raised(error)


async def _nothing() -> None:
    """What a loop that turns has done at once."""
