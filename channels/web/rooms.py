"""Who has the widget open: one room a visitor, one connection a tab. Nothing is lost here, since the store has it all.

An idle connection is an entry in a set; nobody polls for it. A room reads the store when it is told that something was
written in its conversation, once for all its tabs, and each tab gets what lies behind its own position.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.errors import NotFound, StoreError
from bot.events import Event
from bot.store.base import Store
from bot.types import Emission, Message, Words
from channels.tokens import Visitor
from channels.web.frames import Frame, Maker, heard, provisional

log = logging.getLogger(__name__)

BACKLOG = 2_000
"""Frames that may wait for a slow reader before its connection is closed; it comes back and resumes."""

LIVE = 200
"""Provisional frames that are kept for a tab that opens in the middle of a turn."""

TOLD = 2_000
"""Visitors without an open tab of whom is remembered what the site told."""

Write = Callable[[Frame], Awaitable[None]]


class Connection:
    """One tab. `seq` is the newest event that it has. Frames leave in order; a task exists only while some wait.

    One that does not listen gets the answers to its own frames and nothing else.
    """

    __slots__ = ("_close", "_frames", "_task", "_write", "listens", "locale", "room", "seq")

    def __init__(
        self,
        write: Write,
        close: Callable[[], None],
        seq: int = 0,
        locale: str | None = None,
        *,
        listens: bool = True,
    ) -> None:
        self._write = write
        self._close = close
        self._frames: deque[Frame] | None = None
        self._task: asyncio.Task[None] | None = None
        self.seq = seq
        self.locale = locale
        self.listens = listens
        self.room: Room | None = None

    def push(self, frame: Frame) -> None:
        """Send soon, after everything that was pushed before."""
        if self._frames is None:
            self._frames = deque()
        if len(self._frames) >= BACKLOG:
            self._close()
            return
        self._frames.append(frame)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def flushed(self) -> None:
        """Wait until everything that was pushed has been written."""
        while self._task is not None:
            await asyncio.wait({self._task})

    async def _drain(self) -> None:
        try:
            while self._frames:
                await self._write(self._frames.popleft())
        except (RuntimeError, OSError):
            self._close()  # the other side is gone
        finally:
            self._frames = None
            self._task = None


@dataclass(slots=True)
class About:
    """What the site told of the visitor: who they are, and what waits for a conversation to be written in."""

    profile: dict[str, str] = field(default_factory=dict)
    person: str | None = None
    fields: dict[str, Words | None] = field(default_factory=dict)
    labels: dict[str, bool] = field(default_factory=dict)


class Room:
    """One visitor's tabs and the conversation that they are in."""

    def __init__(self, visitor: Visitor, store: Store, maker: Maker, about: About | None = None) -> None:
        self.visitor = visitor
        self.conversation: str | None = None
        self.connections: set[Connection] = set()
        self.about = about or About()
        self.read_seq = 0
        self.uploaded: Message | None = None
        self._store = store
        self._maker = maker
        self._lock = asyncio.Lock()
        self._live: list[Frame] = []
        self._live_reply = ("", 0)

    async def refresh(self) -> None:
        """Give every tab what it does not have yet."""
        async with self._lock:
            listening = [connection for connection in self.connections if connection.listens]
            if self.conversation is None or not listening:
                return
            behind = min(connection.seq for connection in listening)
            try:
                events = await self._store.events(self.conversation, after=behind)
            except NotFound:
                return
            if not events:
                return
            self._committed({frame["id"] for frame in self._share(events) if frame["type"] == "message"})

    def _share(self, events: Sequence[Event]) -> list[Frame]:
        frames = self._maker.frames(events)
        newest = events[-1].sequence
        for connection in filter(_listens, self.connections):
            for frame in frames:
                if frame["seq"] > connection.seq:
                    connection.push(frame)
            connection.seq = max(connection.seq, newest)
        return frames

    def _committed(self, ids: set[str]) -> None:
        if self._live_reply[0] in ids or any(frame.get("kind") == "typing" for frame in self._live):
            self._live.clear()

    def stream(self, emission: Emission) -> None:
        """Pass on what is provisional, and keep it for tabs that open before it is committed."""
        if emission.kind == "heard":
            if self.uploaded is not None:
                audio = any(attachment.kind == "audio" for attachment in self.uploaded.attachments)
                text = self._maker.heard("transcript" if audio else "caption", emission.text)
                self.tell(heard(self.uploaded.id, text))
            return
        frame = provisional(emission)
        if (emission.reply_id, emission.attempt) != self._live_reply or emission.kind == "reset":
            self._live_reply = (emission.reply_id, emission.attempt)
            self._live.clear()
        if len(self._live) < LIVE:
            self._live.append(frame)
        self.tell(frame)

    def wrote(self, message: Message, writer: Connection) -> None:
        """The visitor has written something in one tab: the others show it at once."""
        for connection in filter(_listens, self.connections):
            if connection is not writer:
                connection.push(self._maker.waiting(message))

    def tell(self, frame: Frame) -> None:
        """A frame without a sequence number, to all tabs that are open now."""
        for connection in filter(_listens, self.connections):
            connection.push(frame)

    def replay(self, connection: Connection) -> None:
        """What is being streamed just now, for a tab that has just opened."""
        for frame in self._live:
            connection.push(frame)


