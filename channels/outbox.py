"""The only way out: takes what is due from the store and gives it to its channel, until it is sent or given up."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from contextlib import suppress

from bot.errors import DeliveryError
from bot.store.base import Outgoing, Store
from channels.base import Channel
from channels.hub import wait
from channels.metrics import Metrics

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 900.0
ATTEMPTS = 30
"""With these pauses, a platform may be out of reach for about six hours before a reply is given up."""

IDLE_SECONDS = 1.0
HOLD_SECONDS = 60.0
AT_ONCE = 16


def pause_after(attempts: int, retry_after: float | None = None, jitter: float | None = None) -> float:
    """Seconds to the next try after so many failed ones: doubled each time, at most 15 minutes, shortened by up to a
    half at random so that replies do not come in waves; never less than the platform's own `retry_after`."""
    doubled = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** max(0, attempts - 1))
    drawn = random.random() if jitter is None else jitter  # noqa: S311 - not a secret
    return max(doubled * (1 - drawn / 2), retry_after or 0.0)


class Outbox:
    """Sends in order within a conversation, several conversations at once. A crash may send twice; it never loses."""

    def __init__(self, *, store: Store, channels: Mapping[str, Channel], metrics: Metrics, worker: str) -> None:
        self._store = store
        self._channels = channels
        self._metrics = metrics
        self._worker = worker
        self._awake = asyncio.Event()
        self._sending: set[int] = set()
        self._unmarked: dict[int, str | None] = {}  # sent, and the database would not write it down
        self._task: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may be due."""
        self._awake.set()

    @property
    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """What runs from `start` to `stop`."""
        return () if self._task is None else (self._task,)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def stop(self, grace: float = 5.0) -> None:
        """Take nothing more; let what is being sent arrive. What is cut off is sent again by the next life."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        trouble = 0
        while True:
            self._awake.clear()
            try:
                due = await self._take()
                trouble = 0
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - the delivery's edge: a database that fails is tried again
                trouble += 1
                log.error("cannot read the outbox: %s", type(error).__name__)
                self._metrics.trouble("outbox", type(error).__name__)
                await asyncio.sleep(min(0.2 * 2**trouble, 10.0))
                continue
            if not due:
                await wait(self._awake, IDLE_SECONDS)
                continue
            for outgoing in due:
                self._sending.add(outgoing.id)
                task = asyncio.create_task(self._deliver(outgoing), name="delivery")
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _take(self) -> list[Outgoing]:
        """No more than can be sent at once, or holds would run out before anybody comes to them; and none that is still
        being sent after its hold ran out."""
        free = AT_ONCE - len(self._sending)
        if free <= 0:
            return []
        due = await self._store.due(self._worker, channels=sorted(self._channels), limit=free, hold=HOLD_SECONDS)
        return [outgoing for outgoing in due if outgoing.id not in self._sending]

    async def _deliver(self, outgoing: Outgoing) -> None:
        try:
            await self._send(outgoing)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the delivery's edge: the hold runs out, and it is tried again
            log.error("cannot mark a delivery: %s", type(error).__name__)
            self._metrics.trouble("outbox", type(error).__name__)
        finally:
            self._sending.discard(outgoing.id)
            self.wake()

    async def _send(self, outgoing: Outgoing) -> None:
        """Sent, failed for good, or to be tried again."""
        channel = self._channels[outgoing.channel]
        try:
            if outgoing.id not in self._unmarked:
                self._unmarked[outgoing.id] = await channel.send(outgoing)
        except DeliveryError as error:
            if error.permanent or outgoing.attempts + 1 >= ATTEMPTS:
                await self._store.failed(outgoing.id, str(error))
                self._metrics.delivered(outgoing.channel, "failed")
                log.warning("gave up on a reply on %s: %s", outgoing.channel, error)
                return
            await self._again(outgoing, str(error), error.retry_after)
        except Exception as error:
            log.error("sending on %s failed: %s", outgoing.channel, type(error).__name__, exc_info=error)
            if outgoing.attempts + 1 >= ATTEMPTS:
                await self._store.failed(outgoing.id, type(error).__name__)
                self._metrics.delivered(outgoing.channel, "failed")
                return
            await self._again(outgoing, type(error).__name__, None)
        else:
            await self._store.sent(outgoing.id, external_id=self._unmarked[outgoing.id])
            del self._unmarked[outgoing.id]
            self._metrics.delivered(outgoing.channel, "sent")

    async def _again(self, outgoing: Outgoing, error: str, retry_after: float | None) -> None:
        seconds = pause_after(outgoing.attempts + 1, retry_after)
        await self._store.postponed(outgoing.id, error, seconds)
        self._metrics.delivered(outgoing.channel, "postponed")
