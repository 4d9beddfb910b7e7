"""The one transaction at the end of a turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.errors import Conflict, LeaseLost
from bot.events import Event
from bot.store import approvals, events, inbox, outbox
from bot.store.base import Lease


@dataclass(frozen=True, slots=True)
class Commit:
    """See `Store.commit`. Calling it does it, or raises and has written nothing that will be committed."""

    conversation: str
    expected: int
    events: tuple[Event, ...]
    send: tuple[str, ...]
    lease: Lease | None
    done: tuple[int, ...]

    def __call__(self, connection: sa.Connection, now: datetime) -> list[Event]:
        row = events.locked(connection, self.conversation)
        if self.lease is not None and (self.lease.conversation, self.lease.token) != (row.id, row.lease_token):
            raise LeaseLost("another worker has the conversation now")
        if row.version != self.expected:
            raise Conflict(f"the conversation is at version {row.version}, not {self.expected}")
        stored = events.append(connection, row, self.events, now)
        outbox.queue(connection, row, stored, self.send, now)
        approvals.ask(connection, stored)
        inbox.finish(connection, row.id, self.done, now)
        if self.lease is not None:
            inbox.release(connection, self.lease)
        return stored
