"""What runs actions, whoever carries them out: this process, an action server, or a fake.

A call is plain data made by the caller (`bot.actions.tracker` makes its tracker); what comes back is `bot.results`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.errors import ActionUnknown
from bot.results import ActionResult


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One action to run.

    `tracker` is the conversation in Rasa's shape, `domain` the bot's domain as Rasa writes it, `digest` names that very
    domain (a server that has it need not be sent it again). `key` is the same when the same call is made again after a
    crash; it travels in `tracker["latest_message"]["metadata"]["idempotency_key"]`. `repeatable`: it may be carried out
    twice without harm, so that a call that broke off may be tried again.
    """

    action: str
    tracker: Mapping[str, Any]
    domain: Mapping[str, Any]
    digest: str
    key: str = ""
    repeatable: bool = False


class Actions(Protocol):
    """Runs actions. `start` before use, `close` after. Many calls may be under way at once."""

    async def start(self) -> None:
        """Make ready; may be called again. Raises ConfigError for a bot's package that cannot be loaded."""

    async def close(self) -> None:
        """Give everything back. Calls under way are not waited for; may be called again."""

    async def healthy(self) -> bool:
        """Whether a call would find somebody to carry it out."""

    async def names(self) -> frozenset[str]:
        """The actions that can be run. Raises ActionUnreachable where a server does not answer."""

    async def run(self, call: ActionCall) -> ActionResult:
        """Carry the call out, once.

        What the action does to the tracker or the domain that it is shown, it does to a copy. Raises ActionRejected
        (it would not run), ActionUnknown (nobody has it), ActionFailed, ActionTimeout or ActionUnreachable. The
        errors' `uncertain` says that it may have been carried out all the same: then it must not be done again.
        """


def unknown(action: str, names: Iterable[str]) -> ActionUnknown:
    """The error for an action that nobody has, with those that somebody has."""
    return ActionUnknown(action, f"nobody has it; there are {', '.join(sorted(names)) or 'none'}")
