"""Rooms: whatever is lost and found again, a client that resumes has everything once and in order."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import Actor, Event, Sent
from bot.types import Emission, Words
from channels.tokens import Visitor
from channels.web.frames import Frame, Maker
from channels.web.rooms import BACKLOG, Connection, Room, Rooms

VISITOR = Visitor("v", "demo")
MAKER = Maker(link=lambda attachment: "", heard=lambda kind, text: text)


class Written:
    """As much of a store as a room reads. Reading takes a moment, in which more may be written."""

    def __init__(self, seed: int) -> None:
        self.rows: list[Event] = []
        self._random = random.Random(seed)

    def write(self) -> None:
        number = len(self.rows) + 1
        body = Sent(reply_id=f"r{number}", text=Words(text=f"text {number}"))
        self.rows.append(Event(conversation="c", sequence=number, actor=Actor(kind="bot"), body=body))

    async def find(self, channel: str, account: str, sender: str) -> str | None:
        return "c"

    async def events(self, conversation: str, after: int = 0) -> list[Event]:
        found = [event for event in self.rows if event.sequence > after]
        for _ in range(self._random.randrange(3)):
            await asyncio.sleep(0)
        return found


class Client:
    """A tab as the widget's script does it: the highest number seen, and what is shown, by id."""

    def __init__(self) -> None:
        self.seq = 0
        self.shown: dict[str, int] = {}
        self.connection: Connection | None = None
        self.deaf = False

    async def open(self, rooms: Rooms) -> None:
        seen: list[int] = []

        async def write(frame: Frame) -> None:
            await asyncio.sleep(0)
            if self.deaf or self.connection is not connection:
                raise RuntimeError("gone")
            if frame["type"] == "message":
                assert not seen or frame["seq"] > seen[-1], "twice or out of order on one connection"
                seen.append(frame["seq"])
                self.seq = max(self.seq, frame["seq"])
                self.shown[frame["id"]] = frame["seq"]

        connection = Connection(write, lambda: None, self.seq)
        self.connection, self.deaf = connection, False
        room = await rooms.join(VISITOR, connection)
        await room.refresh()

    async def drop(self, rooms: Rooms) -> None:
        if self.connection is not None:
            rooms.leave(self.connection)
            self.connection = None


STEPS = st.sampled_from(["write", "news", "wait", "open 0", "open 1", "drop 0", "drop 1", "deaf 0", "stream"])


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), st.integers(0, 1_000))
def test_resuming_gives_everything_once_and_in_order(steps: list[str], seed: int) -> None:
    asyncio.run(_play(steps, seed))


async def _play(steps: list[str], seed: int) -> None:
    store: Any = Written(seed)
    rooms = Rooms(store, lambda visitor, locale: MAKER)
    clients = [Client(), Client()]
    for step in steps:
        word, _, number = step.partition(" ")
        client = clients[int(number or 0)]
        if word == "write":
            store.write()
        elif word == "news":
            rooms.heard("c", None)
        elif word == "stream":
            rooms.heard("c", Emission(conversation="c", kind="sentence", reply_id="r1", text="x"))
        elif word == "wait":
            await asyncio.sleep(0.001)
        elif word == "open":
            await client.drop(rooms)
            await client.open(rooms)
        elif word == "drop":
            await client.drop(rooms)
        else:
            client.deaf = True  # the connection is dead, and nobody has noticed yet
    for client in clients:
        await client.drop(rooms)
        await client.open(rooms)
        assert client.connection is not None
        await client.connection.flushed()
        assert list(client.shown.values()) == sorted(client.shown.values())
        assert set(client.shown) == {f"r{number}" for number in range(1, len(store.rows) + 1)}
        await client.drop(rooms)
    assert len(rooms) == 0
    assert rooms.conversations() == set()


async def test_a_reader_that_is_too_slow_is_closed_and_not_waited_for() -> None:
    closed = asyncio.Event()
    blocked = asyncio.Event()

    async def write(frame: Frame) -> None:
        await blocked.wait()

    connection = Connection(write, closed.set)
    for _ in range(BACKLOG + 1):
        connection.push({"type": "pong"})
    assert closed.is_set()
    blocked.set()
    await connection.flushed()


async def test_a_tab_that_opens_in_the_middle_of_a_turn_sees_what_was_streamed() -> None:
    store: Any = Written(0)
    room = Room(VISITOR, store, MAKER)
    room.conversation = "c"
    frames: list[Frame] = []

    async def write(frame: Frame) -> None:
        frames.append(frame)

    for kind, text in (("typing", ""), ("sentence", "old"), ("reset", ""), ("sentence", "one"), ("sentence", "two")):
        room.stream(Emission(conversation="c", kind=kind, reply_id="r1", text=text))  # type: ignore[arg-type]
    connection = Connection(write, lambda: None)
    room.connections.add(connection)
    room.replay(connection)
    await connection.flushed()
    assert [(frame["kind"], frame["html"]) for frame in frames] == [
        ("reset", ""),
        ("sentence", "<p>one</p>"),
        ("sentence", "<p>two</p>"),
    ]
    store.write()
    await room.refresh()
    await connection.flushed()
    frames.clear()
    room.replay(connection)
    await connection.flushed()
    assert frames == []


async def test_a_room_that_cannot_read_the_store_says_so_and_where(caplog: pytest.LogCaptureFixture) -> None:
    store: Any = Written(0)
    rooms = Rooms(store, lambda visitor, locale: MAKER)
    client = Client()
    await client.open(rooms)

    async def broken(conversation: str, after: int = 0) -> list[Event]:
        raise ValueError("my secret")

    store.write()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "events", broken)
        rooms.heard("c", None)
        await asyncio.sleep(0.01)
    (record,) = caplog.records
    assert record.message == "cannot tell a visitor the news: ValueError"
    assert record.exc_info
    rooms.heard("c", None)
    await asyncio.sleep(0.01)
    assert client.shown == {"r1": 1}
