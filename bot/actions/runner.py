"""What a bot's actions are run by: its own package or its action server first, then the built-in ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.actions.base import ActionCall, Actions
from bot.actions.endpoint import Endpoint
from bot.actions.local import LocalActions
from bot.actions.server import ServerActions
from bot.errors import ActionUnknown
from bot.results import ActionResult

if TYPE_CHECKING:
    from rasa_sdk import Action


def make_actions(
    folder: Path,
    *,
    endpoint: Endpoint | None = None,
    builtin: Callable[[], Sequence[Action]] | None = None,
    seconds: float = 10.0,
) -> Actions:
    """What runs the actions of the bot in this folder: on `endpoint` where there is one, else in this process.

    `builtin` makes the built-in ones, at the start. A bot's action comes before a built-in one of the same name.
    `seconds` is how long one in this process may take; an endpoint has its own limit.
    """
    if endpoint is None:
        return LocalActions(folder, builtin=builtin or tuple, seconds=seconds)
    server = ServerActions(endpoint)
    return InTurn(server, LocalActions(builtin=builtin, seconds=seconds)) if builtin is not None else server


class InTurn:
    """Asks `first`, and `second` for what `first` does not know."""

    def __init__(self, first: Actions, second: Actions) -> None:
        self._first, self._second = first, second

    async def start(self) -> None:
        """Start both."""
        await self._first.start()
        await self._second.start()

    async def close(self) -> None:
        """Close both."""
        await self._first.close()
        await self._second.close()

    async def healthy(self) -> bool:
        """Whether both are."""
        return await self._first.healthy() and await self._second.healthy()

    async def names(self) -> frozenset[str]:
        """What either can run."""
        return await self._first.names() | await self._second.names()

    async def run(self, call: ActionCall) -> ActionResult:
        """Only what `first` says it does not have goes to `second`: a failure stays one."""
        try:
            return await self._first.run(call)
        except ActionUnknown:
            return await self._second.run(call)
