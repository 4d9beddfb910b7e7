"""Runs rasa-sdk actions in this process, through rasa-sdk's executor: the bot's own package's, and built-in ones.

An action sees and gives back what it would over HTTP: the tracker is made of JSON for every call, and so is the result.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.actions.base import ActionCall, unknown
from bot.actions.events import read_result
from bot.actions.package import load_actions
from bot.actions.threads import Late, Raised, Refused, Threads
from bot.errors import ActionError, ActionFailed, ActionRejected, ActionTimeout, ActionUnknown, ConfigError
from bot.results import ActionResult

if TYPE_CHECKING:
    from rasa_sdk import Action
    from rasa_sdk.executor import ActionExecutor

log = logging.getLogger(__name__)

LOADING_SECONDS = 60.0


class LocalActions:
    """The actions of `folder`'s package, and those that `builtin` makes; of two with one name the package's is run.

    `seconds` is how long an action may take, `threads` how many may be at it at once.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        package: str = "actions",
        builtin: Callable[[], Sequence[Action]] = tuple,
        seconds: float = 10.0,
        threads: int = 8,
    ) -> None:
        self._folder, self._package, self._builtin = folder, package, builtin
        self._seconds, self._size = seconds, threads
        self._threads: Threads | None = None
        self._executor: ActionExecutor | None = None

    async def start(self) -> None:
        """Import the package. Raises ConfigError that names file and line of what cannot be imported."""
        if self._threads is not None:
            return
        threads = Threads(self._size)
        try:
            made = await threads.run("import", self._load, LOADING_SECONDS)
        except Late:
            raise ConfigError(f"{self._place()}: importing it takes longer than {LOADING_SECONDS:g} seconds") from None
        if isinstance(made, Raised):
            await threads.close()
            raise ConfigError(f"{self._place()} cannot be loaded: {_told(made.error, self._folder)}") from made.error
        self._executor, self._threads = made, threads

    async def close(self) -> None:
        """End the threads that are free; one that hangs in an action ends with the process."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await threads.close()

    async def healthy(self) -> bool:
        """Whether it was started."""
        return self._threads is not None

    async def names(self) -> frozenset[str]:
        """The actions that were found."""
        return frozenset(self._executor.actions if self._executor else ())

    async def run(self, call: ActionCall) -> ActionResult:
        """Run the action in a thread, synchronous or not."""
        executor, threads = self._executor, self._threads
        if executor is None or threads is None:
            raise ActionFailed(call.action, "actions are not started")
        if call.action not in executor.actions:
            raise unknown(call.action, executor.actions)
        tracker = json.dumps(call.tracker)
        known = executor.is_domain_digest_valid(call.digest)
        domain = None if known else json.dumps(call.domain)

        async def carry_out() -> str:
            given = {
                "next_action": call.action,
                "sender_id": call.tracker.get("sender_id", ""),
                "version": _version(),
                "tracker": json.loads(tracker),
                "domain": json.loads(domain) if domain is not None else None,
                "domain_digest": call.digest,
            }
            result = await executor.run(given)
            return json.dumps(result.model_dump() if result is not None else {})

        try:
            answer = await threads.run(call.action, carry_out, self._seconds)
        except Refused as refused:
            raise ActionTimeout(call.action, f"was not begun: {refused}") from None
        except Late:
            message = f"did not finish within {self._seconds:g} seconds"
            raise ActionTimeout(call.action, message, uncertain=True) from None
        if isinstance(answer, Raised):
            raise _error(call, answer.error, self._folder) from answer.error
        given: dict[str, Any] = json.loads(answer)
        return read_result(given.get("events"), given.get("responses"))

    async def _load(self) -> ActionExecutor:
        from rasa_sdk.executor import ActionExecutor

        executor = ActionExecutor()
        for builtin in self._builtin():
            executor.register_action(builtin)
        for kind in load_actions(self._folder, self._package) if self._folder is not None else []:
            executor.register_action(kind)
        return executor

    def _place(self) -> str:
        return f"the package {self._package!r} in {self._folder}"


def _version() -> str:
    import rasa_sdk

    return str(rasa_sdk.__version__)


def _error(call: ActionCall, error: BaseException, folder: Path | None) -> ActionError:
    """Our error for what an action raised. Its message may hold a customer's words: it is logged by type and line."""
    from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

    match error:
        case ActionExecutionRejection():
            return ActionRejected(call.action, error.message)
        case ActionNotFoundException():
            return ActionUnknown(call.action, error.message)
        case _:
            log.error(
                "%s raised %s\n%s", call.action, type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
            )
            return ActionFailed(call.action, f"raised {type(error).__name__}{_line(error, folder)}", uncertain=True)


def _told(error: BaseException, folder: Path | None) -> str:
    return f"{type(error).__name__}: {error}{_line(error, folder)}"


def _line(error: BaseException, folder: Path | None) -> str:
    """` (file, line n)`: the innermost line of the bot's own code, where there is one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if folder is not None and Path(frame.filename).is_relative_to(folder.resolve())]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
