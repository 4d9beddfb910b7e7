"""News within this process: what a turn streams, and that something was stored. Nothing here outlives the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bot.types import Emission

Listener = Callable[[str, Emission | None], None]
"""Called with the conversation and what is streamed there; None says that something was stored: read the store."""


class Hub:
    """Listeners are plain calls on the event loop and return at once; who has more to do starts a task."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear everything from now on; the result ends it."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def publish(self, conversation: str, emission: Emission | None = None) -> None:
        """Tell everyone. An emission is provisional, None means committed."""
        for listener in tuple(self._listeners):
            listener(conversation, emission)


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, so many seconds at most; whether it came.

    Not `asyncio.wait_for`: in Python 3.11 that swallows a cancellation that comes together with the event, and a task
    that is to stop goes on for ever.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
