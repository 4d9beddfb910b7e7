"""How much may come in: sizes of requests, rates of senders, and what a text may hold."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import guard
from bot.errors import Rejected, TooLarge

DRAINED_BYTES = 64_000_000
RECEIVE_SECONDS = 60.0
"""A request's body may take so long to arrive."""


class Rates:
    """How often a key may do something in a minute: one sliding window a key and limit."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limiters: dict[int, guard.RateLimiter] = {}

    def take(self, key: str, per_minute: int) -> None:
        """Count one. RateLimited, with the seconds until the next may come, when there were enough."""
        if per_minute not in self._limiters:
            self._limiters[per_minute] = guard.RateLimiter(per_minute, clock=self._clock)
        self._limiters[per_minute].check(key)


def parse_object(raw: bytes | str) -> dict[str, Any]:
    """A JSON object. Rejected for everything else: broken UTF-8, deep nesting, numbers beyond reason."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise Rejected("this is not valid JSON") from None
    if not isinstance(value, dict):
        raise Rejected("a JSON object is expected")
    return value


def clean(text: object, limit: int) -> str:
    """A text as it may be stored, without what cannot be seen (`guard.clean`); "" for None.

    TooLarge when it has more than `limit` characters, Rejected when it is no string.
    """
    if text is None:
        return ""
    if not isinstance(text, str):
        raise Rejected("a text is expected")
    if len(text) > limit:
        raise TooLarge(f"a text of {len(text)} characters; at most {limit} are taken")
    return guard.clean(text)


def sniff(data: bytes) -> str:
    """What the bytes are, whatever their name says. Unsupported or Damaged. Loads decoders: call it in a thread."""
    from bot import media

    return media.sniff(data)


class BodyLimit:
    """ASGI middleware: a request body over the limit is answered with 413 before anybody reads it.

    `larger` maps a path to its own limit; how long such a body may take is for its endpoint to say. A body without a
    length is counted while it comes in; when it runs over, the application sees a disconnected client and 413 goes out,
    if nothing has yet; one that does not arrive in time is let go of in the same way, with 408.
    """

    def __init__(self, app: ASGIApp, limit: int, larger: dict[str, int] | None = None) -> None:
        self.app = app
        self.limit = limit
        self.larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.larger.get(scope["path"], self.limit)
        seconds = None if scope["path"] in self.larger else RECEIVE_SECONDS
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _drain(receive)
            await _too_large(limit)(scope, receive, send)
            return
        await self._counted(scope, receive, send, limit, seconds)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, limit: int, seconds: float | None) -> None:
        seen = 0
        over = late = started = whole = False
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds

        async def counting() -> Message:
            nonlocal seen, over, late, whole
            try:
                async with asyncio.timeout_at(None if whole else until):
                    message = await receive()
            except TimeoutError:
                late = True
                return {"type": "http.disconnect"}
            seen += len(message.get("body", b""))
            whole = whole or not message.get("more_body", False)
            if seen > limit:
                over = True
                return {"type": "http.disconnect"}
            return message

        async def watching(message: Message) -> None:
            nonlocal started
            if (over or late) and not started:
                return
            started = True
            await send(message)

        try:
            await self.app(scope, counting, watching)
        except ClientDisconnect:
            if not (over or late):
                raise
        if started:
            return
        if over:
            await _drain(receive)
            await _too_large(limit)(scope, receive, send)
        elif late:
            text = f"the request did not arrive within {seconds:g} seconds"
            await problem(408, "too_slow", text, headers={"Connection": "close"})(scope, receive, send)


async def _drain(receive: Receive) -> None:
    """Let the client finish its sentence, up to a point: one that is still sending does not read our answer."""
    seen = 0
    while seen < DRAINED_BYTES:
        message = await receive()
        seen += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


def _too_large(limit: int) -> JSONResponse:
    return problem(413, "too_large", f"at most {limit} bytes are taken", headers={"Connection": "close"})


def problem(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The shape of every error that our HTTP endpoints answer with."""
    return JSONResponse({"error": {"code": code, "text": text}}, status_code=status, headers=headers)
