"""A client of the widget's wire, for tests."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

Frame = dict[str, Any]


async def session(http: httpx.AsyncClient, token: str | None = None, **given: Any) -> dict[str, Any]:
    """`POST /web/session`."""
    answer = await http.post("/web/session", json={"website_token": "demo", "token": token, **given})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class Tab:
    """One open widget: every frame that came, and the highest sequence number."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self.seq = 0

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def say(self, text: str, client_id: str | None = None, **more: Any) -> str:
        client_id = client_id or str(uuid.uuid4())
        await self.send(type="message", client_id=client_id, text=text, **more)
        return client_id

    async def until(self, kind: str, patience: float = 10, **having: Any) -> Frame:
        """The next frame of this type with these values; others that come before it are kept in `frames`."""
        async with asyncio.timeout(patience):
            while True:
                frame = await self.next()
                if frame["type"] == kind and all(frame.get(key) == value for key, value in having.items()):
                    return frame

    async def next(self) -> Frame:
        frame: Frame = json.loads(await self.socket.recv())
        self.frames.append(frame)
        self.seq = max(self.seq, frame.get("seq") or 0) if frame["type"] != "welcome" else self.seq
        return frame

    def messages(self) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == "message"]


@asynccontextmanager
async def tab(ws: str, token: str, resume: int = 0, **options: Any) -> AsyncIterator[Tab]:
    """Connect, say hello, wait for the welcome."""
    async with connect(ws, proxy=None, **options) as socket:
        opened = Tab(socket)
        await opened.send(type="hello", token=token, resume=resume)
        await opened.until("welcome")
        yield opened
