"""What an engine with a model holds: the model, there from start to close, and the batcher in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bot.engines.batcher import Batcher, Figures
from bot.errors import EngineUnready
from bot.settings import Settings

M = TypeVar("M")
T = TypeVar("T")
R = TypeVar("R")


class Loaded(Generic[M, T, R]):
    """`load()` gives the model, in a thread; `run(model, items)` gives one result an item, in the batcher's thread.

    An engine owns one and hands its `start`, `close`, `ready` and `figures` on as its own. Queue and time limit are the
    settings'; `seconds` more are allowed for items that take that long by nature.
    """

    def __init__(
        self,
        load: Callable[[], M],
        run: Callable[[M, list[T]], Sequence[R]],
        *,
        name: str,
        settings: Settings,
        max_batch: int = 1,
        seconds: float = 0.0,
    ) -> None:
        self.name = name
        self._load, self._run = load, run
        self._model: M | None = None
        self._batcher: Batcher[T, R] = Batcher(
            self._run_loaded,
            name=name,
            max_batch=max_batch,
            queue=settings.engines.queue,
            timeout=settings.engines.timeout_seconds + seconds,
        )

    async def start(self) -> None:
        """Load the model, once, and begin to work. Raises what `load` does: WeightsError, EngineError."""
        if self._model is None:
            self._model = await asyncio.to_thread(self._load)
        await self._batcher.start()

    async def close(self) -> None:
        """Stop the worker and let go of the model. Idempotent."""
        await self._batcher.close()
        self._model = None

    @property
    def loaded(self) -> bool:
        """Between start and close."""
        return self._model is not None

    def ready(self) -> bool:
        """Loaded and not hanging."""
        return self._model is not None and self._batcher.ready()

    def figures(self) -> Figures:
        """What the batcher has done."""
        return self._batcher.figures()

    async def submit(self, item: T) -> R:
        """The result for one item, as `Batcher.submit`."""
        return await self._batcher.submit(item)

    def _run_loaded(self, items: list[T]) -> Sequence[R]:
        if self._model is None:  # closed while this batch was on its way
            raise EngineUnready(f"{self.name} was closed")
        return self._run(self._model, items)
