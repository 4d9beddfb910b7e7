"""The list of conversations, from the projection that every commit keeps beside the state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.store import words
from bot.store.base import Summary
from bot.store.tables import conversations, identities


def summaries(connection: sa.Connection, status: str | None, limit: int, before: datetime | None) -> list[Summary]:
    """Newest first, the customers' last words joined."""
    query = sa.select(conversations, identities.c.sender)
    query = query.join(identities, identities.c.id == conversations.c.identity)
    if status is not None:
        query = query.where(conversations.c.status == status)
    if before is not None:
        query = query.where(conversations.c.updated < before)
    rows = connection.execute(query.order_by(conversations.c.updated.desc(), conversations.c.id).limit(limit)).all()
    texts = words.fetch(connection, {row.last for row in rows if row.last})
    return [_summary(row, texts.get(row.last, "")) for row in rows]


def _summary(row: sa.Row[Any], last: str) -> Summary:
    return Summary(
        id=row.id,
        channel=row.channel,
        account=row.account,
        sender=row.sender,
        status=row.status,
        owner=row.owner,
        priority=row.priority,
        reason=row.reason,
        language=row.language,
        created=row.created,
        updated=row.updated,
        last=last,
    )
