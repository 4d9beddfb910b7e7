"""An engine that another one may take the place of while it is used.

Whoever began with an engine ends with it: inside `pinned()` (a turn) every call goes to the engines that were current
when it was entered; outside of it a single call does. One that nobody uses any more is closed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from bot.engines.base import Engine
from bot.engines.batcher import Figures

log = logging.getLogger(__name__)

_PINNED: ContextVar[dict[int, Any] | None] = ContextVar("frontdesk_pinned_engines", default=None)


class Swap:
    """Stands for an engine: has its name, its methods and whatever else it has. `take` puts another in its place."""

    __slots__ = ("_closing", "_current", "_users")

    _current: Any
    _users: dict[int, int]
    _closing: set[asyncio.Task[None]]

    def __init__(self, engine: Any) -> None:
        object.__setattr__(self, "_current", engine)
        object.__setattr__(self, "_users", {})
        object.__setattr__(self, "_closing", set())

    @contextmanager
    def held(self) -> Iterator[Any]:
        """The engine that this caller is served by, kept open until the end."""
        engine = self._engine()
        self._users[id(engine)] = self._users.get(id(engine), 0) + 1
        try:
            yield engine
        finally:
            self._users[id(engine)] -= 1
            if not self._users[id(engine)]:
                del self._users[id(engine)]
                if engine is not self._current:
                    self._retire(engine)

    async def take(self, fresh: Engine) -> None:
        """Start `fresh`, and use it from the next caller on. When it cannot be started everything stays as it is, and
        what it raised is raised."""
        try:
            await fresh.start()
        except BaseException:
            await fresh.close()
            raise
        old = self._current
        object.__setattr__(self, "_current", fresh)
        if id(old) not in self._users:
            self._retire(old)

    def place(self, engine: Any) -> None:
        """Another engine before anything was started."""
        object.__setattr__(self, "_current", engine)

    def figures(self) -> Figures | None:
        """The current engine's batcher's, if it has one."""
        engine = self._engine()
        return engine.figures() if hasattr(engine, "figures") else None

    async def close(self) -> None:
        """Close the current one, and wait for those that are being closed. Idempotent."""
        await self._current.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._engine(), name)
        if inspect.isasyncgenfunction(value):
            return self._stream(name)
        return self._call(name) if inspect.iscoroutinefunction(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._engine(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._engine(), name)

    def _engine(self) -> Any:
        pinned = _PINNED.get()
        return self._current if pinned is None else pinned.get(id(self), self._current)

    def _call(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            with self.held() as engine:
                return await getattr(engine, name)(*args, **kwargs)

        return call

    def _stream(self, name: str) -> Callable[..., Any]:
        async def stream(*args: Any, **kwargs: Any) -> Any:
            with self.held() as engine:
                pieces = getattr(engine, name)(*args, **kwargs)
                try:
                    async for piece in pieces:
                        yield piece
                finally:
                    await pieces.aclose()

        return stream

    def _retire(self, engine: Any) -> None:
        task = asyncio.get_running_loop().create_task(_closed(engine), name="close-old-model")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


@contextmanager
def pinned(swaps: Sequence[Swap]) -> Iterator[None]:
    """Inside, every one of these stays the engine that it is now."""
    with ExitStack() as stack:
        engines = {id(swap): stack.enter_context(swap.held()) for swap in swaps}
        token = _PINNED.set(engines)
        stack.callback(_PINNED.reset, token)
        yield


async def _closed(engine: Engine) -> None:
    [result] = await asyncio.gather(engine.close(), return_exceptions=True)
    if isinstance(result, BaseException):
        log.warning("%s did not close: %s", engine.name, type(result).__name__)
