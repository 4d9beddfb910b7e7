"""Versions of models and their promotions, over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.errors import Conflict, NotFound
from bot.store.base import ModelVersion, Promotion
from bot.store.sql import SqlStore
from tests.store.stores import Another

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST = ModelVersion("a" * 64, "reader", "bert-1", NOON, "mia", 3, {"f1": 61.5}, "# Reader 1\n\n读者")
SECOND = replace(FIRST, version="b" * 64, name="bert-2", created=NOON.replace(hour=13))


def promotion(version: ModelVersion | None, replaced: ModelVersion | None, **more: object) -> Promotion:
    to, from_ = (each.version if each else "" for each in (version, replaced))
    told = Promotion("reader", to, from_, "promote", "mia", "better", {"gain": 1.5}, NOON)
    return replace(told, **more)  # type: ignore[arg-type]


async def test_a_version_is_added_once_and_read_back_as_it_was(store: SqlStore) -> None:
    assert await store.add_model(SECOND)
    assert await store.add_model(FIRST)
    assert not await store.add_model(replace(FIRST, author="bob"))
    assert await store.models() == [FIRST, SECOND]


async def test_promotions_are_told_in_their_order(store: SqlStore) -> None:
    await store.add_model(FIRST)
    done = [promotion(FIRST, None), promotion(None, FIRST, action="rollback", figures={})]
    for each in done:
        await store.promote(each)
    assert await store.promotions() == done


async def test_what_is_promoted_must_be_known_and_of_its_kind(store: SqlStore) -> None:
    await store.add_model(FIRST)
    for wrong in (promotion(SECOND, None), promotion(FIRST, None, kind="encoder")):
        with pytest.raises(NotFound):
            await store.promote(wrong)


async def test_of_two_promotions_at_once_one_is_a_conflict(store: SqlStore, another: Another) -> None:
    other = await another()
    for each in (FIRST, SECOND):
        await store.add_model(each)
    results = await asyncio.gather(
        store.promote(promotion(FIRST, None)), other.promote(promotion(SECOND, None)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    with pytest.raises(Conflict, match="promoted meanwhile"):
        await store.promote(promotion(FIRST, None))


async def test_another_process_hears_of_a_promotion_within_a_second(store: SqlStore, another: Another) -> None:
    other = await another()
    await store.add_model(FIRST)
    seen = await other.changes(0, 0.5)
    waiting = asyncio.create_task(other.changes(seen, 5.0))
    await asyncio.sleep(0.2)
    began = asyncio.get_running_loop().time()
    await store.promote(promotion(FIRST, None))
    assert await waiting != seen
    assert asyncio.get_running_loop().time() - began < 1.0
