"""Which sites may talk to the widget's endpoints, and whose word about the caller's address is believed."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from channels.limits import problem

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "600",
}


def own_origin(connection: HTTPConnection, public_url: str) -> str:
    """This server's own origin, as a browser writes it."""
    if public_url:
        parts = urlsplit(public_url)
        return f"{parts.scheme}://{parts.netloc}".lower()
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return f"{scheme}://{connection.headers.get('host', '')}".lower()


class Origins:
    """ASGI middleware around paths under `prefix`: a browser on another site is refused; a configured one gets CORS.

    A request without `Origin` is no browser's script on another site, and is let through: what it may do depends on its
    token alone.
    """

    def __init__(self, app: ASGIApp, *, prefix: str, allowed: tuple[str, ...], public_url: str) -> None:
        self.app = app
        self.prefix = prefix
        self.allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self.public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or not scope["path"].startswith(self.prefix):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        origin = connection.headers.get("origin", "").lower()
        if not origin or origin == own_origin(connection, self.public_url):
            await self.app(scope, receive, send)
        elif origin not in self.allowed:
            await self._refuse(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={**ALLOWED, **_cors(origin)})(scope, receive, send)
        else:
            await self.app(scope, receive, _with_cors(send, origin) if scope["type"] == "http" else send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "origin not allowed"})
            return
        await problem(403, "origin", "this site may not use the widget: add it to web.origins")(scope, receive, send)


def _cors(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _with_cors(send: Send, origin: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers.add_vary_header("Origin")
        await send(message)

    return sending


class Forwarded:
    """ASGI middleware: believes `X-Forwarded-For`, `-Proto` and `-Host` of the named proxies, and of nobody else."""

    def __init__(self, app: ASGIApp, trusted: tuple[str, ...]) -> None:
        self.app = app
        self.trusted = list(trusted)
        self.inner = ProxyHeadersMiddleware(self._with_host, trusted_hosts=self.trusted)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.trusted or scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        scope["frontdesk.proxied"] = client is not None and client[0] in self.inner.trusted_hosts
        await self.inner(scope, receive, send)  # type: ignore[arg-type]

    async def _with_host(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("x-forwarded-host") if scope["frontdesk.proxied"] else None
        if host:
            kept = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [*kept, (b"host", host.split(",")[0].strip().encode("latin-1"))]
        await self.app(scope, receive, send)
