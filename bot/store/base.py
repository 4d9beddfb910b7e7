"""What the bot asks of a database. One implementation over SQLAlchemy (`sql.py`) serves SQLite and PostgreSQL alike.

Three things are kept apart: a person, their identities (one per channel account) and conversations. The inbox holds
what came in, the outbox what is to go out; both are tables, and the outbox is the only way out. Whoever works on a
conversation holds its lease. Errors: `Conflict`, `LeaseLost`, `NotFound`, and `StoreError` for everything else that a
database does wrong (locked, full, gone), with what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from bot.events import Event
from bot.state import State
from bot.types import Message, Reply, Trigger


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a delivery: `new` is False when it was seen before (then the ids are those of the first time)."""

    conversation: str
    message: str
    new: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to speak in one conversation until `until`."""

    conversation: str
    worker: str
    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """Work: a trigger (a burst of messages, or another kind) with the lease on its conversation.

    `inbox` are the rows that the commit marks done. `attempt` counts from 1: how often this work was begun.
    """

    lease: Lease
    trigger: Trigger
    inbox: tuple[int, ...]
    attempt: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reply to be sent. `recipient` is the platform's id of the person. `reply.text` is joined from its own row.

    A reply whose words were erased before it was sent is not handed out at all.
    """

    id: int
    conversation: str
    sequence: int
    channel: str
    account: str
    recipient: str
    reply: Reply
    author: Literal["bot", "agent", "system"]
    attempts: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list of conversations."""

    id: str
    channel: str
    account: str
    sender: str
    status: Literal["open", "pending", "snoozed", "resolved"]
    owner: Literal["bot", "people"]
    priority: str
    reason: str | None
    language: str | None
    created: datetime
    updated: datetime
    last: str
    """The last customer's words, for a person's eyes; "" when erased."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many were dropped: done deliveries, uploads that were never sent, blobs that no upload knows of."""

    deliveries: int
    uploads: int
    blobs: int


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A trained model as the registry knows it. `version` is the sha256 of its folder, `name` what the model calls
    itself; `metrics` and `card` are what training wrote, `size` is in bytes."""

    version: str
    kind: str
    name: str
    created: datetime
    author: str
    size: int
    metrics: dict[str, Any]
    card: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """`version` took the place of `replaced` ("": what the bot's manifest names), with the figures that decided it."""

    kind: str
    version: str
    replaced: str
    action: Literal["promote", "force", "rollback"]
    author: str
    reason: str
    figures: dict[str, Any]
    time: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """An action that a person of `queue` must say yes to. `granted` None: it waits, or (`decided`) it was withdrawn.

    `step` and `key` name the very call in its flow. What it would be done with stands in the conversation.
    """

    id: str
    conversation: str
    queue: str
    action: str
    step: str
    key: str
    reason: str
    asked: datetime
    decided: datetime | None = None
    granted: bool | None = None
    author: str | None = None


class Store(Protocol):
    """See the module's docstring. Times are UTC and time zone aware."""

    async def open(self) -> None:
        """Connect, and bring the tables to the newest migration. Idempotent."""
        ...

    async def close(self) -> None: ...

    async def check(self) -> None:
        """Raise StoreError when the database cannot be read and written just now."""
        ...

    # -- the inbox

    async def accept(self, message: Message, *, bot: str, wait: bool = True) -> Accepted:
        """Store a message once per (channel, account, external_id), with its identity and conversation.

        When this returns, the message survives a power cut. A sender has one conversation per (channel, account) that
        is not ended; a new conversation has its first event, `Started`, already (version 1). A conversation that was
        resolved stays the sender's: the turn reopens it. `wait=False`: claimed at once, without the burst's pause.
        """
        ...

    async def trigger(self, conversation: str, kind: str, data: dict[str, Any]) -> None:
        """Queue a trigger that is no message. NotFound if there is no such conversation."""
        ...

    async def claim(
        self, worker: str, *, lease_seconds: float, pause: float = 0.0, conversation: str | None = None
    ) -> Claim | None:
        """Take the oldest waiting work whose conversation nobody holds, or None.

        All waiting messages of a conversation up to the first trigger of another kind are one claim. A row younger than
        `pause` seconds waits, in case more comes (unless it came with wait=False).
        """
        ...

    async def waiting(self) -> int:
        """How many inbox rows are not done."""
        ...

    async def unanswered(self, conversation: str) -> list[Message]:
        """The conversation's messages whose turn is not committed yet, in order."""
        ...

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong. LeaseLost if another worker took it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lease back without a commit; the work stays in the inbox. Never raises for a lost lease."""
        ...

    async def release_worker(self, worker: str) -> int:
        """Give back all leases of a worker that is known to be dead (this machine's own earlier life)."""
        ...

    # -- conversations

    async def load(self, conversation: str) -> State:
        """The folded state. NotFound."""
        ...

    async def events(self, conversation: str, after: int = 0, *, newest: int | None = None) -> list[Event]:
        """The events after a sequence number, in order, words joined; with `newest` no more than the last so many.
        NotFound."""
        ...

    async def commit(
        self,
        conversation: str,
        expected: int,
        events: Sequence[Event],
        *,
        send: Sequence[str] = (),
        lease: Lease | None = None,
        done: Sequence[int] = (),
    ) -> list[Event]:
        """One transaction: append events, queue the replies named in `send` (reply ids among the events), mark inbox
        rows done, release the lease. Returns the events with their sequence numbers. Conflict when the conversation is
        not at version `expected`; LeaseLost when the lease is no longer ours. Nothing is written then.
        """
        ...

    async def conversations(
        self, *, status: str | None = None, limit: int = 50, before: datetime | None = None
    ) -> list[Summary]:
        """Newest first."""
        ...

    async def find(self, channel: str, account: str, sender: str) -> str | None:
        """The sender's current conversation."""
        ...

    async def end(self, conversation: str) -> None:
        """The sender's next message begins a new conversation (the widget's `reset`)."""
        ...

    # -- the outbox

    async def due(self, worker: str, *, channels: Sequence[str], limit: int = 50, hold: float = 30.0) -> list[Outgoing]:
        """Take replies that are to be sent now, in order within a conversation: one that waits holds back the later."""
        ...

    async def sent(self, outgoing: int, *, external_id: str | None = None) -> None: ...

    async def delivered(self, conversation: str) -> None:
        """All that waits for this conversation was read by whoever asked, and counts as sent."""
        ...

    async def postponed(self, outgoing: int, error: str, seconds: float) -> None: ...

    async def failed(self, outgoing: int, error: str) -> None:
        """Give up on it; a `Delivery(failed)` event is appended."""
        ...

    async def changes(self, seen: int, timeout: float) -> int:  # noqa: ASYNC109 - running out is no error here
        """Return a new mark as soon as anybody, this process or another, wrote something since the mark `seen`, else
        `seen` after `timeout` seconds. Begin with 0. (PostgreSQL LISTEN; SQLite's data_version.)"""
        ...

    # -- people

    async def identify(self, conversation: str, person_key: str) -> str:
        """The conversation's identity has proven to be the known customer `person_key`: merge. Returns the person."""
        ...

    async def unmerge(self, conversation: str) -> str:
        """Undo the last merge of the conversation's identity. Returns the person it belongs to again."""
        ...

    async def erase(self, conversation: str, refs: Sequence[str] | None = None, *, by: str = "") -> int:
        """Erase these words (None: all of the conversation's, uploads and messages that wait too), leave a tombstone.
        `refs` may name blobs. Returns how many.
        """
        ...

    # -- uploads

    async def attach(self, blob: str, *, channel: str, account: str, sender: str, media_type: str, size: int) -> None:
        """Remember who uploaded a blob, before the message that carries it comes."""
        ...

    async def owner(self, blob: str) -> tuple[str, str, str, str]:
        """(channel, account, sender, media_type) of a blob. NotFound."""
        ...

    # -- approvals: asked with an ApprovalAsked among a commit's events

    async def approvals(self, *, queue: str | None = None, waiting: bool = True, limit: int = 200) -> list[Approval]:
        """Those that wait (or all), the oldest first."""
        ...

    async def decide(self, approval: str, granted: bool, *, author: str, note: str = "") -> Approval:
        """Say yes or no, and trigger the conversation's turn (kind "approval"), in one transaction.

        The trigger's data: `approval`, `granted`, `action`, `step`, `key`. NotFound; Conflict when it was decided
        before.
        """
        ...

    # -- versions of models, and the audit trail: rows that are only ever added

    async def add_model(self, model: ModelVersion) -> bool:
        """Remember a version; False when it is known already."""
        ...

    async def models(self) -> list[ModelVersion]:
        """All versions, the oldest first."""
        ...

    async def promote(self, promotion: Promotion) -> None:
        """Conflict unless `promotion.replaced` is what is served of this kind now; NotFound for an unknown version."""
        ...

    async def promotions(self) -> list[Promotion]:
        """The oldest first. What is served of a kind is its last one's `version`."""
        ...

    async def placed(self, item: str) -> tuple[str, int]:
        """(conversation, sequence) of the event that brought a message or a reply with this id. NotFound."""
        ...

    async def trail(
        self, after: int, limit: int, *, since: datetime | None = None, conversation: str | None = None
    ) -> list[tuple[int, Event]]:
        """Events of all conversations with their place in the trail, in order, from behind a place on; without words,
        which are only referred to."""
        ...

    async def tidy(self) -> Tidied:
        """Drop what nobody needs any more, a little at a time: deliveries that were done 30 days ago (one that came
        again now would be new), uploads that no message brought within two days, blobs without an upload."""
        ...


class Blobs(Protocol):
    """Where uploads lie: outside the web root, under names that cannot be guessed."""

    async def put(self, data: bytes) -> str:
        """Store and return the blob's id (32 hex digits). StoreError when the disk is full.

        `Store.attach` must follow: a blob that no upload knows of is dropped after two days.
        """
        ...

    async def get(self, blob: str) -> bytes:
        """NotFound when there is none, or it was erased."""
        ...

    async def delete(self, blob: str) -> None:
        """Idempotent."""
        ...

    async def older(self, seconds: float) -> list[str]:
        """The blobs that were stored longer ago. What a crash left half written that long ago is dropped."""
        ...
