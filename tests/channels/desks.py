"""A desk to test with: real store, blobs, domain and HTTP server; a turn that answers by rote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any, Generic, TypeVar

from starlette.routing import BaseRoute

from bot.botfile import BotFile, load_bot
from bot.engines.base import Engine
from bot.events import (
    Actor,
    Body,
    Event,
    Received,
    Sent,
    TurnEnded,
)
from bot.flows import Domain, load_domain
from bot.settings import Settings
from bot.store.base import Claim
from bot.store.blobs import FolderBlobs
from bot.store.sql import SqlStore
from bot.types import (
    Button,
    Citation,
    Emission,
    Outcome,
    Reply,
    TurnResult,
    Words,
)
from channels.app import Bot, Desk, application
from channels.serving import address, listen, server

CITED = Citation(
    collection="help", document="returns/window", version="v1", title="Returns", quote="30 days", start=10, end=17
)


@dataclass
class RoteTurn:
    """Answers "you said: ..." to every burst, with a button and a citation. `before` runs in the middle of the turn."""

    store: SqlStore
    before: Callable[[Claim], Any] | None = None
    handled: list[Claim] = field(default_factory=list)

    async def handle(self, claim: Claim, emit: Callable[[Emission], None] | None = None) -> TurnResult:
        self.handled.append(claim)
        conversation = claim.lease.conversation
        said = " + ".join(message.text for message in claim.trigger.messages) or claim.trigger.kind
        reply = Reply(
            id=f"{claim.trigger.id[:31]}r",
            text=f"you said: **{said}**",
            buttons=(Button(title="Talk to a person", payload="/handover"),),
            citations=(CITED,),
        )
        if emit is not None:
            emit(Emission(conversation=conversation, kind="typing", reply_id=reply.id))
            emit(Emission(conversation=conversation, kind="sentence", reply_id=reply.id, text="you said"))
        if self.before is not None:
            waited = self.before(claim)
            if asyncio.iscoroutine(waited):
                await waited
        state = await self.store.load(conversation)
        bodies: list[tuple[str, Body]] = [
            (
                "customer",
                Received(
                    message_id=message.id,
                    text=Words(text=message.text),
                    payload=message.payload,
                    attachments=message.attachments,
                    external_id=message.external_id,
                ),
            )
            for message in claim.trigger.messages
        ]
        silent = state.owner == "people"
        outcome = Outcome.SILENT if silent else Outcome.ANSWERED
        if not silent:
            sent = Sent(
                reply_id=reply.id, text=Words(text=reply.text), buttons=reply.buttons, citations=reply.citations
            )
            bodies.append(("bot", sent))
        bodies.append(("bot", TurnEnded(outcome=outcome)))
        events = [
            Event(conversation=conversation, actor=Actor(kind=kind), body=body)  # type: ignore[arg-type]
            for kind, body in bodies
        ]
        send = [] if silent else [reply.id]
        await self.store.commit(conversation, state.version, events, send=send, lease=claim.lease, done=claim.inbox)
        replies = () if silent else (reply,)
        return TurnResult(conversation=conversation, outcome=outcome, replies=replies, timings_ms={"answer": 1.0})


class NothingPromoted:
    """The registry of a bot whose models are the manifest's."""

    trouble: Mapping[str, str] = MappingProxyType({})

    async def follow(self) -> list[str]:
        return []


class RoteBot:
    """What `bot.build` would wire."""

    def __init__(self, settings: Settings) -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.botfile: BotFile = load_bot()
        self.domain: Domain = load_domain(self.botfile.domain_folder)
        self.blobs = FolderBlobs(settings.blobs)
        self.store = SqlStore(settings.database_url, blobs=self.blobs)
        self.turn = RoteTurn(self.store)
        self.index: Any = SimpleNamespace(snapshot=object(), reload_if_changed=lambda: False)
        self.served = NothingPromoted()
        self.engines: dict[str, Engine] = {}
        self.read: list[object] = []

    def read_ahead(self) -> None:
        self.read.append(self.index.snapshot)

    def engines_in_use(self) -> Mapping[str, Engine]:
        return self.engines

    def ready(self) -> bool:
        return all(engine.ready() for engine in self.engines.values())

    async def start(self) -> None:
        await self.store.open()

    async def close(self) -> None:
        await self.store.close()


B = TypeVar("B", bound=Bot)


@dataclass
class Running(Generic[B]):
    """A desk that answers on loopback."""

    desk: Desk
    bot: B
    url: str

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws", 1) + "/web/ws"


@asynccontextmanager
async def running(bot: B, pages: Sequence[BaseRoute] = (), **options: Any) -> AsyncIterator[Running[B]]:
    """Serve it with our own uvicorn on a free port."""
    desk = Desk(bot, grace=5.0, **options)
    ready = asyncio.Event()
    await desk.start()
    listening = listen("127.0.0.1", 0)
    where = address(listening)
    serving = server(application(desk, pages), bot.settings, grace=5, on_ready=ready.set, on_stop=desk.wind_down)
    task = asyncio.create_task(serving.serve(sockets=[listening]))
    try:
        await asyncio.wait_for(ready.wait(), 10)
        yield Running(desk, bot, where)
    finally:
        serving.should_exit = True
        await task
        await desk.stop()


async def until(done: Callable[[], bool], patience: float = 10) -> None:
    """Wait for something that no event tells of. TimeoutError."""
    async with asyncio.timeout(patience):
        while not done():  # noqa: ASYNC110 - what is waited for is in another part, which knows no tests
            await asyncio.sleep(0.01)
