"""The real reader in another's place: the same weights under another version, while questions are read."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.engines import tables
from bot.engines.registry import Registry
from bot.engines.served import Served
from bot.engines.swap import Swap
from bot.engines.weights import Weights
from bot.settings import Settings
from bot.store.sql import SqlStore
from tests import needs

CALL = ("How long does delivery take?", ["Delivery takes two working days inside the country."])


@pytest.mark.models
async def test_the_real_reader_is_swapped_while_it_reads(
    make_settings: Callable[..., Settings], sqlite_url: str, tmp_path: Path
) -> None:
    needs.weights("encoder", "reader")
    settings = make_settings(database=sqlite_url)
    weights = Weights(settings)
    shutil.copytree(weights.path("reader"), tmp_path / "new")
    recipe = tmp_path / "new" / "reader.json"
    recipe.chmod(0o644)
    recipe.write_text(json.dumps({**json.loads(recipe.read_text()), "version": "again"}))

    def make(part: str, version: str, weights: Weights) -> Any:
        return tables.create(part, "bert", settings=settings, weights=weights)

    store = SqlStore(sqlite_url)
    await store.open()
    swap: Any = Swap(make("reader", "", weights))
    served = Served(store, settings, {"reader": swap}, make)
    await served.begin()
    await swap.start()
    before = await swap.read(*CALL)
    registry = Registry(store, settings)
    model, _ = await registry.add("reader", tmp_path / "new", author="mia")
    await registry.promote(model, author="mia", reason="", figures={})

    swapped = asyncio.create_task(served.follow())
    spans = []
    while not swapped.done():
        spans.append(await swap.read(*CALL))
    assert await swapped == ["reader"]
    assert swap.name == "bert-again"
    spans.append(await swap.read(*CALL))
    assert all((each.start, each.end) == (before[0].start, before[0].end) for [each] in spans)
    await swap.close()
    await store.close()
