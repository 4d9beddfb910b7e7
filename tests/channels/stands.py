"""Stand-ins on loopback for what lies outside: a callback URL, Telegram's Bot API."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.serving import address, listen
from tests.channels.desks import until


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
        await until(lambda: self._server.started)
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


class Telegram(Stand):
    """The part of the Bot API that we use. Tokens are "123:..."; `refusals` answer the next sendMessage calls, and
    `broken_files` are known and do not come."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.sent_files: list[tuple[str, str, bytes]] = []
        self.slow_files = 0.0
        self.broken_files: set[str] = set()
        self.updates: list[dict[str, Any]] = []
        self.refusals: list[tuple[int, dict[str, Any]]] = []
        self._calls: list[tuple[str, dict[str, Any]]] = []
        self._taken: dict[str, int] = {}
        self._news = asyncio.Condition()

    def routes(self) -> list[Route]:
        return [
            Route("/file/bot{token}/{path}", self._file, methods=["GET"]),
            Route("/bot{token}/{method}", self._method, methods=["POST"]),
        ]

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self._calls)

    async def next(self, method: str) -> dict[str, Any]:
        """The parameters of the next call of a method, in order; waits five seconds at most."""
        number = self._taken.get(method, 0)
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: self.count(method) > number)
        self._taken[method] = number + 1
        return [parameters for name, parameters in self._calls if name == method][number]

    async def _file(self, request: Request) -> Response:
        await asyncio.sleep(self.slow_files)
        name = request.path_params["path"]
        if name in self.broken_files:
            return Response(status_code=502)
        return Response(self.files[name]) if self.files[name] else Response(status_code=404)

    async def _parameters(self, request: Request) -> dict[str, Any]:
        if request.headers["content-type"] == "application/json":
            found: dict[str, Any] = await request.json()
            return found
        async with request.form() as form:
            for key, value in form.items():
                if isinstance(value, UploadFile):
                    self.sent_files.append((key, value.filename or "", await value.read()))
            return {key: value for key, value in form.items() if isinstance(value, str)}

    async def _method(self, request: Request) -> Response:
        method = request.path_params["method"]
        parameters = await self._parameters(request)
        if not request.path_params["token"].startswith("123:"):
            return JSONResponse({"ok": False, "description": "Unauthorized"}, 401)
        if method == "sendMessage" and self.refusals:
            status, body = self.refusals.pop(0)
            return JSONResponse(body, status)
        result: Any = True
        if method in {"sendMessage", "sendPhoto", "sendDocument"}:
            result = {"message_id": 1_000 + len(self._calls)}
        elif method == "getFile":
            file = parameters["file_id"]
            if file not in self.files:
                return JSONResponse({"ok": False, "description": "Bad Request: file is too big"}, 400)
            result = {"file_path": file, "file_size": len(self.files[file])}
        elif method == "getUpdates":
            result = [update for update in self.updates if update["update_id"] >= parameters["offset"]]
            await asyncio.sleep(0 if result else 0.2)
        elif method == "noSuchMethod":
            return JSONResponse({"ok": False, "description": "Not Found"}, 404)
        async with self._news:
            self._calls.append((method, parameters))
            self._news.notify_all()
        return JSONResponse({"ok": True, "result": result})
