"""The widget's endpoints: a session, a WebSocket, the same frames over plain HTTP, uploads. See WIRE.md."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.errors import RateLimited, Rejected, StoreError, Unverified
from bot.store.base import Outgoing
from bot.types import Message, new_id
from channels.base import Context
from channels.limits import clean, parse_object, problem, sniff
from channels.tokens import Tokens, Visitor, key_of
from channels.web.frames import Frame, Maker, nack, slow
from channels.web.rooms import Connection, Room, Rooms, Write
from channels.web.talk import NAME, SHOWN, Talk
from channels.web.uploads import Uploads

log = logging.getLogger(__name__)

HELLO_SECONDS = 15.0
POLL_SECONDS = 25.0
GATHER_SECONDS = 0.03
"""After the first frame of a long poll, others that come at the same moment are taken along."""

HISTORY = 200
"""Frames of the conversation that a session begins with."""
SESSIONS_A_MINUTE = 120
"""New sessions from one address."""

NOT_AUTHORISED = 4401
TRY_AGAIN = 1013


class WebChannel:
    """Visitors of web sites. `account` is the site's token, `sender` the visitor's id in the signed token."""

    name = NAME

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tokens = Tokens(key_of(context.settings.home))
        self._uploads = Uploads(context, self._tokens, sniff)
        self.rooms = Rooms(context.store, self._maker)
        self._talk = Talk(context, self.rooms, self._tokens, self._uploads)
        self._locales: OrderedDict[str, str] = OrderedDict()
        self._updated: dict[str, datetime] = {}
        self._stop_listening: Callable[[], None] | None = None
        self._stopping = asyncio.Event()
        self.brand: dict[str, Any] = {}

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/web/session", self._session, methods=["POST"]),
            Route("/web/messages", self._messages, methods=["POST"]),
            Route("/web/events", self._events, methods=["GET"]),
            Route("/web/uploads", self._upload, methods=["POST"]),
            Route("/web/uploads/{blob}", self._uploads.give, methods=["GET"]),
            WebSocketRoute("/web/ws", self._socket),
        ]

    async def start(self) -> None:
        self._stop_listening = self._context.hub.listen(self.rooms.heard)

    async def stop(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def hang_up(self) -> None:
        """Answer the long polls that wait: the server is about to stop."""
        self._stopping.set()

    async def send(self, outgoing: Outgoing) -> str | None:
        """The reply is in the store already; whoever has the widget open is told now, others find it when they come."""
        room = self.rooms.of(outgoing.conversation)
        if room is not None:
            await room.refresh()
        return None

    async def slow(self, conversation: str, message: Message, *, begun: bool) -> None:
        room = self.rooms.of(conversation)
        if room is not None:
            state = await self._context.store.load(conversation)
            text = self._context.say("utter_slow", message.locale or state.language)
            room.tell(slow(text, state.status, state.owner))

    async def changed(self) -> None:
        """Something was written, perhaps by another process: look which open conversations are not as they were."""
        if not self.rooms.conversations():
            return
        opened = self.rooms.conversations()
        for summary in await self._context.store.conversations(limit=100):
            if summary.id in opened and self._updated.get(summary.id) != summary.updated:
                self._updated[summary.id] = summary.updated
                room = self.rooms.of(summary.id)
                if room is not None:
                    self.rooms.refresh(room)
        self._updated = {key: value for key, value in self._updated.items() if key in opened}

    # -- HTTP

    async def _session(self, request: Request) -> Response:
        try:
            asked = parse_object(await request.body())
            address = request.client.host if request.client else "?"
            self._context.rates.take(f"web session {address}", SESSIONS_A_MINUTE)
        except RateLimited as error:
            return _slow_down(error)
        except Rejected as error:
            return problem(400, "malformed", str(error))
        site = self._context.settings.web.website_token
        if asked.get("website_token") != site:
            return problem(403, "site", "there is no site with this website_token")
        visitor, token = self._visitor_or_new(asked.get("token"), site)
        locale = _locale(asked.get("locale"))
        self._keep_locale(visitor, locale)
        try:
            return JSONResponse(await self._session_of(visitor, token, locale))
        except StoreError:
            return problem(503, "unavailable", self._context.say("utter_busy", locale), {"Retry-After": "5"})

    async def _session_of(self, visitor: Visitor, token: str, locale: str | None) -> dict[str, Any]:
        limits = self._context.settings.limits
        store = self._context.store
        conversation = await store.find(NAME, visitor.account, visitor.id)
        session: dict[str, Any] = {
            "token": token,
            "visitor": visitor.id,
            "conversation": conversation,
            "language": self._context.pick(locale),
            "status": "pending",
            "owner": "bot",
            "brand": self.brand,
            "limits": {
                "message_characters": limits.message_characters,
                "upload_bytes": limits.upload_bytes,
                "audio_seconds": limits.audio_seconds,
            },
            "history": [],
            "waiting": [],
            "last_seq": 0,
        }
        if conversation is not None:
            # In this order: what is committed or comes in between is then sent again, which is harmless.
            unanswered = await store.unanswered(conversation)
            state = await store.load(conversation)
            events = await store.events(conversation, newest=SHOWN)
            maker = self._maker(visitor, lambda: locale)
            frames = maker.frames(events)
            shown = [frame for frame in frames if frame["type"] in {"message", "heard", "edited", "deleted"}]
            newest = events[-1].sequence if events else 0
            session |= {"status": state.status, "owner": state.owner, "history": shown[-HISTORY:], "last_seq": newest}
            session["waiting"] = [maker.waiting(message) for message in unanswered]
        return session

    async def _messages(self, request: Request) -> Response:
        try:
            visitor = self._bearer(request)
            frame = parse_object(await request.body())
        except Unverified as error:
            return problem(401, "token", str(error))
        except Rejected as error:
            return problem(400, "malformed", str(error))
        frames: list[Frame] = []
        connection = self._connection(visitor, partial(_collect, frames), lambda: None, 0, listens=False)
        try:
            await self.rooms.join(visitor, connection)
            await self._talk.hear(connection, frame)
            await connection.flushed()
        except StoreError:
            return problem(503, "unavailable", self._context.say("utter_busy", connection.locale), {"Retry-After": "5"})
        finally:
            self.rooms.leave(connection)
        return JSONResponse({"frames": frames})

    async def _events(self, request: Request) -> Response:
        try:
            visitor = self._bearer(request)
            after = int(request.query_params.get("after", "0"))
            wait = min(POLL_SECONDS, max(0.0, float(request.query_params.get("wait", POLL_SECONDS))))
        except Unverified as error:
            return problem(401, "token", str(error))
        except ValueError:
            return problem(400, "malformed", "after and wait are numbers")
        frames: list[Frame] = []
        came = asyncio.Event()

        async def collect(frame: Frame) -> None:
            frames.append(frame)
            came.set()

        connection = self._connection(visitor, collect, lambda: None, after)
        try:
            room = await self._joined(visitor, connection)
            await room.refresh()
            await connection.flushed()
            if not frames and wait:
                news = [asyncio.create_task(event.wait()) for event in (came, self._stopping)]
                await asyncio.wait(news, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                for task in news:
                    task.cancel()
                await asyncio.sleep(GATHER_SECONDS)
            welcome = await self._talk.welcome(room)
        except StoreError:
            return problem(503, "unavailable", self._context.say("utter_busy", connection.locale), {"Retry-After": "5"})
        finally:
            self.rooms.leave(connection)
        del welcome["type"]
        return JSONResponse({"frames": frames, **welcome})

    async def _upload(self, request: Request) -> Response:
        try:
            visitor = self._bearer(request)
        except Unverified as error:
            return problem(401, "token", str(error))
        return await self._uploads.take(request, visitor, self._locales.get(visitor.id))

    # -- WebSocket

    async def _socket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        connection: Connection | None = None
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await self._receive(websocket)
            connection = await self._greet(websocket, hello)
            while connection.room is not None:
                try:
                    frame = await self._receive(websocket)
                except Rejected as error:
                    connection.push(nack(None, "malformed", str(error)))
                    continue
                await self._talk.hear(connection, frame)
        except WebSocketDisconnect:
            pass
        except Unverified as error:
            await websocket.close(NOT_AUTHORISED, str(error))
        except (TimeoutError, Rejected):
            await websocket.close(1002, "the first frame is hello")
        except StoreError:
            await websocket.close(TRY_AGAIN, "try again")
        finally:
            if connection is not None:
                self.rooms.leave(connection)

    async def _greet(self, websocket: WebSocket, hello: Frame) -> Connection:
        """Check the first frame, and let the tab into its room: where things stand, what it missed, what is said."""
        if hello.get("type") != "hello":
            raise Rejected("the first frame is hello")
        visitor = self._tokens.visitor(str(hello.get("token", "")))
        resume = hello.get("resume")
        closing: set[asyncio.Task[None]] = set()

        def close() -> None:
            if not closing:
                closing.add(asyncio.create_task(_close(websocket)))

        async def write(frame: Frame) -> None:
            await websocket.send_text(json.dumps(frame, ensure_ascii=False))

        connection = self._connection(visitor, write, close, resume if isinstance(resume, int) and resume > 0 else 0)
        if hello.get("locale"):
            connection.locale = _locale(hello["locale"])
        try:
            room = await self._joined(visitor, connection, hello.get("conversation"))
            connection.push(await self._talk.welcome(room))
            await room.refresh()
            room.replay(connection)
        except BaseException:
            self.rooms.leave(connection)
            raise
        return connection

    async def _joined(self, visitor: Visitor, connection: Connection, conversation: object = None) -> Room:
        """Into the room; a position from another conversation means nothing in this one, nor where there is none."""
        room = await self.rooms.join(visitor, connection)
        if room.conversation is None:
            connection.seq = 0
        elif connection.seq:
            version = (await self._context.store.load(room.conversation)).version
            if connection.seq > version or (conversation and conversation != room.conversation):
                connection.seq = 0
        return room

    async def _receive(self, websocket: WebSocket) -> Frame:
        """The next frame. Rejected when it is too large or no JSON object; a client that sends bytes is let be."""
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        raw = message.get("text") or message.get("bytes") or ""
        limit = self._context.settings.limits.request_bytes
        if len(raw) > limit:
            raise Rejected(f"a frame of {len(raw)} bytes; at most {limit} are taken")
        return parse_object(raw)

    # -- details

    def _connection(
        self, visitor: Visitor, write: Write, close: Callable[[], None], seq: int, *, listens: bool = True
    ) -> Connection:
        return Connection(write, close, seq, self._locales.get(visitor.id), listens=listens)

    def _maker(self, visitor: Visitor, locale: Callable[[], str | None]) -> Maker:
        def heard(kind: str, text: str) -> str:
            return self._context.say("utter_heard" if kind == "transcript" else "utter_seen", locale(), text=text)

        return Maker(link=lambda attachment: self._uploads.link(attachment, visitor), heard=heard)

    def _visitor_or_new(self, token: object, site: str) -> tuple[Visitor, str]:
        """The token's visitor, with a fresh token (so that it does not run out while it is used), or a new one."""
        with suppress(Unverified):
            visitor = self._tokens.visitor(str(token or ""))
            if visitor.account == site:
                return visitor, self._tokens.issue(visitor)
        visitor = Visitor(new_id(), site)
        return visitor, self._tokens.issue(visitor)

    def _bearer(self, request: Request) -> Visitor:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unverified("an Authorization header with the visitor's token is needed")
        return self._tokens.visitor(token.strip())

    def _keep_locale(self, visitor: Visitor, locale: str | None) -> None:
        if locale:
            self._locales[visitor.id] = locale
            self._locales.move_to_end(visitor.id)
            while len(self._locales) > 10_000:
                self._locales.popitem(last=False)


def _locale(given: object) -> str | None:
    with suppress(Rejected):
        return clean(given, 35) or None
    return None


def _slow_down(error: RateLimited) -> Response:
    return problem(429, "rate_limited", str(error), {"Retry-After": str(max(1, round(error.retry_after)))})


async def _collect(frames: list[Frame], frame: Frame) -> None:
    frames.append(frame)


async def _close(websocket: WebSocket) -> None:
    with suppress(RuntimeError, OSError):
        await websocket.close(TRY_AGAIN, "too slow: connect again")
