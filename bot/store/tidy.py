"""What nobody needs any more: deliveries that will not come again, and uploads that no message ever brought."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.store.tables import inbox, uploads

REPEATS = timedelta(days=30)
"""A delivery that comes again within this time is known; platforms try for a few days at most."""
UNSENT = timedelta(days=2)
"""An upload is sent within this time, or not at all."""
AT_ONCE = 500
"""Rows a transaction: others are never kept waiting."""


def deliveries(connection: sa.Connection, now: datetime) -> int:
    """Forget some deliveries that were done long ago. Returns how many; as long as it is AT_ONCE there may be more.

    Rows were made in the order of their ids, so that only the oldest are looked at.
    """
    oldest = sa.select(inbox.c.id, inbox.c.done).where(inbox.c.done.is_not(None)).order_by(inbox.c.id).limit(AT_ONCE)
    gone = [row.id for row in connection.execute(oldest) if row.done < now - REPEATS]
    connection.execute(sa.delete(inbox).where(inbox.c.id.in_(gone)))
    return len(gone)


def unsent(connection: sa.Connection, now: datetime) -> int:
    """Mark uploads that no message brought as erased; their blobs go as other erased ones do. Returns how many."""
    never = sa.and_(uploads.c.conversation.is_(None), uploads.c.erased.is_(None), uploads.c.created < now - UNSENT)
    return (connection.execute(sa.update(uploads).where(never).values(erased=now))).rowcount


def unknown(connection: sa.Connection, blobs: Collection[str]) -> list[str]:
    """Those blobs that no upload knows of."""
    known = set(connection.scalars(sa.select(uploads.c.blob).where(uploads.c.blob.in_(blobs))))
    return [blob for blob in blobs if blob not in known]
