"""Stand-ins on loopback for what lies outside: a callback URL, Telegram's Bot API."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.serving import address, listen


class Stand:
    """An HTTP server with some routes, for as long as the `async with` lasts."""

    def __init__(self) -> None:
        self._listening = listen("127.0.0.1", 0)
        self.url = address(self._listening)

    def routes(self) -> list[Route]:
        raise NotImplementedError

    async def __aenter__(self) -> Any:
        config = uvicorn.Config(Starlette(routes=self.routes()), log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server._serve(sockets=[self._listening]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        await self._task


class Catcher(Stand):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__()
        self._posted: asyncio.Queue[Any] = asyncio.Queue()

    def routes(self) -> list[Route]:
        return [Route("/", self._post, methods=["POST"])]

    async def _post(self, request: Request) -> Response:
        self._posted.put_nowait(await request.json())
        return JSONResponse({})

    async def next(self) -> Any:
        """The next posted object, in five seconds at most."""
        return await asyncio.wait_for(self._posted.get(), 5)
