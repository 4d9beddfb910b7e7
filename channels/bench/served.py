"""A real `frontdesk serve` in a process of its own: its start, its memory, and a thousand idle widgets."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect

from bot.errors import FrontdeskError
from bot.settings import Settings
from bot.types import new_id
from channels.bench.machine import resident_mib
from channels.tokens import Tokens, Visitor, key_of

PATIENCE = 180.0
"""Seconds until a server that does not get ready, or a turn that does not come, ends the benchmark."""


@dataclass(slots=True)
class Running:
    """A server that is ready. `start_seconds` is from its start to its first answer."""

    url: str
    pid: int
    settings: Settings
    start_seconds: float = 0.0
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens(key_of(self.settings.home))

    def token(self) -> str:
        """A visitor's token, as the server would issue it."""
        return self.tokens.issue(Visitor(new_id(), self.settings.web.website_token))

    def ask(self, text: str) -> list[dict[str, Any]]:
        """One turn over the REST channel."""
        token = self.settings.rest.token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"sender": new_id(), "message": text}
        answer = httpx.post(f"{self.url}/webhooks/rest/webhook", json=body, headers=headers, timeout=PATIENCE)
        if answer.status_code != httpx.codes.OK:
            raise FrontdeskError(f"the server answered {answer.status_code}: {answer.text[:200]}")
        return list(answer.json())

    def send_file(self, path: Path) -> None:
        """One turn with an upload, as the widget sends it; returns when the bot has answered."""
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token()}"}, timeout=60) as client:
            with path.open("rb") as file:
                upload = client.post("/web/uploads", files={"file": (path.name, file)}).raise_for_status().json()
            frame = {"type": "message", "client_id": new_id(), "text": "", "attachments": [upload["id"]]}
            client.post("/web/messages", json=frame).raise_for_status()
            until, seq = time.monotonic() + PATIENCE, 0
            while time.monotonic() < until:
                news = client.get("/web/events", params={"after": seq, "wait": 20}).raise_for_status().json()
                seq = news["seq"]
                if any(frame["type"] == "message" and frame["from"] == "bot" for frame in news["frames"]):
                    return
        raise FrontdeskError(f"no answer to {path.name} within {PATIENCE:.0f} s")


@contextmanager
def serving(settings: Settings, arguments: Sequence[str], question: str) -> Iterator[Running]:
    """Start, wait for the first answer, stop. FrontdeskError with the log's end when it does not start."""
    command = [sys.executable, "-m", "channels.cli", "serve", "--json", "--home", str(settings.home), "--port", "0"]
    began = time.perf_counter()
    with (settings.home / "bench-serve.log").open("w+") as log:
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603 - ourselves
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                log.seek(0)
                raise FrontdeskError(f"the server did not start: {log.read()[-1000:]}")
            running = Running(json.loads(line)["url"], process.pid, settings)
            running.ask(question)
            running.start_seconds = time.perf_counter() - began
            yield running
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def measure(
    settings: Settings, arguments: Sequence[str], question: str, media: Sequence[Path], widgets: int
) -> dict[str, Any]:
    """Start, memory after a turn of each kind, and idle widgets."""
    with serving(settings, arguments, question) as server:
        for path in media:
            server.send_file(path)
        memory = resident_mib(server.pid)
        idle = asyncio.run(_idle(server, widgets, question))
        return {"start_seconds": server.start_seconds, "memory_mib": memory, **idle}


async def _idle(server: Running, widgets: int, question: str) -> dict[str, Any]:
    """Connect `widgets` visitors that say nothing, and have a turn answered while they are there."""
    before = await asyncio.to_thread(resident_mib, server.pid)
    url = server.url.replace("http", "ws", 1) + "/web/ws"
    async with AsyncExitStack() as stack:
        for at in range(0, widgets, 50):
            opening = [_visit(stack, url, server.token()) for _ in range(min(50, widgets - at))]
            await asyncio.gather(*opening)
        await asyncio.sleep(2)
        after = await asyncio.to_thread(resident_mib, server.pid)
        began = time.perf_counter()
        answered = bool(await asyncio.to_thread(server.ask, question))
        seconds = time.perf_counter() - began
    return {
        "widgets": widgets,
        "widgets_mib": max(0.0, after - before),
        "answered_beside_widgets": answered,
        "turn_beside_widgets_ms": seconds * 1000,
    }


async def _visit(stack: AsyncExitStack, url: str, token: str) -> None:
    socket = await stack.enter_async_context(connect(url, compression=None, open_timeout=60))
    await socket.send(json.dumps({"type": "hello", "token": token, "resume": 0}))
    frame = json.loads(await asyncio.wait_for(socket.recv(), 60))
    if frame["type"] != "welcome":
        raise FrontdeskError(f"a widget was not welcomed: {frame}")
