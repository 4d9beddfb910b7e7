"""A desk on a port: the socket, uvicorn's settings, and the name under which this process holds leases."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import platform
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import uvicorn
from starlette.types import ASGIApp

from bot.errors import ConfigError
from bot.settings import Settings, make_home
from channels.app import Desk

WEBSOCKET_BYTES = 12_000_000
"""A frame up to this size is read whole, so that the refusal of a large one can be said in a frame; a larger one closes
the connection (1009). JSON frames are taken up to `limits.request_bytes`."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. ConfigError with what to do when the port cannot be had."""
    if not 0 <= port <= 65535:
        raise ConfigError(f"there is no port {port}: choose one up to 65535, or 0 for a free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(2048)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            text = f"port {port} on {host} is in use: stop what uses it, or choose another with --port"
            raise ConfigError(text) from None
        if error.errno == errno.EACCES:
            raise ConfigError(f"port {port} needs more rights than this user has: choose one above 1023") from None
        raise ConfigError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from None
    return found


def address(listening: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


GRACE_SECONDS = 20
"""How long requests that wait for an answer may go on when the server is told to stop."""


class Server(uvicorn.Server):
    """Tells when it takes connections, and when it is about to let go of them."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None] | None, on_stop: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the serving and no more: what comes after it (turns in flight) is to be finished."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)


def server(
    app: ASGIApp,
    settings: Settings,
    *,
    grace: int = GRACE_SECONDS,
    on_ready: Callable[[], None] | None = None,
    on_stop: Callable[[], None] | None = None,
) -> Server:
    """Our uvicorn: no compression of WebSocket frames (its memory is dear, a thousand times), no forwarded headers
    believed (`web.origins` does that), no access log (addresses and tokens stand in it)."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=max(WEBSOCKET_BYTES, 2 * settings.limits.request_bytes),
        ws_per_message_deflate=False,
        ws_ping_interval=30.0,
        ws_ping_timeout=30.0,
        timeout_graceful_shutdown=grace,
    )
    return Server(config, on_ready, on_stop)


async def serve(desk: Desk, app: ASGIApp, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Start the desk, serve it until a signal comes, and stop it: turns in flight are finished or handed back."""
    try:
        await desk.start()
        await server(app, desk.settings, on_ready=on_ready, on_stop=desk.wind_down).serve(sockets=[listening])
    finally:
        listening.close()
        await desk.stop()


class Lease:
    """The home folder's lock: who holds it is *the* server of this home, and may take back an earlier life's leases."""

    def __init__(self, home: Path) -> None:
        make_home(home)
        self._file: IO[str] = (home / "serve.lock").open("a")
        name = f"{platform.node() or 'host'}-{hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:12]}"
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.worker = name
        except OSError:
            self.worker = f"{name}-{os.getpid()}"  # another server runs on this home: leave its leases alone

    def close(self) -> None:
        self._file.close()
