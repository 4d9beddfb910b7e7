"""What nobody needs any more: deliveries that will not come again, and uploads that no message ever brought.

What goes too late costs some room, what goes too early a customer's message: so a clock is trusted as far as it runs,
and not where it jumps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.store.tables import inbox, uploads

REPEATS = timedelta(days=30)
"""A delivery that comes again within this time is known; platforms try for a few days at most."""
UNSENT = timedelta(days=2)
"""An upload is sent within this time, or not at all."""
AT_ONCE = 500
"""Rows a transaction: others are never kept waiting."""
A_RUN = timedelta(days=3)
"""How much time's deliveries one run forgets at most. Runs are a day apart, so it catches up, slowly."""
QUIET = timedelta(days=1)
"""How long the store is taken to have been at rest before a start: a clock may have jumped while nobody ran."""


class Elapsed:
    """The time by which things are old. `clock` tells the time, UTC, `monotonic` seconds that never jump.

    From the start on it goes as fast as `monotonic` and never ahead of the clock; it starts at most QUIET after the
    newest row. After a longer rest it is behind, until the next start after something has come in.
    """

    def __init__(self, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self.start(None)

    def start(self, newest: datetime | None) -> None:
        """Begin to count. `newest` is when something was last stored."""
        now = self._clock()
        self._from = now if newest is None else min(now, newest + QUIET)
        self._since = self._monotonic()

    def now(self) -> datetime:
        """Never later than the clock's."""
        return min(self._clock(), self._from + timedelta(seconds=self._monotonic() - self._since))

    @property
    def behind(self) -> timedelta:
        """How much further the clock is."""
        return self._clock() - self.now()


def newest(connection: sa.Connection) -> datetime | None:
    """When the last message or trigger was stored; None: there is none."""
    last = sa.select(inbox.c.created).order_by(inbox.c.id.desc()).limit(1)
    found: datetime | None = connection.scalar(last)
    return found


def forgettable(connection: sa.Connection, now: datetime) -> datetime:
    """Deliveries that were done before this moment may be forgotten in this run: by `now`, and not too many at once."""
    oldest = connection.scalar(sa.select(inbox.c.done).where(inbox.c.done.is_not(None)).order_by(inbox.c.id).limit(1))
    before = now - REPEATS
    return before if oldest is None else min(before, oldest + A_RUN)


def deliveries(connection: sa.Connection, before: datetime) -> int:
    """Forget some deliveries that were done before. Returns how many; as long as it is AT_ONCE there may be more.

    Rows were made in the order of their ids, so that only the oldest are looked at.
    """
    oldest = sa.select(inbox.c.id, inbox.c.done).where(inbox.c.done.is_not(None)).order_by(inbox.c.id).limit(AT_ONCE)
    gone = [row.id for row in connection.execute(oldest) if row.done < before]
    connection.execute(sa.delete(inbox).where(inbox.c.id.in_(gone)))
    return len(gone)


def unsent(connection: sa.Connection, before: datetime, now: datetime) -> int:
    """Mark uploads from before that no message brought as erased; their blobs go as other erased ones do. Returns how
    many."""
    never = sa.and_(uploads.c.conversation.is_(None), uploads.c.erased.is_(None), uploads.c.created < before)
    return (connection.execute(sa.update(uploads).where(never).values(erased=now))).rowcount


def unknown(connection: sa.Connection, blobs: Collection[str]) -> list[str]:
    """Those blobs that no upload knows of."""
    known = set(connection.scalars(sa.select(uploads.c.blob).where(uploads.c.blob.in_(blobs))))
    return [blob for blob in blobs if blob not in known]
