"""Actions of which some are answered as a test case says, without being run."""

from __future__ import annotations

from collections.abc import Mapping

from bot.actions.base import ActionCall, Actions, unknown
from bot.results import ActionResult


class Stubbed:
    """`inner` with `stubs` in place of the actions of those names; the stubs change from case to case. `calls` counts
    what `inner` was asked for.
    """

    def __init__(self, inner: Actions | None) -> None:
        self._inner = inner
        self.stubs: Mapping[str, ActionResult] = {}
        self.calls = 0

    async def start(self) -> None:
        """Start what is behind."""
        if self._inner is not None:
            await self._inner.start()

    async def close(self) -> None:
        """Close what is behind."""
        if self._inner is not None:
            await self._inner.close()

    async def healthy(self) -> bool:
        """Whether what is behind is."""
        return self._inner is None or await self._inner.healthy()

    async def names(self) -> frozenset[str]:
        """Those that are behind, and the stubs."""
        behind = await self._inner.names() if self._inner is not None else frozenset[str]()
        return behind | frozenset(self.stubs)

    async def run(self, call: ActionCall) -> ActionResult:
        """The stub's answer, else that of what is behind."""
        if call.action in self.stubs:
            return self.stubs[call.action]
        if self._inner is None:
            raise unknown(call.action, self.stubs)
        self.calls += 1
        return await self._inner.run(call)
