"""A model is loaded once, beside the event loop, and let go of when its engine is closed."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from bot.engines.loaded import Loaded
from bot.errors import EngineUnready, WeightsError
from bot.settings import Settings


class Model:
    """Adds 1; remembers the thread that it was made in, and the batches that it was given."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.batches: list[list[int]] = []

    def run(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        return [item + 1 for item in items]


class Shelf:
    """Where models come from."""

    def __init__(self) -> None:
        self.made: list[Model] = []

    def load(self) -> Model:
        self.made.append(Model())
        return self.made[-1]


def on(shelf: Shelf, settings: Settings, **others: Any) -> Loaded[Model, int, int]:
    return Loaded(shelf.load, Model.run, name="toy", settings=settings, **others)


async def test_a_model_is_loaded_once_and_beside_the_event_loop(settings: Settings) -> None:
    shelf = Shelf()
    held = on(shelf, settings, max_batch=4)
    assert not held.ready()
    assert shelf.made == []
    await held.start()
    await held.start()
    try:
        assert held.ready()
        assert await asyncio.gather(*map(held.submit, range(3))) == [1, 2, 3]
        assert held.figures().items == 3
        assert len(shelf.made) == 1
        assert shelf.made[0].thread is not threading.current_thread()
    finally:
        await held.close()


async def test_closing_lets_go_of_the_model_and_it_can_be_started_again(settings: Settings) -> None:
    shelf = Shelf()
    held = on(shelf, settings)
    for times in (1, 2):
        await held.start()
        assert await held.submit(1) == 2
        assert len(shelf.made) == times
        await held.close()
        await held.close()
        assert not held.ready()
        with pytest.raises(EngineUnready):
            await held.submit(1)


async def test_a_model_that_cannot_be_loaded_is_the_callers_error_and_leaves_the_engine_unready(
    settings: Settings,
) -> None:
    def load() -> Model:
        raise WeightsError("weights 'toy' are missing")

    held = Loaded(load, Model.run, name="toy", settings=settings)
    with pytest.raises(WeightsError, match="toy"):
        await held.start()
    assert not held.ready()
    await held.close()
