"""The audit trail: nothing in it can be changed or deleted, and it is read without anybody's words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.errors import NotFound
from bot.events import Erased
from bot.store.sql import SqlStore
from tests.store.stores import Clock, answer, claimed, hello
from tests.store.test_models import FIRST, promotion

FORBIDDEN = [
    "UPDATE events SET body = '{}'",
    "DELETE FROM events",
    "UPDATE promotions SET reason = 'it was better'",
    "DELETE FROM promotions",
    "UPDATE models SET metrics = '{}'",
    "DELETE FROM models",
]


async def talk(store: SqlStore) -> str:
    """A turn, and a promotion."""
    await store.accept(hello("1", text="my secret"), bot="demo")
    claim = await claimed(store)
    await answer(store, claim, "reply1")
    await store.add_model(FIRST)
    await store.promote(promotion(FIRST, None))
    return claim.lease.conversation


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_to_change_or_delete_what_happened(
    statement: str, store: SqlStore, store_url: str
) -> None:
    conversation = await talk(store)
    before = await store.events(conversation)
    engine = sa.create_engine(store_url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    assert await store.events(conversation) == before


async def test_nor_can_it_be_replaced_or_emptied(store: SqlStore, store_url: str) -> None:
    await talk(store)
    statement = "TRUNCATE events"
    if store_url.startswith("sqlite"):
        statement = "INSERT OR REPLACE INTO events SELECT * FROM events WHERE sequence = 1"
    engine = sa.create_engine(store_url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


async def test_words_can_still_be_erased(store: SqlStore) -> None:
    conversation = await talk(store)
    count = len(await store.events(conversation))
    assert await store.erase(conversation, by="mia") > 0
    events = await store.events(conversation)
    assert len(events) == count + 1
    assert isinstance(events[-1].body, Erased)


async def test_the_trail_is_read_in_order_without_words(store: SqlStore, clock: Clock) -> None:
    first = await talk(store)
    middle = clock.moment
    clock.turn(60)
    second = (await store.accept(hello("2", sender="bert", text="hidden"), bot="demo")).conversation
    whole = await store.trail(0, 100)
    assert [event.conversation for _, event in whole] == [first] * (len(whole) - 1) + [second]
    assert "secret" not in repr(whole)
    places = [place for place, _ in whole]
    assert places == sorted(set(places))
    assert [place for place, _ in await store.trail(places[0], 2)] == places[1:3]
    assert [event.sequence for _, event in await store.trail(0, 100, conversation=second)] == [1]
    assert await store.trail(0, 100, since=middle.replace(year=2100)) == []


async def test_a_reply_and_a_message_are_found_by_their_id(store: SqlStore, tmp_path: Path) -> None:
    conversation = await talk(store)
    [message, reply] = [event.body for event in await store.events(conversation, 1)]
    assert await store.placed(message.message_id) == (conversation, 2)
    assert await store.placed(reply.reply_id) == (conversation, 3)
    for unknown in ("f" * 32, "%", "", '"}'):
        with pytest.raises(NotFound):
            await store.placed(unknown)


async def test_a_database_of_the_first_revision_keeps_its_events(tmp_path: Path) -> None:
    from alembic import command

    from bot.store.migrate import config

    file = tmp_path / "old.db"
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
    engine.dispose()
    with sqlite3.connect(file) as old:
        old.execute("INSERT INTO people VALUES ('p', NULL, '2026-01-01 00:00:00')")
    old.close()
    store = SqlStore(f"sqlite:///{file}")
    await store.open()
    await talk(store)
    await store.close()
