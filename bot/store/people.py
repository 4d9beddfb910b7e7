"""Who is behind an identity, and what they may have erased.

A visitor who proves to be a known customer is merged into that person: the identity points to another row of `people`,
and an event says so. The last merge that was not undone can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.errors import NotFound
from bot.events import DERIVED, Actor, Body, Erased, Event, Merged
from bot.store import events, outbox
from bot.store.events import insert_new
from bot.store.tables import conversations, identities, inbox, people, uploads, words
from bot.store.tables import events as events_table
from bot.types import new_id


def find(connection: sa.Connection, channel: str, account: str, sender: str) -> str | None:
    """The sender's current conversation."""
    query = sa.select(identities.c.current).filter_by(channel=channel, account=account, sender=sender)
    current: str | None = connection.scalar(query)
    return current


def end(connection: sa.Connection, conversation: str) -> None:
    """The conversation is no longer its sender's current one. NotFound."""
    identity = _identity(connection, conversation)
    ended = sa.update(identities).where(identities.c.id == identity.id, identities.c.current == conversation)
    connection.execute(ended.values(current=None))


def identify(connection: sa.Connection, conversation: str, key: str, now: datetime) -> str:
    """Merge the conversation's identity into the person with this key. Nothing is written when it is that person."""
    identity = _identity(connection, conversation)
    known = _known(connection, key, now)
    if identity.person != known:
        _move(connection, identity.id, known)
        body = Merged(from_person=identity.person, to_person=known)
        _tell(connection, conversation, Actor(kind="system"), body, now)
    return known


def unmerge(connection: sa.Connection, conversation: str, now: datetime) -> str:
    """Undo the last merge that still stands. NotFound when there is none."""
    identity = _identity(connection, conversation)
    query = (
        sa.select(events_table.c.conversation, events_table.c.sequence)
        .join(conversations, conversations.c.id == events_table.c.conversation)
        .where(conversations.c.identity == identity.id, events_table.c.type == "merged")
        .order_by(events_table.c.id)
    )
    standing: list[Merged] = []
    for row in (connection.execute(query)).all():
        (event,) = events.read(connection, row.conversation, row.sequence - 1, limit=1)
        if isinstance(event.body, Merged) and event.body.undone:
            standing.pop()
        elif isinstance(event.body, Merged):
            standing.append(event.body)
    if not standing:
        raise NotFound("there is no merge to undo")
    last = standing[-1]
    _move(connection, identity.id, last.from_person)
    body = last.model_copy(update={"undone": True})
    _tell(connection, conversation, Actor(kind="system"), body, now)
    return last.from_person


def erase(connection: sa.Connection, conversation: str, refs: Sequence[str] | None, by: str, now: datetime) -> int:
    """Erase words and mark uploads, whose blobs are deleted after the commit. Returns how many of both.

    `refs` may name words and blobs; what was derived from the conversation's words goes with any of them. None erases
    everything, messages that still wait in the inbox among it.
    """
    row = events.locked(connection, conversation)
    gone = words.c.conversation == conversation
    blobs = sa.and_(uploads.c.conversation == conversation, uploads.c.erased.is_(None))
    if refs is None:
        identity = (connection.execute(sa.select(identities).where(identities.c.id == row.identity))).one()
        blobs = sa.and_(sa.or_(uploads.c.conversation == conversation, _unsent(identity)), uploads.c.erased.is_(None))
        dropped = sa.update(inbox).where(inbox.c.conversation == conversation, inbox.c.done.is_(None))
        connection.execute(dropped.values(done=now, body=None))
    else:
        gone = sa.and_(gone, words.c.ref.in_(refs))
        blobs = sa.and_(blobs, uploads.c.blob.in_(refs))
    texts = list(connection.scalars(sa.delete(words).where(gone).returning(words.c.ref)))
    if texts and refs is not None:
        made = sa.and_(words.c.conversation == conversation, words.c.ref.startswith(DERIVED))
        texts += connection.scalars(sa.delete(words).where(made).returning(words.c.ref))
    files = list(connection.scalars(sa.update(uploads).where(blobs).values(erased=now).returning(uploads.c.blob)))
    if texts or files:
        outbox.drop_erased(connection, conversation)
        body = Erased(refs=(*sorted(texts), *sorted(files)), by=by)
        event = Event(conversation=conversation, time=now, actor=Actor(kind="system"), body=body)
        events.append(connection, row, [event], now)
    return len(texts) + len(files)


def _unsent(identity: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Uploads of the same sender that no message has brought yet."""
    return sa.and_(
        uploads.c.conversation.is_(None),
        uploads.c.channel == identity.channel,
        uploads.c.account == identity.account,
        uploads.c.sender == identity.sender,
    )


def _identity(connection: sa.Connection, conversation: str) -> sa.Row[Any]:
    """The conversation's identity, held against others."""
    query = (
        sa.select(identities)
        .join(conversations, conversations.c.identity == identities.c.id)
        .where(conversations.c.id == conversation)
        .with_for_update(of=identities)
    )
    row = (connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("there is no such conversation")
    return row


def _known(connection: sa.Connection, key: str, now: datetime) -> str:
    """The person with this key; made when it is the first time."""
    made = insert_new(connection.dialect.name, people).values(id=new_id(), key=key, created=now)
    connection.execute(made)
    person: str = (connection.execute(sa.select(people.c.id).where(people.c.key == key))).scalar_one()
    return person


def _move(connection: sa.Connection, identity: str, person: str) -> None:
    connection.execute(sa.update(identities).where(identities.c.id == identity).values(person=person))


def _tell(connection: sa.Connection, conversation: str, actor: Actor, body: Body, now: datetime) -> None:
    row = events.locked(connection, conversation)
    events.append(connection, row, [Event(conversation=conversation, time=now, actor=actor, body=body)], now)
