"""The audit trail: events across all conversations, without words, and where a message or a reply stands in it."""

from __future__ import annotations

import re
from datetime import datetime

import sqlalchemy as sa

from bot.errors import NotFound
from bot.events import Event
from bot.store.events import from_row
from bot.store.tables import events

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


def placed(connection: sa.Connection, item: str) -> tuple[str, int]:
    """Where the event of a message or a reply stands. The newest events are looked at first. NotFound."""
    if not _ID.fullmatch(item):
        raise NotFound("that is not the id of a message or a reply")
    named = [events.c.body.like(f'%"{key}":"{item}"%') for key in ("reply_id", "message_id")]
    said = events.c.type.in_(("sent", "received"))
    query = sa.select(events.c.conversation, events.c.sequence).where(said, sa.or_(*named))
    row = connection.execute(query.order_by(events.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFound(f"there is no message or reply with the id {item}")
    return row.conversation, row.sequence


def read(
    connection: sa.Connection, after: int, limit: int, since: datetime | None, conversation: str | None
) -> list[tuple[int, Event]]:
    """At most `limit` events behind a place, in order; of one conversation or from a moment on, where that is asked."""
    query = sa.select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
    if since is not None:
        query = query.where(events.c.time >= since)
    if conversation is not None:
        query = query.where(events.c.conversation == conversation)
    return [(row.id, from_row(row)) for row in connection.execute(query)]
