"""The fake of `Actions`: gives back what it was told to, and remembers what it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from bot.actions.base import ActionCall, unknown
from bot.errors import ActionError
from bot.results import ActionResult

Answer = ActionResult | ActionError | Callable[[ActionCall], ActionResult]


class FakeActions:
    """`answers` by the action's name: a result, an error to raise, or what makes a result of the call.

    It serves for stubbed actions in end-to-end tests too. `calls` are the last `remember` that were made.
    """

    def __init__(self, answers: Mapping[str, Answer] | None = None, *, remember: int | None = None) -> None:
        self.answers = dict(answers or {})
        self.calls: deque[ActionCall] = deque(maxlen=remember)
        self._started = False

    async def start(self) -> None:
        """Nothing to make ready."""
        self._started = True

    async def close(self) -> None:
        """Nothing to give back."""
        self._started = False

    async def healthy(self) -> bool:
        """Whether it was started."""
        return self._started

    async def names(self) -> frozenset[str]:
        """Those that have an answer."""
        return frozenset(self.answers)

    async def run(self, call: ActionCall) -> ActionResult:
        """The answer for this action; ActionUnknown where there is none."""
        self.calls.append(call)
        answer = self.answers.get(call.action)
        if answer is None:
            raise unknown(call.action, self.answers)
        if isinstance(answer, ActionError):
            raise answer
        return answer if isinstance(answer, ActionResult) else answer(call)
