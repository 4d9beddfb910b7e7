"""The store over SQLAlchemy, for SQLite and PostgreSQL alike.

Each method is one transaction; what happens in it stands next door: `inbox`, `commit`, `events`, `outbox`, `people`,
`uploads`, `summaries`, `approvals`, `models`, `trail`, `tidy`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bot.events import Event
from bot.state import State
from bot.store import approvals, events, inbox, models, outbox, people, tidy, trail, uploads
from bot.store.base import Accepted, Approval, Blobs, Claim, Lease, ModelVersion, Outgoing, Promotion, Summary, Tidied
from bot.store.changes import Changes
from bot.store.commit import Commit
from bot.store.database import Database
from bot.store.failures import Locked
from bot.store.migrate import upgrade
from bot.store.summaries import summaries
from bot.types import Message, now

log = logging.getLogger(__name__)

MIGRATION_WAITS = 5
"""So often a lock is waited for again when the tables may be in the making."""


class SqlStore:
    """See `bot.store.base.Store`. `url` is SQLAlchemy's: sqlite:///FILE or postgresql://... (ConfigError for others).

    `clock` tells the time, UTC, `monotonic` seconds that never jump. `blobs` is where uploads lie; without it erased
    ones are only marked, and the next store that has it deletes them.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime] = now,
        monotonic: Callable[[], float] = time.monotonic,
        blobs: Blobs | None = None,
    ) -> None:
        self._clock = clock
        self._elapsed = tidy.Elapsed(clock, monotonic)
        self._blobs = blobs
        self._changes = Changes()
        self._database = Database(url, self._changes.touch)

    async def open(self) -> None:
        await self._database.open()
        await self._migrate()
        self._elapsed.start(await self._database.read(tidy.newest))
        await self._delete_erased()

    async def _migrate(self) -> None:
        """Another process may be making the tables, on a slow disk for longer than a lock is waited for."""
        for _ in range(MIGRATION_WAITS):
            with suppress(Locked):
                await self._database.write(upgrade)
                return
        await self._database.write(upgrade)

    async def close(self) -> None:
        await self._changes.close()
        await self._database.close()

    async def check(self) -> None:
        await self._database.check()

    @property
    def syncs(self) -> tuple[int, float]:
        """How many transactions were committed here, and the seconds that took: the wait for the disk, told apart."""
        return self._database.syncs, self._database.sync_seconds

    # -- the inbox

    async def accept(self, message: Message, *, bot: str, wait: bool = True) -> Accepted:
        return await self._database.write(inbox.accept, message, bot, wait, self._clock())

    async def trigger(self, conversation: str, kind: str, data: dict[str, Any]) -> None:
        await self._database.write(inbox.trigger, conversation, kind, data, self._clock())

    async def claim(
        self, worker: str, *, lease_seconds: float, pause: float = 0.0, conversation: str | None = None
    ) -> Claim | None:
        for candidate in await self._database.read(inbox.ready, pause, conversation, self._clock()):
            taken = await self._database.write_quietly(inbox.claim, candidate, worker, lease_seconds, self._clock())
            if taken is not None:
                return taken
        return None

    async def waiting(self) -> int:
        return await self._database.read(inbox.waiting)

    async def unanswered(self, conversation: str) -> list[Message]:
        return await self._database.read(inbox.unanswered, conversation)

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        return await self._database.write_quietly(inbox.renew, lease, seconds, self._clock())

    async def release(self, lease: Lease) -> None:
        await self._database.write(inbox.release, lease)

    async def release_worker(self, worker: str) -> int:
        await self._database.write_quietly(outbox.release_worker, worker)
        return await self._database.write(inbox.release_worker, worker)

    # -- conversations

    async def load(self, conversation: str) -> State:
        return await self._database.read(events.load, conversation)

    async def events(self, conversation: str, after: int = 0, *, newest: int | None = None) -> list[Event]:
        if newest is not None:
            return await self._database.read(events.newest, conversation, after, newest)
        return await self._database.read(events.read, conversation, after)

    async def commit(
        self,
        conversation: str,
        expected: int,
        events: Sequence[Event],
        *,
        send: Sequence[str] = (),
        lease: Lease | None = None,
        done: Sequence[int] = (),
    ) -> list[Event]:
        work = Commit(conversation, expected, tuple(events), tuple(send), lease, tuple(done))
        return await self._database.write(work, self._clock())

    async def conversations(
        self, *, status: str | None = None, limit: int = 50, before: datetime | None = None
    ) -> list[Summary]:
        return await self._database.read(summaries, status, limit, before)

    async def find(self, channel: str, account: str, sender: str) -> str | None:
        return await self._database.read(people.find, channel, account, sender)

    async def end(self, conversation: str) -> None:
        await self._database.write(people.end, conversation)

    # -- the outbox

    async def due(self, worker: str, *, channels: Sequence[str], limit: int = 50, hold: float = 30.0) -> list[Outgoing]:
        if not await self._database.read(outbox.anything, channels, self._clock()):
            return []
        return await self._database.write_quietly(
            outbox.due, worker, channels=channels, limit=limit, hold=hold, now=self._clock()
        )

    async def sent(self, outgoing: int, *, external_id: str | None = None) -> None:
        await self._database.write(outbox.sent, outgoing, external_id)

    async def delivered(self, conversation: str) -> None:
        await self._database.write(outbox.delivered, conversation)

    async def postponed(self, outgoing: int, error: str, seconds: float) -> None:
        await self._database.write(outbox.postponed, outgoing, error, seconds, self._clock())

    async def failed(self, outgoing: int, error: str) -> None:
        await self._database.write(outbox.failed, outgoing, error, self._clock())

    async def changes(self, seen: int, timeout: float) -> int:  # noqa: ASYNC109 - running out is no error here
        return await self._changes.wait(self._database, seen, timeout)

    # -- people

    async def identify(self, conversation: str, person_key: str) -> str:
        return await self._database.write(people.identify, conversation, person_key, self._clock())

    async def unmerge(self, conversation: str) -> str:
        return await self._database.write(people.unmerge, conversation, self._clock())

    async def erase(self, conversation: str, refs: Sequence[str] | None = None, *, by: str = "") -> int:
        count = await self._database.write(people.erase, conversation, refs, by, self._clock())
        await self._delete_erased()
        await self._database.forget()
        return count

    # -- uploads

    async def attach(self, blob: str, *, channel: str, account: str, sender: str, media_type: str, size: int) -> None:
        values = {"channel": channel, "account": account, "sender": sender, "media_type": media_type, "size": size}
        await self._database.write(uploads.attach, {"blob": blob, **values, "created": self._clock()})

    async def owner(self, blob: str) -> tuple[str, str, str, str]:
        return await self._database.read(uploads.owner, blob)

    # -- approvals

    async def approvals(self, *, queue: str | None = None, waiting: bool = True, limit: int = 200) -> list[Approval]:
        return await self._database.read(approvals.listed, queue, waiting, limit)

    async def decide(self, approval: str, granted: bool, *, author: str, note: str = "") -> Approval:
        return await self._database.write(approvals.decide, approval, granted, author, note, self._clock())

    # -- versions of models, and the audit trail

    async def add_model(self, model: ModelVersion) -> bool:
        return await self._database.write(models.add, model)

    async def models(self) -> list[ModelVersion]:
        return await self._database.read(models.versions)

    async def promote(self, promotion: Promotion) -> None:
        await self._database.write(models.promote, promotion)

    async def promotions(self) -> list[Promotion]:
        return await self._database.read(models.history)

    async def placed(self, item: str) -> tuple[str, int]:
        return await self._database.read(trail.placed, item)

    async def trail(
        self, after: int, limit: int, *, since: datetime | None = None, conversation: str | None = None
    ) -> list[tuple[int, Event]]:
        return await self._database.read(trail.read, after, limit, since, conversation)

    async def tidy(self) -> Tidied:
        deliveries, now = 0, self._elapsed.now()
        before = await self._database.read(tidy.forgettable, now)
        while gone := await self._database.write_quietly(tidy.deliveries, before):
            deliveries += gone
            if gone < tidy.AT_ONCE:
                break
        unsent = await self._database.write_quietly(tidy.unsent, now - tidy.UNSENT, self._clock())
        await self._delete_erased()
        return Tidied(deliveries, unsent, await self._delete_strays())

    async def _delete_strays(self) -> int:
        """Blobs whose upload broke off between the blob and its row. Where most are unknown the database is another
        one than theirs, and nothing is touched."""
        if self._blobs is None:
            return 0
        blobs = await self._blobs.older((tidy.UNSENT + self._elapsed.behind).total_seconds())
        strays: list[str] = []
        for start in range(0, len(blobs), tidy.AT_ONCE):
            strays += await self._database.read(tidy.unknown, blobs[start : start + tidy.AT_ONCE])
        if 2 * len(strays) > len(blobs):
            log.warning("%d of %d uploads are unknown to this database: is it the right one?", len(strays), len(blobs))
            return 0
        for blob in strays:
            await self._blobs.delete(blob)
        return len(strays)

    async def _delete_erased(self) -> None:
        """The rows say what must go until it is gone: a crash in between leaves nothing behind for good."""
        if self._blobs is None:
            return
        gone = await self._database.read(uploads.erased)
        for blob in gone:
            await self._blobs.delete(blob)
        if gone:
            await self._database.write_quietly(uploads.forget, gone)
