"""A whole bot around one turn: the real store on SQLite, the demo company's words, and answers that a test writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from bot.botfile import load_bot
from bot.events import Actor, Body, Event, Grounds
from bot.flows import load_domain
from bot.hearing import Ears
from bot.settings import Settings
from bot.state import State
from bot.store.base import Claim
from bot.store.blobs import FolderBlobs
from bot.store.sql import SqlStore
from bot.turn import Turn
from bot.types import Attachment, Citation, Emission, Message, TurnResult

OPEN = datetime(2026, 6, 3, 10, 0, tzinfo=UTC)
"""A Wednesday noon in Amsterdam: people are at work."""
CLOSED = datetime(2026, 6, 6, 20, 0, tzinfo=UTC)
"""A Saturday evening; people answer again on Monday."""

AGENT = Actor(kind="agent", id="bob")
CITED = Citation(
    collection="help", document="delivery", version="1", title="Delivery", quote="two days", start=0, end=8
)


@dataclass
class Reply:
    """What `answer` comes back with."""

    text: str = "Parcels take two days."
    citations: tuple[Citation, ...] = (CITED,)
    outcome: str = "answered"
    confidence: float = 0.9
    language_of_source: str | None = None
    evidence: dict[str, Any] = field(default_factory=lambda: {"span": 0.9})
    grounds: Grounds | None = None
    choices: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=lambda: {"search": 1.0, "read": 2.0})


ABSTAINED = Reply(text="", citations=(), outcome="abstained", confidence=0.1)
UNSURE = Reply(text="", citations=(), outcome="asked", confidence=0.2, choices=("Kettle K200", "Lamp L120"))


class Answerer:
    """Gives `reply`; raises `errors` first, one a call; runs `meanwhile` before it answers."""

    def __init__(self) -> None:
        self.reply = Reply()
        self.errors: list[Exception] = []
        self.delay = 0.0
        self.asked: list[str] = []
        self.shown: list[str] = []
        self.history: list[tuple[str, str]] = []
        self.language = ""
        self.meanwhile: Callable[[], Any] | None = None

    async def answer(
        self,
        question: str,
        *,
        language: str,
        history: Sequence[tuple[str, str]],
        collections: frozenset[str] | None,
        emit: Callable[[str], None] | None,
        shown: str = "",
    ) -> Reply:
        self.asked.append(question)
        self.shown.append(shown)
        self.history, self.language = list(history), language
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.errors:
            raise self.errors.pop(0)
        await asyncio.sleep(self.delay)
        if emit is not None and self.reply.text:
            emit(self.reply.text)
        return self.reply


@dataclass
class Made:
    """What media makes of an attachment."""

    text: str
    kind: Literal["transcript", "caption"] = "transcript"
    language: str | None = "en"
    search: str = ""
    engine: str = "e1"
    note: str | None = None


class Media:
    """Makes `made` of everything, or raises `error`."""

    def __init__(self) -> None:
        self.made = Made("Where is my parcel?")
        self.error: Exception | None = None
        self.calls = 0

    async def __call__(self, attachment: Attachment, data: bytes, language: str) -> Made:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self.made


class Rig:
    """Messages in, results out; `clock` is what the store and the working hours go by."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.moment = OPEN
        self.settings = settings
        self.store = SqlStore(f"sqlite:///{folder / 'test.db'}")
        self.blobs = FolderBlobs(folder / "blobs")
        self.answerer = Answerer()
        self.media = Media()
        self.botfile = load_bot()
        self.domain = load_domain(self.botfile.domain_folder, constants={"bot_name": "Wella"})
        self.emitted: list[Emission] = []
        self.conversation = ""
        self.turn = Turn(
            store=self.store,
            answerer=self.answerer,
            ears=Ears(self.blobs, self.media, 60.0),
            domain=self.domain,
            botfile=self.botfile,
            settings=settings,
            versions=lambda: {"index": "i1", "prompts": "p1"},
            clock=lambda: self.moment,
        )

    async def open(self) -> Rig:
        await self.store.open()
        return self

    async def close(self) -> None:
        await self.store.close()

    async def put(self, text: str = "", **more: Any) -> str:
        """Accept a message; returns the conversation."""
        message = Message(channel="web", sender="ann", text=text, **more)
        accepted = await self.store.accept(message, bot="demo", wait=False)
        self.conversation = accepted.conversation
        return accepted.conversation

    async def claim(self) -> Claim:
        claim = await self.store.claim("test", lease_seconds=self.settings.turns.lease_seconds)
        assert claim is not None
        return claim

    async def say(self, text: str = "", **more: Any) -> TurnResult:
        """One message, one turn."""
        await self.put(text, **more)
        return await self.run()

    async def run(self) -> TurnResult:
        self.emitted.clear()
        return await self.turn.handle(await self.claim(), self.emitted.append)

    async def attachment(self, media_type: str = "audio/wav", data: bytes = b"sound") -> Attachment:
        return Attachment(blob=await self.blobs.put(data), media_type=media_type, size=len(data))

    async def state(self) -> State:
        return await self.store.load(self.conversation)

    async def events(self) -> list[Event]:
        return await self.store.events(self.conversation)

    async def kinds(self) -> list[str]:
        return [event.body.type for event in await self.events()]

    async def outgoing(self) -> list[str]:
        """What the outbox hands out."""
        return [item.reply.text for item in await self.store.due("test", channels=["web"])]

    async def write(self, *bodies: Body) -> None:
        """What an agent does beside the bot."""
        state = await self.state()
        events = [Event(conversation=self.conversation, actor=AGENT, body=body) for body in bodies]
        await self.store.commit(self.conversation, state.version, events)
