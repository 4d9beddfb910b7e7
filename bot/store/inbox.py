"""What came in: stored once, kept in order, and handed to one worker at a time.

Whoever works on a conversation holds its lease, a few columns of the conversation's row. Work is claimed in the order
in which it came; a claim that dies is claimed again when its lease has run out, with a higher attempt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import Any

import sqlalchemy as sa

from bot.errors import Conflict, LeaseLost, NotFound
from bot.events import Actor, Event, Started
from bot.store import events
from bot.store.base import Accepted, Claim, Lease
from bot.store.events import insert_new
from bot.store.holds import free, moments
from bot.store.tables import conversations, identities, people, uploads
from bot.store.tables import inbox as table
from bot.types import Message, Trigger, new_id

LOOKED_AT = 500
"""How many waiting rows a claim considers."""
PATIENCE = 10
"""A burst that does not stop is claimed after this many pauses."""


def accept(connection: sa.Connection, message: Message, bot: str, wait: bool, now: datetime) -> Accepted:
    """Store the message with its identity and conversation, unless it was seen before."""
    if (seen := _seen(connection, message)) is not None:
        return seen
    identity = _identity(connection, message, now)
    conversation = identity.current or _begin(connection, identity, bot, now)
    values = {
        "conversation": conversation,
        "kind": "message",
        "channel": message.channel,
        "account": message.account,
        "external_id": message.external_id,
        "item": message.id,
        "body": message.model_dump_json(),
        "hurry": not wait,
        "created": now,
    }
    # On PostgreSQL the same delivery may have come in beside us; the identity's row let one of us through first.
    stored = connection.execute(_store(connection.dialect.name), values)
    if stored.one_or_none() is None and (seen := _seen(connection, message)):
        return seen
    if blobs := [attachment.blob for attachment in message.attachments]:
        brought = sa.update(uploads).where(uploads.c.blob.in_(blobs)).values(conversation=conversation)
        connection.execute(brought)
    return Accepted(conversation=conversation, message=message.id, new=True)


def trigger(connection: sa.Connection, conversation: str, kind: str, data: dict[str, Any], now: datetime) -> None:
    """Queue a trigger that is no message. NotFound; a kind that does not exist is a ValueError."""
    made = Trigger.model_validate({"conversation": conversation, "kind": kind, "data": data})
    if made.kind == "message":
        raise ValueError("messages come in through accept")
    query = sa.select(conversations.c.channel, conversations.c.account).where(conversations.c.id == conversation)
    row = (connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("there is no such conversation")
    values = {
        "conversation": conversation,
        "kind": kind,
        "channel": row.channel,
        "account": row.account,
        "item": made.id,
        "body": json.dumps(data),
        "hurry": True,
        "created": now,
    }
    connection.execute(sa.insert(table).values(values))


def ready(connection: sa.Connection, pause: float, conversation: str | None, now: datetime) -> list[str]:
    """Conversations that nobody holds and that have work now, the longest waiting first."""
    query, at = (_READY, moments(now)) if conversation is None else (_READY_ONE, moments(now) | {"of": conversation})
    waiting: dict[str, list[Any]] = {}
    for row in connection.execute(query, at):
        waiting.setdefault(row.conversation, []).append(row)
    return [one for one, rows in waiting.items() if _settled(_burst(rows), pause, now)]


def claim(connection: sa.Connection, conversation: str, worker: str, seconds: float, now: datetime) -> Claim | None:
    """Take the lease of a conversation that was `ready` and begin its work; None when somebody was faster."""
    lease = Lease(conversation=conversation, worker=worker, token=new_id(), until=now + timedelta(seconds=seconds))
    holder = {
        "lease_worker": worker,
        "lease_token": lease.token,
        "lease_since": now,
        "lease_until": lease.until,
    }
    if connection.execute(_TAKE, {"of": conversation, **moments(now), **holder}).rowcount == 0:
        return None
    rows = _burst(connection.execute(_UNDONE, {"of": conversation}).all())
    if not rows:
        release(connection, lease)
        return None
    ids = tuple(row.id for row in rows)
    connection.execute(_TRIED, {"rows": ids})
    attempt = max(row.attempts for row in rows) + 1
    return Claim(lease=lease, trigger=_trigger(conversation, rows), inbox=ids, attempt=attempt)


def finish(connection: sa.Connection, conversation: str, rows: Sequence[int], now: datetime) -> None:
    """The work is done: keep the external ids, clear the words. Conflict when another did one of them."""
    if not rows:
        return
    done = connection.execute(_DONE, {"rows": list(rows), "of": conversation, "now": now})
    if done.rowcount != len(set(rows)):
        raise Conflict("this work was done, or its words erased, in the meantime")


def waiting(connection: sa.Connection) -> int:
    """How many rows are not done."""
    query = sa.select(sa.func.count()).select_from(table).where(table.c.done.is_(None))
    return int(connection.scalar(query) or 0)


def unanswered(connection: sa.Connection, conversation: str) -> list[Message]:
    """Messages that are not done, in order; what cannot be read of one is left out."""
    rows = [row for row in connection.execute(_UNDONE, {"of": conversation}) if row.kind == "message"]
    return list(_trigger(conversation, rows).messages) if rows else []


# -- leases


def renew(connection: sa.Connection, lease: Lease, seconds: float, now: datetime) -> Lease:
    """Hold it `seconds` from now on. LeaseLost."""
    until = now + timedelta(seconds=seconds)
    held = sa.update(conversations).where(conversations.c.id == lease.conversation)
    held = held.where(conversations.c.lease_token == lease.token).values(lease_since=now, lease_until=until)
    if (connection.execute(held)).rowcount == 0:
        raise LeaseLost("another worker has the conversation now")
    return Lease(conversation=lease.conversation, worker=lease.worker, token=lease.token, until=until)


def release(connection: sa.Connection, lease: Lease) -> None:
    """Nothing happens when it is no longer ours."""
    connection.execute(_RELEASE, {"of": lease.conversation, "token": lease.token})


def release_worker(connection: sa.Connection, worker: str) -> int:
    """All leases of a dead worker."""
    held = sa.update(conversations).where(conversations.c.lease_worker == worker).values(NOBODY)
    return (connection.execute(held)).rowcount


NOBODY = {"lease_worker": None, "lease_token": None, "lease_since": None, "lease_until": None}


@cache
def _store(dialect: str) -> Any:
    return insert_new(dialect, table).returning(table.c.id)


@cache
def _introduce(dialect: str) -> Any:
    return insert_new(dialect, identities).returning(identities)


# -- statements of every turn, made once: making one anew costs as much as running it

_FREE = free(conversations.c.lease_since, conversations.c.lease_until)
_READY = (
    sa.select(table.c.conversation, table.c.kind, table.c.hurry, table.c.created)
    .join(conversations, conversations.c.id == table.c.conversation)
    .where(table.c.done.is_(None), _FREE)
    .order_by(table.c.id)
    .limit(LOOKED_AT)
)
_READY_ONE = _READY.where(table.c.conversation == sa.bindparam("of"))
_TAKE = sa.update(conversations).where(conversations.c.id == sa.bindparam("of"), _FREE)
_RELEASE = (
    sa.update(conversations)
    .where(conversations.c.id == sa.bindparam("of"), conversations.c.lease_token == sa.bindparam("token"))
    .values(NOBODY)
)
_UNDONE = (
    sa.select(table)
    .where(table.c.conversation == sa.bindparam("of"), table.c.done.is_(None))
    .order_by(table.c.id)
    .limit(LOOKED_AT)
)
_ROWS = table.c.id.in_(sa.bindparam("rows", expanding=True))
_TRIED = sa.update(table).where(_ROWS).values(attempts=table.c.attempts + 1)
_DONE = (
    sa.update(table)
    .where(_ROWS, table.c.conversation == sa.bindparam("of"), table.c.done.is_(None))
    .values(done=sa.bindparam("now"), body=None)
)
_BEGIN = sa.insert(conversations).returning(conversations)
_CURRENT = sa.update(identities).where(identities.c.id == sa.bindparam("of"))
_LOCKED_SENDER = (
    sa.select(identities)
    .where(
        identities.c.channel == sa.bindparam("channel"),
        identities.c.account == sa.bindparam("account"),
        identities.c.sender == sa.bindparam("sender"),
    )
    .with_for_update()
)


# -- details


def _burst(rows: Sequence[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """The first trigger, or the messages up to the first trigger of another kind."""
    return list(takewhile(lambda row: row.kind == "message", rows)) or list(rows[:1])


def _settled(burst: Sequence[sa.Row[Any]], pause: float, now: datetime) -> bool:
    """Nothing has come for a pause, or it cannot wait. A row from the future means that the clock was set back."""
    if any(row.hurry for row in burst):
        return True
    first, last = (now - burst[0].created).total_seconds(), (now - burst[-1].created).total_seconds()
    return not 0 <= last < pause or first >= pause * PATIENCE


def _trigger(conversation: str, rows: Sequence[sa.Row[Any]]) -> Trigger:
    """The same id whatever the attempt: it is the first message's."""
    first = rows[0]
    if first.kind != "message":
        try:
            return Trigger(id=first.item, conversation=conversation, kind=first.kind, data=json.loads(first.body))
        except (
            ValueError
        ):  # pydantic's and json's errors are ValueErrors, and show what was written: they go no further
            return Trigger(id=first.item, conversation=conversation, data={"unreadable": [first.item]})
    messages, unreadable = [], []
    for row in rows:
        try:
            messages.append(Message.model_validate_json(row.body))
        except ValueError:
            messages.append(_salvaged(row))
            unreadable.append(row.item)
    data = {"unreadable": unreadable} if unreadable else {}
    return Trigger(id=first.item, conversation=conversation, messages=tuple(messages), data=data)


