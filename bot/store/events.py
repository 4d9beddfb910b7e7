"""Events and their fold: append, read back, and the snapshot that spares folding a long conversation anew.

An event is stored without its words, so is the snapshot; both are joined with what is left of them when read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import NotFound, StoreError
from bot.events import EVENT_SCHEMA, Event
from bot.state import State, fold
from bot.store import words
from bot.store.tables import conversations
from bot.store.tables import events as table
from bot.store.tables import words as words_table

FOLD = 1
"""Raise it when `bot.state` folds the same events differently: older snapshots are then folded anew."""

UPCASTERS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From a schema version to the next one: takes an event's plain data of that version and returns it in the next one's
shape (without touching `schema_version`). An event is read through all that are above its own."""


# Statements of every turn are made once: making one anew costs as much as running it.
_ROW = sa.select(conversations).where(conversations.c.id == sa.bindparam("of"))
_LOCKED = _ROW.with_for_update()
_IDS = sa.select(conversations.c.id).where(conversations.c.id == sa.bindparam("of"))
_VERSION = sa.select(conversations.c.version).where(conversations.c.id == sa.bindparam("of"))
_CHANGED = sa.update(conversations).where(conversations.c.id == sa.bindparam("of"))
_APPEND = sa.insert(table)
_AFTER = (
    sa.select(table)
    .where(table.c.conversation == sa.bindparam("of"), table.c.sequence > sa.bindparam("after"))
    .order_by(table.c.sequence)
)


@cache
def insert_new(dialect: str, into: sa.Table) -> Any:
    """An INSERT, in the database's dialect, that leaves alone what is there already."""
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(into).on_conflict_do_nothing()


def locked(connection: sa.Connection, conversation: str) -> sa.Row[Any]:
    """The conversation's row, held against others until the end of the transaction. NotFound."""
    return _row(connection, _LOCKED, conversation)


def append(connection: sa.Connection, row: sa.Row[Any], events: Sequence[Event], now: datetime) -> list[Event]:
    """Number and store the events behind the conversation's last one, fold them, keep the new snapshot.

    `row` comes from `locked`. Returns the events as they are stored, with their words.
    """
    stored: list[Event] = []
    rows: list[dict[str, Any]] = []
    texts: dict[str, str] = {}
    for sequence, event in enumerate(events, start=row.version + 1):
        if event.conversation != row.id:
            raise StoreError("an event belongs to another conversation")
        bare, found = words.strip(event.model_copy(update={"sequence": sequence}))
        texts |= found
        stored.append(words.fill(bare, found))
        rows.append(_to_row(bare))
    if not rows:
        return []
    connection.execute(_APPEND, rows)
    if texts:
        values = [{"ref": ref, "conversation": row.id, "text": text} for ref, text in texts.items()]
        connection.execute(insert_new(connection.dialect.name, words_table), values)
    state = fold(_folded(connection, row), stored)
    said = next((line.text.ref for line in reversed(state.history) if line.role == "customer"), row.last)
    changes = {
        "of": row.id,
        "version": state.version,
        "updated": now,
        "status": state.status,
        "owner": state.owner,
        "priority": state.priority,
        "reason": state.reason,
        "language": state.language,
        "last": said,
        "snapshot": words.strip(state)[0].model_dump_json(exclude_defaults=True),
        "snapshot_shape": shape(),
    }
    connection.execute(_CHANGED, changes)
    return stored


def load(connection: sa.Connection, conversation: str) -> State:
    """The folded state, words joined. NotFound."""
    row = _row(connection, _ROW, conversation)
    state = _folded(connection, row)
    return words.fill(state, words.fetch(connection, words.refs(state)))


def read(connection: sa.Connection, conversation: str, after: int, limit: int | None = None) -> list[Event]:
    """The events after a sequence number, words joined. NotFound."""
    _row(connection, _IDS, conversation)
    return _read(connection, conversation, after, limit)


def newest(connection: sa.Connection, conversation: str, after: int, most: int) -> list[Event]:
    """At most so many of the events after a sequence number, the last ones, in order. NotFound.

    Sequence numbers have no gaps: where the last ones begin is known before anything is read.
    """
    version = _row(connection, _VERSION, conversation).version
    return _read(connection, conversation, max(after, version - most))[-most:]


@cache
def shape() -> str:
    """Names how a snapshot is written: another shape of `State`, or another `FOLD`, and it is no longer used."""
    described = json.dumps(State.model_json_schema(), sort_keys=True)
    return f"{FOLD}-{EVENT_SCHEMA}-{hashlib.sha256(described.encode()).hexdigest()[:16]}"


def beginning(row: sa.Row[Any]) -> State:
    """The state of a conversation before its first event."""
    return State(conversation=row.id, channel=row.channel, account=row.account, identity=row.identity, bot=row.bot)


def _row(connection: sa.Connection, query: sa.Select[Any], conversation: str) -> sa.Row[Any]:
    row = connection.execute(query, {"of": conversation}).one_or_none()
    if row is None:
        raise NotFound("there is no such conversation")
    return row


def _folded(connection: sa.Connection, row: sa.Row[Any]) -> State:
    """The snapshot and what came after it; the state's own words are not joined."""
    state = beginning(row)
    if row.snapshot is not None and row.snapshot_shape == shape():
        state = State.model_validate_json(row.snapshot)
    if state.version < row.version:
        state = fold(state, _read(connection, row.id, state.version))
    return state


def _read(connection: sa.Connection, conversation: str, after: int, limit: int | None = None) -> list[Event]:
    query = _AFTER if limit is None else _AFTER.limit(limit)
    found = [from_row(row) for row in connection.execute(query, {"of": conversation, "after": after})]
    texts = words.fetch(connection, set().union(*(words.refs(event) for event in found)))
    return [words.fill(event, texts) for event in found]


def _to_row(event: Event) -> dict[str, Any]:
    return {
        "conversation": event.conversation,
        "sequence": event.sequence,
        "schema_version": event.schema_version,
        "type": event.body.type,
        "time": event.time,
        "envelope": event.model_dump_json(include={"actor", "cause", "versions"}),
        "body": event.body.model_dump_json(),
    }


def from_row(row: sa.Row[Any]) -> Event:
    """The event without its words. StoreError for one that cannot be read."""
    data = {
        "conversation": row.conversation,
        "sequence": row.sequence,
        "time": row.time,
        **json.loads(row.envelope),
        "body": json.loads(row.body),
    }
    version = row.schema_version
    if version > EVENT_SCHEMA:
        raise StoreError(
            f"an event has schema version {version}, written by a newer Frontdesk; this one knows {EVENT_SCHEMA}"
        )
    for older in range(version, EVENT_SCHEMA):
        data = UPCASTERS[older](data)
    try:
        return Event.model_validate({**data, "schema_version": EVENT_SCHEMA})
    except ValidationError as error:
        where = f"event {row.sequence} of conversation {row.conversation}"
        raise StoreError(f"{where} cannot be read: {error.error_count()} fields are not as they should be") from None
