"""What came in, worked off: store first, then one turn at a time in each conversation, a few conversations at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from bot.errors import FrontdeskError, LeaseLost, Overloaded
from bot.settings import Settings
from bot.store.base import Accepted, Claim, Store
from bot.types import Emission, Message, TurnResult
from channels.base import Turn
from channels.hub import Hub, wait
from channels.metrics import Metrics
from channels.workers import keep_on

log = logging.getLogger(__name__)

SLOW_SECONDS = 6.0
"""A customer who has waited this long is told that it takes longer."""

MARGIN_SECONDS = 10.0
"""What a turn may take beyond its own limit (it hands over by itself then) before its worker gives up on it."""

IDLE_SECONDS = 1.0
"""How often an idle inbox looks by itself, should a wake-up call have been missed."""

Slow = Callable[[str, Message, bool], Awaitable[None]]
"""Called with the conversation, its waiting message, and whether a worker has begun on it."""


@dataclass(slots=True)
class Waiting:
    """A customer who waits: the newest message, since when and when to look again (monotonic), how far things are."""

    message: Message
    since: float
    begun: bool = False
    told: bool = False
    look: float = 0.0


class Inbox:
    """Accepts messages for the channels, and runs the turns.

    One dispatcher claims work for at most `settings.turns.workers` turns. A turn that dies is tried again after a
    pause that grows; `bot.turn` hands over to a person when it died too often. `worker` is this process's name in
    leases; leases under that name from an earlier life are given back at the start.
    """

    def __init__(
        self,
        *,
        store: Store,
        turn: Turn,
        hub: Hub,
        settings: Settings,
        metrics: Metrics,
        worker: str,
        bot: str,
        slow: Slow,
    ) -> None:
        self._store = store
        self._turn = turn
        self._hub = hub
        self._settings = settings
        self._metrics = metrics
        self._bot = bot
        self._slow = slow
        self.worker = worker
        self._slots = asyncio.Semaphore(settings.turns.workers)
        self._awake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, Waiting] = {}
        self._callers = 0
        self._results: defaultdict[str, list[asyncio.Future[TurnResult]]] = defaultdict(list)

    # -- coming in

    async def accept(self, message: Message, *, wait: bool = True) -> Accepted:
        """Store a message; when this returns it survives a power cut. `wait=False` skips the burst's pause."""
        accepted = await self._store.accept(message, bot=self._bot, wait=wait)
        self._metrics.received(message.channel, new=accepted.new)
        if accepted.new:
            known = self._waiting.setdefault(accepted.conversation, Waiting(message, time.monotonic()))
            known.message = message
            self.wake()
        return accepted

    @asynccontextmanager
    async def place(self, channel: str) -> AsyncIterator[None]:
        """A caller's place in the queue. Overloaded when `limits.turns_waiting` wait already."""
        limit = self._settings.limits.turns_waiting
        if self._callers >= limit:
            self._metrics.busy(channel)
            raise Overloaded(f"{self._callers} callers are waiting already")
        self._callers += 1
        try:
            if await self._store.waiting() > limit:
                self._metrics.busy(channel)
                raise Overloaded("too many messages are waiting already")
            yield
        finally:
            self._callers -= 1

    @contextmanager
    def result(self, message_id: str) -> Iterator[asyncio.Future[TurnResult]]:
        """The result of the turn that answers this message, if a worker of this process runs it. Ask before `accept`
        has returned or after, but the future knows only of turns that end while it is held."""
        future: asyncio.Future[TurnResult] = asyncio.get_running_loop().create_future()
        self._results[message_id].append(future)
        try:
            yield future
        finally:
            self._results[message_id].remove(future)
            if not self._results[message_id]:
                del self._results[message_id]

    def wake(self) -> None:
        """There may be something to do."""
        self._awake.set()

    @property
    def in_flight(self) -> int:
        """Turns that are running now."""
        return len(self._running)

    @property
    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """What runs from `start` to `stop`."""
        return tuple(self._tasks)

    # -- working

    async def start(self) -> None:
        """Give back this worker's old leases and begin."""
        freed = await self._store.release_worker(self.worker)
        if freed:
            log.info("gave back %d leases of an earlier life", freed)
        self._tasks = [
            asyncio.create_task(self._dispatch(), name="inbox"),
            asyncio.create_task(keep_on(self._watch, "inbox watch", self._metrics), name="inbox watch"),
        ]

    async def stop(self, grace: float = 20.0) -> None:
        """Claim nothing more; let turns in flight finish for `grace` seconds, then hand them back. Idempotent."""
        self._stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _dispatch(self) -> None:
        trouble = 0
        while not self._stopping.is_set():
            await self._slots.acquire()
            self._awake.clear()
            try:
                claim = await self._store.claim(
                    self.worker,
                    lease_seconds=self._settings.turns.lease_seconds,
                    pause=self._settings.turns.pause_seconds,
                )
                trouble = 0
            except asyncio.CancelledError:
                self._slots.release()
                raise
            except Exception as error:  # noqa: BLE001 - the worker's edge: a database that fails is tried again
                self._slots.release()
                trouble += 1
                log.error("cannot claim work: %s", _named(error))
                self._metrics.trouble("inbox", type(error).__name__)
                await asyncio.sleep(min(0.2 * 2**trouble, 10.0))
                continue
            if claim is None:
                self._slots.release()
                await self._rest()
                continue
            self._metrics.in_flight.inc()
            task = asyncio.create_task(self._work(claim), name=f"turn {claim.lease.conversation}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _rest(self) -> None:
        """Until woken; where a message may wait for the burst's pause to pass, only a part of that."""
        burst = self._settings.turns.pause_seconds
        since = time.monotonic() - burst - IDLE_SECONDS
        soon = any(not waiting.begun and waiting.since > since for waiting in self._waiting.values())
        pause = max(0.02, burst / 4) if soon else IDLE_SECONDS
        await wait(self._awake, pause)

    async def _work(self, claim: Claim) -> None:
        conversation = claim.lease.conversation
        if conversation in self._waiting:
            self._waiting[conversation].begun = True
        pause = 0.0
        try:
            result = await self._finish(claim)
            self._answered(claim)
            self._metrics.turn(result)
            self._resolve(claim, result)
        except asyncio.CancelledError:
            await self._give_back(claim)
            raise
        except Exception as error:
            log.error("turn failed, attempt %d: %s", claim.attempt, _named(error), exc_info=_unless_known(error))
            self._metrics.trouble("turn", type(error).__name__)
            pause = 0.0 if isinstance(error, LeaseLost) else min(0.25 * 2**claim.attempt, 15.0)
        finally:
            self._slots.release()
            self._metrics.in_flight.dec()
            self._hub.publish(conversation)
            self.wake()
        if pause:
            # The lease is kept meanwhile, so that nobody else runs into the same wall.
            await wait(self._stopping, pause)
            await self._give_back(claim)

    async def _finish(self, claim: Claim) -> TurnResult:
        """Run the turn. It renews its lease and keeps its time by itself; the limit here is for one that cannot."""

        def emit(emission: Emission) -> None:
            self._hub.publish(claim.lease.conversation, emission)

        async with asyncio.timeout(self._settings.turns.limit_seconds + MARGIN_SECONDS):
            return await self._turn.handle(claim, emit)

    async def _give_back(self, claim: Claim) -> None:
        """A database in trouble is asked again until the lease has run out by itself: nobody waits for that then."""
        deadline = time.monotonic() + self._settings.turns.lease_seconds
        while True:
            try:
                await asyncio.shield(self._store.release(claim.lease))
                break
            except FrontdeskError as error:
                if self._stopping.is_set() or time.monotonic() > deadline:
                    log.warning("cannot give back a lease (it runs out by itself): %s", _named(error))
                    break
                await wait(self._stopping, IDLE_SECONDS)
        self.wake()

    def _resolve(self, claim: Claim, result: TurnResult) -> None:
        for message in claim.trigger.messages:
            for future in self._results.get(message.id, ()):
                if not future.done():
                    future.set_result(result)

    def _answered(self, claim: Claim) -> None:
        """Nobody waits there any more, unless another message came while the turn ran."""
        waiting = self._waiting.pop(claim.lease.conversation, None)
        if waiting is not None and waiting.message.id not in {message.id for message in claim.trigger.messages}:
            self._waiting[claim.lease.conversation] = Waiting(waiting.message, time.monotonic())

    async def _watch(self) -> None:
        await asyncio.sleep(IDLE_SECONDS)
        await self._tell_slow()

    async def _tell_slow(self) -> None:
        moment = time.monotonic()
        for conversation, waiting in list(self._waiting.items()):
            if moment < max(waiting.since + SLOW_SECONDS, waiting.look):
                continue
            waiting.look = moment + SLOW_SECONDS
            try:
                if not await self._answered_elsewhere(conversation, waiting) and not waiting.told:
                    waiting.told = True
                    await self._slow(conversation, waiting.message, waiting.begun)
            except FrontdeskError as error:
                log.warning("cannot say that it takes longer: %s", _named(error))

    async def _answered_elsewhere(self, conversation: str, waiting: Waiting) -> bool:
        """Whether another process took the message up and is done: then nobody waits here any more."""
        state = await self._store.load(conversation)
        if all(line.id != waiting.message.id for line in state.history):
            return False
        if self._waiting.get(conversation) is waiting:
            del self._waiting[conversation]
        return True


def _named(error: BaseException) -> str:
    """What went wrong, without what a customer wrote: the words of our own errors, only the type of others."""
    return f"{type(error).__name__}: {error}" if isinstance(error, FrontdeskError) else type(error).__name__


def _unless_known(error: Exception) -> Exception | None:
    return None if isinstance(error, FrontdeskError | TimeoutError) else error
