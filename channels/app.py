"""What `bot.build` wired, plus channels: inbox, outbox, endpoints, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import platform
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.botfile import BotFile
from bot.engines.base import Engine
from bot.errors import ConfigError, FrontdeskError
from bot.settings import Settings
from bot.store.base import Blobs, Store
from bot.types import Message
from channels.base import CHANNELS, Channel, Context, Phrases, Turn, channel_class, configured
from channels.housekeeping import keep_house
from channels.hub import Hub
from channels.inbox import Inbox
from channels.limits import BodyLimit, Rates, problem
from channels.metrics import Metrics
from channels.outbox import Outbox
from channels.web.channel import WebChannel
from channels.web.origins import Forwarded, Origins
from channels.web.script import script
from channels.web.uploads import FORM_BYTES
from channels.workers import dead, keep_on

log = logging.getLogger(__name__)

SETTLE_SECONDS = 0.2
"""Changes of the store that come within this time are looked at together."""

INDEX_SECONDS = 2.0
"""How often a newer index snapshot is looked for."""


TEMPLATES = (
    "utter_audio_unsupported",
    "utter_busy",
    "utter_file_unsupported",
    "utter_heard",
    "utter_picture_unsupported",
    "utter_rate_limited",
    "utter_seen",
    "utter_slow",
    "utter_too_long",
)
"""What the channels say in the bot's words."""


class Index(Protocol):
    """The index that is served just now: `bot.build.IndexHolder`."""

    @property
    def snapshot(self) -> Any: ...

    def reload_if_changed(self) -> bool: ...


class Served(Protocol):
    """Which versions of models are served: `bot.engines.served.Served`."""

    @property
    def trouble(self) -> Mapping[str, str]: ...

    async def follow(self) -> list[str]: ...


class Crawled(Protocol):
    """The sites that the bot's folder names: `bot.crawled.Crawled`."""

    async def round(self) -> float: ...


class Bot(Protocol):
    """What is served: `bot.build.Bot`."""

    @property
    def settings(self) -> Settings: ...
    @property
    def botfile(self) -> BotFile: ...
    @property
    def domain(self) -> Phrases: ...
    @property
    def store(self) -> Store: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def turn(self) -> Turn: ...
    @property
    def index(self) -> Index: ...
    @property
    def served(self) -> Served: ...
    @property
    def crawled(self) -> Crawled: ...

    def engines_in_use(self) -> Mapping[str, Engine]: ...
    def ready(self) -> bool: ...
    def read_ahead(self) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...


