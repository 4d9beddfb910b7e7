"""What is to go out. One reply of a conversation at a time, in order: a reply that waits holds back the later ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.errors import NotFound, StoreError
from bot.events import Actor, Delivery, Event, Sent
from bot.store import events
from bot.store.base import Outgoing
from bot.store.holds import free, moments
from bot.store.tables import conversations, identities
from bot.store.tables import outbox as table
from bot.types import Reply


def queue(
    connection: sa.Connection, row: sa.Row[Any], stored: Sequence[Event], send: Sequence[str], now: datetime
) -> None:
    """Queue the replies among the events, in the events' order. StoreError for an id that is not among them."""
    wanted = set(send)
    found = [event for event in stored if isinstance(event.body, Sent) and event.body.reply_id in wanted]
    if wanted - {event.body.reply_id for event in found if isinstance(event.body, Sent)}:
        raise StoreError("a reply that is to be sent is not among the events")
    if found:
        at = {"conversation": row.id, "channel": row.channel, "account": row.account, "created": now}
        connection.execute(sa.insert(table), [{**at, "sequence": event.sequence} for event in found])


def due(
    connection: sa.Connection, worker: str, *, channels: Sequence[str], limit: int, hold: float, now: datetime
) -> list[Outgoing]:
    """Take the first waiting reply of each conversation whose time has come."""
    taken = []
    at = moments(now)
    for row in connection.execute(_DUE, at | {"channels": list(channels), "most": limit}).all():
        outgoing = _outgoing(connection, row)
        if outgoing is None:
            connection.execute(_MINE, at | {"row": row.id, "status": "erased"})
            continue
        held = {"worker": worker, "held_since": now, "held_until": now + timedelta(seconds=hold)}
        if connection.execute(_MINE, at | held | {"row": row.id, "attempts": row.attempts + 1}).rowcount:
            taken.append(outgoing)
    return taken


def anything(connection: sa.Connection, channels: Sequence[str], now: datetime) -> bool:
    """Whether `due` would find something: a look that takes no lock."""
    at = moments(now) | {"channels": list(channels), "most": 1}
    return connection.execute(_DUE, at).first() is not None


def sent(connection: sa.Connection, outgoing: int, external_id: str | None) -> None:
    """It is out. NotFound."""
    _change(connection, outgoing, status="sent", external_id=external_id, error=None, **NOBODY)


def delivered(connection: sa.Connection, conversation: str) -> None:
    """All that waits for this conversation is out: whoever asked has it."""
    connection.execute(_DELIVERED, {"of": conversation})


def postponed(connection: sa.Connection, outgoing: int, error: str, seconds: float, now: datetime) -> None:
    """Try again in so many seconds. NotFound."""
    until = now + timedelta(seconds=seconds)
    _change(connection, outgoing, error=error, worker=None, held_since=now, held_until=until)


def failed(connection: sa.Connection, outgoing: int, error: str, now: datetime) -> None:
    """Give up, and say so in the conversation. NotFound."""
    query = sa.select(table.c.conversation, table.c.sequence).where(table.c.id == outgoing)
    found = (connection.execute(query)).one_or_none()
    if found is None:
        raise NotFound("there is no such reply in the outbox")
    row = events.locked(connection, found.conversation)
    _change(connection, outgoing, status="failed", error=error, **NOBODY)
    (event,) = events.read(connection, row.id, found.sequence - 1, limit=1)
    if isinstance(event.body, Sent):
        body = Delivery(reply_id=event.body.reply_id, status="failed", error=error)
        told = Event(conversation=row.id, time=now, actor=Actor(kind="system"), cause=event.body.reply_id, body=body)
        events.append(connection, row, [told], now)


def drop_erased(connection: sa.Connection, conversation: str) -> None:
    """Replies that wait and have lost their words are not sent; those behind them need not wait for them."""
    query = sa.select(table.c.id, table.c.conversation, table.c.sequence)
    for row in connection.execute(query.where(table.c.conversation == conversation, table.c.status == WAITING)).all():
        if _sent(connection, row)[1] is None:
            connection.execute(sa.update(table).where(table.c.id == row.id).values(status="erased"))


def release_worker(connection: sa.Connection, worker: str) -> None:
    """What a dead worker was about to send may be sent by others at once."""
    held = sa.update(table).where(table.c.worker == worker, table.c.status == WAITING)
    connection.execute(held.values(NOBODY))


WAITING: sa.ColumnElement[str] = sa.literal_column("'waiting'")
"""Written out, not bound: only so a database sees that its index of waiting rows will do."""
NOBODY = {"worker": None, "held_since": None, "held_until": None}

# Statements of every turn are made once: making one anew costs as much as running it.
_FREE = sa.and_(table.c.status == WAITING, free(table.c.held_since, table.c.held_until))
_MINE = sa.update(table).where(table.c.id == sa.bindparam("row"), _FREE)
_EARLIER = table.alias()
_DUE = (
    sa.select(table, identities.c.sender)
    .join(conversations, conversations.c.id == table.c.conversation)
    .join(identities, identities.c.id == conversations.c.identity)
    .where(
        _FREE,
        table.c.channel.in_(sa.bindparam("channels", expanding=True)),
        ~sa.exists().where(
            _EARLIER.c.conversation == table.c.conversation,
            _EARLIER.c.status == WAITING,
            _EARLIER.c.id < table.c.id,
        ),
    )
    .order_by(table.c.id)
    .limit(sa.bindparam("most"))
)
_DELIVERED = (
    sa.update(table)
    .where(table.c.conversation == sa.bindparam("of"), table.c.status == WAITING)
    .values(status="sent", error=None, **NOBODY)
)


def _sent(connection: sa.Connection, row: Any) -> tuple[Event, Sent | None]:
    """The row's event; without its body when the words were erased."""
    (event,) = events.read(connection, row.conversation, row.sequence - 1, limit=1)
    return event, event.body if isinstance(event.body, Sent) and event.body.text.text is not None else None


def _outgoing(connection: sa.Connection, row: Any) -> Outgoing | None:
    """The row with its reply; None when the words were erased."""
    event, body = _sent(connection, row)
    if body is None:
        return None
    author = event.actor.kind
    reply = Reply(
        id=body.reply_id,
        text=body.text.text or "",
        buttons=body.buttons,
        citations=body.citations,
        attachments=body.attachments,
        language=body.language,
        template=body.template,
    )
    return Outgoing(
        id=row.id,
        conversation=row.conversation,
        sequence=row.sequence,
        channel=row.channel,
        account=row.account,
        recipient=row.sender,
        reply=reply,
        author=author if author != "customer" else "system",
        attempts=row.attempts,
    )


def _change(connection: sa.Connection, outgoing: int, **values: Any) -> None:
    changed = connection.execute(sa.update(table).where(table.c.id == outgoing).values(**values))
    if changed.rowcount == 0:
        raise NotFound("there is no such reply in the outbox")
