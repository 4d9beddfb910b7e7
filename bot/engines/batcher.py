"""One dynamic batcher in front of every model: a bounded queue, a worker thread, and time limits that hold.

There is no waiting for a batch to fill: the worker takes what is queued when it is free, so a lone caller is served at
once and a crowd is served together. A thread cannot be killed, so a worker whose model hangs is left behind (a daemon
thread) and replaced; when `patience` threads are stuck at once, the engine counts as unready until one comes back.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.errors import EngineError, EngineTimeout, EngineUnready, FrontdeskError, Overloaded

T = TypeVar("T")
R = TypeVar("R")

WINDOW = 4  # batches' worth of the oldest items that are sorted by `key` together: no item waits for long


@dataclass(frozen=True, slots=True)
class Figures:
    """What a batcher has done so far, for metrics. `stuck`: worker threads that hang at this moment."""

    name: str
    waiting: int
    items: int
    batches: int
    failures: int
    timeouts: int
    stuck: int


@dataclass(slots=True, eq=False)
class _Job(Generic[T, R]):
    item: T
    future: Future[R] = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class _Worker(Generic[T, R]):
    """One thread and what it is at. `since` is when the model was called (monotonic seconds), None while it is not."""

    thread: threading.Thread | None = None
    since: float | None = None
    jobs: list[_Job[T, R]] = field(default_factory=list)
    abandoned: bool = False


class Batcher(Generic[T, R]):
    """Turns single `submit(item)` calls into calls of `run(items)`, which gives one result an item, in order.

    `max_batch` items at most go into one call; `queue` may wait, more raise Overloaded; a call of `run` that takes
    longer than `timeout` seconds raises EngineTimeout for its callers. With `key` (a length, say) the oldest items are
    sorted before they are cut into batches, so that items of one batch are alike. When a batch of several fails, its
    items are run one by one, so that a bad item fails alone. May be used from any event loop.
    """

    def __init__(
        self,
        run: Callable[[list[T]], Sequence[R]],
        *,
        name: str,
        max_batch: int = 16,
        queue: int = 64,
        timeout: float = 30.0,
        key: Callable[[T], int] | None = None,
        patience: int = 2,
    ) -> None:
        self.name = name
        self._run, self._key = run, key
        self._max_batch, self._limit, self._timeout, self._patience = max_batch, queue, timeout, patience
        self._waiting: deque[_Job[T, R]] = deque()
        self._sorted: deque[_Job[T, R]] = deque()
        self._changed = threading.Condition()
        self._worker: _Worker[T, R] | None = None
        self._stuck: list[_Worker[T, R]] = []
        self._items = self._batches = self._failures = self._timeouts = 0

    # -- for callers ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to work. Idempotent."""
        with self._changed:
            if self._worker is None:
                self._hire()

    async def close(self, grace: float = 2.0) -> None:
        """Refuse what waits (EngineUnready), let the running batch finish for `grace` seconds. Idempotent."""
        with self._changed:
            worker, self._worker = self._worker, None
            left = [*self._sorted, *self._waiting]
            self._sorted.clear()
            self._waiting.clear()
            _fail(left, EngineUnready(f"{self.name} was closed"))
            self._changed.notify_all()
        if worker is None or worker.thread is None:
            return
        await asyncio.to_thread(worker.thread.join, grace)
        with self._changed:
            _fail(worker.jobs, EngineUnready(f"{self.name} was closed"))

    def ready(self) -> bool:
        """Started, and fewer than `patience` threads hang in the model."""
        with self._changed:
            self._look_after()
            return self._worker is not None and not self._worn_out()

    async def submit(self, item: T) -> R:
        """The result for `item`. Raises Overloaded, EngineTimeout, EngineUnready, or what the model raised (as
        EngineError unless it is one of ours). A caller that is cancelled takes its item out of the queue.
        """
        job: _Job[T, R] = _Job(item)
        with self._changed:
            self._look_after()
            if self._worker is None:
                raise EngineUnready(f"{self.name} is not started")
            if self._worn_out():
                raise EngineUnready(f"{self.name} hangs: {len(self._stuck)} calls have not come back")
            if len(self._waiting) + len(self._sorted) >= self._limit:
                raise Overloaded(f"{self.name} has {self._limit} jobs waiting")
            self._waiting.append(job)
            self._changed.notify()
        result = asyncio.wrap_future(job.future)
        try:
            while not result.done():
                await asyncio.wait((result,), timeout=self._patience_left())
                with self._changed:
                    self._look_after()
            return result.result()
        except asyncio.CancelledError:
            job.future.cancel()
            raise

    def figures(self) -> Figures:
        """What has been done so far."""
        with self._changed:
            waiting = len(self._waiting) + len(self._sorted)
            done = (self._items, self._batches, self._failures, self._timeouts)
            return Figures(self.name, waiting, *done, len(self._stuck))

    # -- under the lock ------------------------------------------------------------------------------------------------

    def _hire(self) -> None:
        worker: _Worker[T, R] = _Worker()
        worker.thread = threading.Thread(target=self._work, args=(worker,), name=f"batcher-{self.name}", daemon=True)
        self._worker = worker
        worker.thread.start()

    def _worn_out(self) -> bool:
        return len(self._stuck) >= self._patience

    def _look_after(self) -> None:
        """Replace a worker that hangs. Callers look, since they wait anyway: no thread is needed to watch."""
        self._stuck = [worker for worker in self._stuck if worker.since is not None]
        worker = self._worker
        if worker is None or worker.since is None or time.monotonic() - worker.since < self._timeout:
            return
        worker.abandoned = True
        self._stuck.append(worker)
        self._timeouts += 1
        _fail(worker.jobs, EngineTimeout(f"{self.name} did not answer within {self._timeout:g} s"))
        self._hire()
        if self._worn_out():
            left = [*self._sorted, *self._waiting]
            self._sorted.clear()
            self._waiting.clear()
            _fail(left, EngineUnready(f"{self.name} hangs: {len(self._stuck)} calls have not come back"))

    def _patience_left(self) -> float:
        with self._changed:
            since = self._worker.since if self._worker else None
        left = self._timeout if since is None else since + self._timeout - time.monotonic()
        return max(left, 0.001)

    # -- the worker's thread -------------------------------------------------------------------------------------------

    def _take(self, worker: _Worker[T, R]) -> list[_Job[T, R]] | None:
        """Wait for work; None when this worker has to go."""
        with self._changed:
            while True:
                if worker is not self._worker:
                    return None
                if not self._sorted and self._waiting:
                    self._cut_window()
                batch: list[_Job[T, R]] = []
                while self._sorted and len(batch) < self._max_batch:
                    job = self._sorted.popleft()
                    if job.future.set_running_or_notify_cancel():  # nobody waits for a cancelled one
                        batch.append(job)
                if batch:
                    worker.jobs, worker.since = batch, time.monotonic()
                    return batch
                if not self._waiting:  # else all that was taken had been cancelled
                    self._changed.wait()

    def _cut_window(self) -> None:
        size = self._max_batch * (WINDOW if self._key else 1)
        window = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
        if self._key is not None:
            key = self._key
            window.sort(key=lambda job: key(job.item))
        self._sorted.extend(window)

    def _work(self, worker: _Worker[T, R]) -> None:
        while (batch := self._take(worker)) is not None:
            try:
                self._run_batch(worker, batch)
            finally:
                with self._changed:
                    worker.since, worker.jobs = None, []

    def _may_go_on(self, worker: _Worker[T, R]) -> bool:
        """Start the clock for one item; False when the worker was given up meanwhile (its callers know)."""
        with self._changed:
            if not worker.abandoned:
                worker.since = time.monotonic()
            return not worker.abandoned

    def _run_batch(self, worker: _Worker[T, R], batch: list[_Job[T, R]]) -> None:
        try:
            results = self._run([job.item for job in batch])
            if len(results) != len(batch):
                raise EngineError(f"{self.name} gave {len(results)} results for {len(batch)} items")
        except Exception as error:  # noqa: BLE001 - the worker's edge: every failure belongs to its callers
            if len(batch) == 1 or worker.abandoned:
                with self._changed:
                    self._failures += 1
                    _fail(batch, _as_ours(error, self.name))
                return
            for job in batch:  # find the bad one; the others are served
                if not self._may_go_on(worker):
                    return
                self._run_batch(worker, [job])
            return
        with self._changed:
            self._items += len(batch)
            self._batches += 1
            for job, result in zip(batch, results, strict=True):
                if not job.future.done():  # its time may have run out meanwhile
                    job.future.set_result(result)


def _as_ours(error: Exception, name: str) -> FrontdeskError:
    if isinstance(error, FrontdeskError):
        return error
    wrapped = EngineError(f"{name} failed: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def _fail(jobs: Sequence[_Job[T, R]], error: FrontdeskError) -> None:
    """Give `error` to every caller that still waits. Called under the lock, as everything that settles a future."""
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(error)
