"""News within this process: what a turn streams, and that something was stored. Nothing here outlives the process."""

from __future__ import annotations

from collections.abc import Callable

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