def _salvaged(row: sa.Row[Any]) -> Message:
    """A message that another version wrote, or that is damaged: its words, for people to read."""
    text: Any = row.body
    with suppress(ValueError):
        said = json.loads(row.body)
        text = said.get("text") if isinstance(said, dict) else row.body
    about = {"channel": row.channel, "account": row.account, "sender": "", "external_id": row.external_id}
    return Message(id=row.item, text=text if isinstance(text, str) else "", **about)


def _seen(connection: sa.Connection, message: Message) -> Accepted | None:
    if message.external_id is None:
        return None
    query = sa.select(table.c.conversation, table.c.item).where(
        table.c.channel == message.channel,
        table.c.account == message.account,
        table.c.external_id == message.external_id,
    )
    row = (connection.execute(query)).one_or_none()
    return None if row is None else Accepted(conversation=row.conversation, message=row.item, new=False)


def _identity(connection: sa.Connection, message: Message, now: datetime) -> sa.Row[Any]:
    """The sender's row, made at the first message with an anonymous person behind it. Locked: that keeps the order."""
    key = {"channel": message.channel, "account": message.account, "sender": message.sender}
    row = connection.execute(_LOCKED_SENDER, key).one_or_none()
    if row is not None:
        return row
    person = new_id()
    connection.execute(sa.insert(people), {"id": person, "created": now})
    made = {**key, "id": new_id(), "person": person, "created": now}
    if (row := connection.execute(_introduce(connection.dialect.name), made).one_or_none()) is not None:
        return row
    connection.execute(sa.delete(people).where(people.c.id == person))  # somebody was faster
    return connection.execute(_LOCKED_SENDER, key).one()


def _begin(connection: sa.Connection, identity: sa.Row[Any], bot: str, now: datetime) -> str:
    """A new conversation with its first event. Nobody else can see its row yet, so nothing needs to be locked."""
    conversation = new_id()
    at = {"channel": identity.channel, "account": identity.account}
    values = {"id": conversation, "identity": identity.id, "bot": bot, "created": now, "updated": now, **at}
    row = connection.execute(_BEGIN, values).one()
    connection.execute(_CURRENT, {"of": identity.id, "current": conversation})
    started = Started(identity=identity.id, bot=bot, **at)
    event = Event(conversation=conversation, time=now, actor=Actor(kind="system"), body=started)
    events.append(connection, row, [event], now)
    return conversation
