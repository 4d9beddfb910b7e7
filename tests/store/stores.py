"""Stores for the tests, over SQLite and PostgreSQL, with a clock that a test turns by hand."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.events import Actor, Body, Event, Received, Sent
from bot.store.base import Claim
from bot.store.blobs import FolderBlobs
from bot.store.sql import SqlStore
from bot.types import Message, Words

Another = Callable[[], Awaitable[SqlStore]]


class Clock:
    """Stands still until time passes (`turn`), or until it jumps and no time passes."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self.passed = 0.0

    def __call__(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.passed

    def turn(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.passed += max(0.0, seconds)

    def jump(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file of the newest migration, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "frontdesk.db"

    async def make() -> None:
        store = SqlStore(f"sqlite:///{file}")
        await store.open()
        await store.close()

    asyncio.run(make())
    return file


@pytest.fixture
def sqlite_url(migrated: Path, tmp_path: Path) -> str:
    """An empty database in a file."""
    shutil.copy(migrated, tmp_path / "frontdesk.db")
    return f"sqlite:///{tmp_path / 'frontdesk.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def another(store_url: str, clock: Clock, blobs: FolderBlobs) -> AsyncIterator[Another]:
    """Opens one more store on the same database, as another process would."""
    opened: list[SqlStore] = []

    async def make() -> SqlStore:
        store = SqlStore(store_url, clock=clock, monotonic=clock.monotonic, blobs=blobs)
        opened.append(store)
        await store.open()
        return store

    yield make
    for store in opened:
        await store.close()


@pytest.fixture
async def store(another: Another) -> SqlStore:
    return await another()


def hello(external_id: str | None = None, *, sender: str = "anna", text: str = "Hello", **more: Any) -> Message:
    return Message(channel="web", sender=sender, external_id=external_id, text=text, **more)


def event(conversation: str, body: Body, who: str = "bot") -> Event:
    return Event(conversation=conversation, actor=Actor(kind=who), body=body)


def received(conversation: str, text: str, message_id: str = "m1") -> Event:
    return event(conversation, Received(message_id=message_id, text=Words(text=text)), "customer")


def said(conversation: str, text: str, reply_id: str, who: str = "bot") -> Event:
    return event(conversation, Sent(reply_id=reply_id, text=Words(text=text)), who)


async def claimed(store: SqlStore, worker: str = "w", **more: Any) -> Claim:
    """The next work, which must be there."""
    claim = await store.claim(worker, lease_seconds=30, **more)
    assert claim is not None
    return claim


async def answer(store: SqlStore, claim: Claim, *replies: str) -> list[Event]:
    """A whole turn: the messages and these replies (their text is their id), committed and queued."""
    conversation = claim.lease.conversation
    state = await store.load(conversation)
    happened = [received(conversation, message.text, message.id) for message in claim.trigger.messages]
    happened += [said(conversation, reply, reply) for reply in replies]
    return await store.commit(conversation, state.version, happened, send=replies, lease=claim.lease, done=claim.inbox)