class Desk:
    """One bot with its channels, running.

    Started are the bot (engines, store), inbox, outbox, channels; stopping lets turns in flight finish for `grace`
    seconds. `worker` is the name under which this process holds leases.
    """

    def __init__(
        self,
        bot: Bot,
        *,
        names: Sequence[str] | None = None,
        table: Mapping[str, str] = CHANNELS,
        worker: str | None = None,
        grace: float = 20.0,
    ) -> None:
        self.bot = bot
        self.settings = bot.settings
        self.metrics = Metrics()
        self.hub = Hub()
        self._grace = grace
        self._worker = worker or platform.node() or "frontdesk"
        self._table = table
        self._tasks: list[asyncio.Task[None]] = []
        self._seen = 0
        self._written = asyncio.Event()
        self._ahead: Any = None
        self.ready = False
        self.inbox = Inbox(
            store=bot.store,
            turn=bot.turn,
            hub=self.hub,
            settings=bot.settings,
            metrics=self.metrics,
            worker=self._worker,
            bot=bot.botfile.name,
            slow=self._slow,
        )
        self.context = Context(
            settings=bot.settings,
            store=bot.store,
            blobs=bot.blobs,
            inbox=self.inbox,
            hub=self.hub,
            rates=Rates(),
            phrases=bot.domain,
            bot=bot.botfile.name,
            languages=bot.botfile.languages,
        )
        self.channels: dict[str, Channel] = {
            name: channel_class(name, table)(self.context)
            for name in (configured(bot.settings) if names is None else names)
        }
        self.outbox = Outbox(store=bot.store, channels=self.channels, metrics=self.metrics, worker=self._worker)
        self.hub.listen(lambda _, emission: self.outbox.wake() if emission is None else None)
        if missing := bot.domain.missing(TEMPLATES):
            raise ConfigError(f"the bot's domain has no response {', '.join(missing)}: add them under 'responses:'")

    async def start(self) -> None:
        """Raises FrontdeskError with what to mend; what was started is stopped again then."""
        try:
            await self.bot.start()
            await self.inbox.start()
            await self.outbox.start()
            for channel in self.channels.values():
                await channel.start()
        except BaseException:
            await self.stop()
            raise
        rounds: dict[str, Callable[[], Awaitable[None]]] = {
            "changes": self._pump,
            "index": self._watch_index,
            "models": self._watch_models,
            "housekeeping": self._tidy,
        }
        if self.bot.botfile.crawl:
            rounds["crawl"] = self._crawl
        self._tasks = [
            asyncio.create_task(keep_on(work, name, self.metrics), name=name) for name, work in rounds.items()
        ]
        self.ready = True

    async def stop(self) -> None:
        """Idempotent."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.inbox.stop(self._grace)
        await self.outbox.stop()
        for channel in self.channels.values():
            await channel.stop()
        await self.bot.close()

    def wind_down(self) -> None:
        """The server stops soon: not ready any more, and nobody is kept waiting for news."""
        self.ready = False
        web = self.channels.get("web")
        if isinstance(web, WebChannel):
            web.hang_up()

    async def _pump(self) -> None:
        """Wait for the store's next changes and tell everybody in this process: the one place that does."""
        newest = await self.bot.store.changes(self._seen, 5.0)
        if newest == self._seen:
            return
        self.inbox.wake()
        self.outbox.wake()
        self._written.set()
        web = self.channels.get("web")
        if isinstance(web, WebChannel):
            await web.changed()
        self._seen = newest
        await asyncio.sleep(SETTLE_SECONDS)

    async def _watch_index(self) -> None:
        if self._ahead is not (snapshot := self.bot.index.snapshot):
            await asyncio.to_thread(self.bot.read_ahead)
            self._ahead = snapshot
        await asyncio.sleep(INDEX_SECONDS)
        try:
            if await asyncio.to_thread(self.bot.index.reload_if_changed):
                log.info("serving the index %s", self.bot.index.snapshot.manifest.id)
        except FrontdeskError as error:
            log.error("the new index cannot be served, the old one still is: %s", error)

    async def _watch_models(self) -> None:
        """Whatever was written may have been a promotion. Loading takes its time, beside everything else."""
        await self._written.wait()
        self._written.clear()
        for kind in await self.bot.served.follow():
            self.metrics.swapped(kind)

    async def _crawl(self) -> None:
        await asyncio.sleep(await self.bot.crawled.round())

    async def _tidy(self) -> None:
        await keep_house(self.bot.store, lambda: self.inbox.in_flight > 0)

    async def _slow(self, conversation: str, message: Message, begun: bool) -> None:
        channel = self.channels.get(message.channel)
        if channel is not None:
            await channel.slow(conversation, message, begun=begun)

    # -- operation

    async def health(self, request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def readiness(self, request: Request) -> Response:
        """Engines, store, index, and workers that have ended: what is not ready is named, and the status is 503 unless
        it is an engine that answers can do without, or a promoted model that could not take another's place."""
        engines = {name: "ok" if engine.ready() else "not ready" for name, engine in self._engines()}
        parts: dict[str, str] = {}
        try:
            await self.bot.store.check()
            parts["store"] = "ok"
        except FrontdeskError as error:
            parts["store"] = str(error)
        try:
            parts["index"] = "ok" if self.bot.index.snapshot is not None else "not ready"
        except FrontdeskError as error:
            parts["index"] = str(error)
        parts |= dict.fromkeys(dead([*self._tasks, *self.inbox.tasks, *self.outbox.tasks]), "has ended")
        models = {f"promoted {kind}": why for kind, why in self.bot.served.trouble.items()}
        ready = self.ready and self.bot.ready() and all(state == "ok" for state in parts.values())
        return JSONResponse({"ready": ready, "parts": engines | models | parts}, status_code=200 if ready else 503)

    async def prometheus(self, request: Request) -> Response:
        with suppress(FrontdeskError):
            self.metrics.inbox_waiting.set(await self.bot.store.waiting())
        web = self.channels.get("web")
        if isinstance(web, WebChannel):
            self.metrics.connections.set(len(web.rooms))
        for name, engine in self._engines():
            self.metrics.engine(name, engine)
        self.metrics.refused(self.bot.served.trouble)
        return Response(self.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def _engines(self) -> Iterable[tuple[str, Engine]]:
        return self.bot.engines_in_use().items()


def application(desk: Desk, pages: Iterable[BaseRoute] = ()) -> Starlette:
    """The ASGI application of a desk that is started and stopped elsewhere. `pages` are further routes: the shop, the
    source pages."""
    settings = desk.settings
    routes: list[BaseRoute] = [
        Route("/healthz", desk.health, methods=["GET"]),
        Route("/readyz", desk.readiness, methods=["GET"]),
        Route("/metrics", desk.prometheus, methods=["GET"]),
        Route("/widget.js", widget_script, methods=["GET"]),
    ]
    for channel in desk.channels.values():
        routes.extend(channel.routes())
    routes.extend(pages)
    limits = settings.limits
    larger = {"/web/uploads": limits.upload_bytes + FORM_BYTES}
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Forwarded, trusted=settings.web.trusted_proxies),
            Middleware(Origins, prefix="/web/", allowed=settings.web.origins, public_url=settings.public_url),
            Middleware(BodyLimit, limit=limits.request_bytes, larger=larger),
        ],
        exception_handlers={HTTPException: _http_problem, FrontdeskError: _known_problem, Exception: _unknown_problem},
    )


async def widget_script(request: Request) -> Response:
    """The widget, joined from its files; compressed where the browser takes it."""
    content, tag = script()
    headers = {
        "ETag": tag,
        "Cache-Control": "public, max-age=300, must-revalidate",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = _packed(content), "gzip"
    return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)


_gzipped: dict[str, bytes] = {}


def _packed(content: bytes) -> bytes:
    key = hashlib.sha256(content).hexdigest()
    if key not in _gzipped:
        _gzipped.clear()
        _gzipped[key] = gzip.compress(content, 9, mtime=0)
    return _gzipped[key]


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return problem(error.status_code, "http", error.detail, dict(error.headers or {}))


async def _known_problem(request: Request, error: Exception) -> Response:
    log.warning("%s %s: %s", request.method, request.url.path, type(error).__name__)
    return problem(503, "unavailable", "this does not work just now; try again", {"Retry-After": "5"})


async def _unknown_problem(request: Request, error: Exception) -> Response:
    return problem(500, "error", "something broke here")