def _listens(connection: Connection) -> bool:
    return connection.listens


class Rooms:
    """All rooms with an open tab, found by visitor and by conversation."""

    def __init__(self, store: Store, maker: Callable[[Visitor, Callable[[], str | None]], Maker]) -> None:
        self._store = store
        self._maker = maker
        self._rooms: dict[Visitor, Room] = {}
        self._told: OrderedDict[Visitor, About] = OrderedDict()
        self._by_conversation: dict[str, Room] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return sum(len(room.connections) for room in self._rooms.values())

    async def join(self, visitor: Visitor, connection: Connection) -> Room:
        """Open a tab. Its room knows the visitor's conversation, if there is one."""
        room = self._rooms.get(visitor)
        if room is None:
            room = self._rooms[visitor] = self._new(visitor)
        room.connections.add(connection)
        connection.room = room
        if room.conversation is None:
            found = await self._store.find("web", visitor.account, visitor.id)
            if found is not None and room.conversation is None:
                self.bind(room, found)
        return room

    def _new(self, visitor: Visitor) -> Room:
        room: Room

        def locale() -> str | None:
            return next((item.locale for item in room.connections if item.locale), None)

        about = self._told.pop(visitor) if visitor in self._told else None
        room = Room(visitor, self._store, self._maker(visitor, locale), about)
        return room

    def leave(self, connection: Connection) -> None:
        """Close a tab. Idempotent."""
        room = connection.room
        if room is None:
            return
        connection.room = None
        room.connections.discard(connection)
        if not room.connections:
            self._rooms.pop(room.visitor, None)
            if room.conversation is None and room.about != About():  # the visitor's next page or request brings it
                self._told[room.visitor] = room.about
                while len(self._told) > TOLD:
                    self._told.popitem(last=False)
            if room.conversation is not None:
                self._by_conversation.pop(room.conversation, None)

    def bind(self, room: Room, conversation: str | None) -> None:
        """The room is in this conversation from now on; its tabs begin at the start of another one."""
        if room.conversation == conversation:
            return
        if room.conversation is not None:
            self._by_conversation.pop(room.conversation, None)
            for connection in room.connections:
                connection.seq = 0
        room.conversation = conversation
        room.read_seq = 0
        if conversation is not None:
            self._by_conversation[conversation] = room

    def of(self, conversation: str) -> Room | None:
        """The room of a conversation, if it is open."""
        return self._by_conversation.get(conversation)

    def heard(self, conversation: str, emission: Emission | None) -> None:
        """The hub's listener."""
        room = self._by_conversation.get(conversation)
        if room is None:
            return
        if emission is not None:
            room.stream(emission)
        else:
            self.refresh(room)

    def refresh(self, room: Room) -> None:
        """Read the store for this room soon."""
        task = asyncio.create_task(room.refresh())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # nothing is lost: the next change, or the tab's own resume, reads it again
            known = isinstance(error, StoreError)
            log.warning("cannot tell a visitor the news: %s", type(error).__name__, exc_info=None if known else error)

    def conversations(self) -> set[str]:
        """Those that are open in some tab."""
        return set(self._by_conversation)
