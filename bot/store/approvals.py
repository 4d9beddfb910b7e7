"""What waits for a person's yes: a row for each `ApprovalAsked`, so that a queue can be read across conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from bot.errors import Conflict, NotFound
from bot.events import Actor, ApprovalAsked, ApprovalDecided, Event
from bot.store import events, inbox
from bot.store.base import Approval
from bot.store.tables import approvals as table
from bot.types import Words


def ask(connection: sa.Connection, stored: Sequence[Event]) -> None:
    """Put what the events ask for into the queues. What the same step asked for before is withdrawn: the customer
    changed something since.
    """
    asked = [(event, event.body) for event in stored if isinstance(event.body, ApprovalAsked)]
    if asked:
        rows = [
            {**body.model_dump(exclude={"type", "slots"}), "conversation": event.conversation, "asked": event.time}
            for event, body in asked
        ]
        for row in rows:
            same = (table.c.conversation == row["conversation"], table.c.step == row["step"])
            older = sa.update(table).where(*same, table.c.decided.is_(None))
            connection.execute(older.values(decided=row["asked"]))
        connection.execute(sa.insert(table), rows)


def listed(connection: sa.Connection, queue: str | None, waiting: bool, limit: int) -> list[Approval]:
    """The oldest first."""
    query = sa.select(table).order_by(table.c.asked, table.c.id).limit(limit)
    if queue is not None:
        query = query.where(table.c.queue == queue)
    if waiting:
        query = query.where(table.c.decided.is_(None))
    return [Approval(**row) for row in connection.execute(query).mappings()]


def decide(  # noqa: PLR0917 - `Database.write` hands on what it is given in order
    connection: sa.Connection, approval: str, granted: bool, author: str, note: str, now: datetime
) -> Approval:
    """See `Store.decide`. The conversation's row is locked first, as in every commit."""
    one = sa.select(table).where(table.c.id == approval)
    found = connection.execute(one).mappings().one_or_none()
    if found is None:
        raise NotFound(f"there is no approval {approval}")
    row = events.locked(connection, found["conversation"])
    undecided = sa.update(table).where(table.c.id == approval, table.c.decided.is_(None))
    if connection.execute(undecided.values(decided=now, granted=granted, author=author)).rowcount == 0:
        raise Conflict("it was decided already, or the customer changed something and it was asked for anew")
    body = ApprovalDecided(id=approval, granted=granted, note=Words(text=note or None))
    told = Event(conversation=row.id, time=now, actor=Actor(kind="agent", id=author), cause=approval, body=body)
    events.append(connection, row, [told], now)
    data = {"approval": approval, "granted": granted, **{key: found[key] for key in ("action", "step", "key")}}
    inbox.trigger(connection, row.id, "approval", data, now)
    return Approval(**{**found, "decided": now, "granted": granted, "author": author})
