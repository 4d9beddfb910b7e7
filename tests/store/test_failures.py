"""A database that is locked, full, damaged or gone: a StoreError that says so, nothing hangs, nothing is lost."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from pathlib import Path

import psycopg
import pytest

from bot.errors import ConfigError, StoreError
from bot.store import sqlite
from bot.store.sql import SqlStore
from tests.store.postgres import Postgres
from tests.store.stores import answer, claimed, hello


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for only 0.2 s."""
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS[1:], "busy_timeout=200"))
    monkeypatch.setattr("bot.store.database.BUSY_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
async def test_a_locked_database_is_said_in_time_and_works_again_afterwards(sqlite_url: str, tmp_path: Path) -> None:
    store = SqlStore(sqlite_url)
    await store.open()
    accepted = await store.accept(hello("1"), bot="demo")
    intruder = sqlite3.connect(tmp_path / "frontdesk.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    for attempt in (store.accept(hello("2"), bot="demo"), store.check(), store.claim("w", lease_seconds=1)):
        with pytest.raises(StoreError, match="locked by another program"):
            await attempt
    assert (await store.load(accepted.conversation)).version == 1
    assert time.monotonic() - began < 5
    intruder.execute("ROLLBACK")
    intruder.close()
    assert (await store.accept(hello("2"), bot="demo")).new
    await store.check()
    await store.close()


async def test_a_long_queue_of_writers_gives_up_together(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.database.LIMIT_SECONDS", 0.5)
    store = SqlStore(sqlite_url)
    await store.open()
    intruder = sqlite3.connect(tmp_path / "frontdesk.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    waits = [store.accept(hello(str(n)), bot="demo") for n in range(50)]
    results = await asyncio.gather(*waits, return_exceptions=True)
    assert time.monotonic() - began < 4
    assert all(isinstance(result, StoreError) for result in results)
    intruder.execute("ROLLBACK")
    intruder.close()
    await asyncio.sleep(0.3)
    assert await store.waiting() == 0, "what was given up is not written later"
    await store.close()


async def test_a_full_disk_is_said_and_what_was_accepted_stays(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "max_page_count=60"))
    store = SqlStore(sqlite_url)
    await store.open()
    accepted = 0
    with pytest.raises(StoreError, match="the disk is full: make room"):  # noqa: PT012 - the first one that fails
        for n in range(1000):
            await store.accept(hello(str(n), text="x" * 2_000), bot="demo")
            accepted += 1
    assert accepted
    assert await store.waiting() == accepted
    await store.close()
    monkeypatch.undo()
    roomy = SqlStore(sqlite_url)
    await roomy.open()
    assert (await roomy.accept(hello(str(accepted)), bot="demo")).new
    assert len((await claimed(roomy)).inbox) == accepted + 1
    await roomy.close()


async def test_an_almost_full_disk_is_not_ready(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqlStore(sqlite_url)
    await store.open()
    await store.check()
    monkeypatch.setattr("bot.store.database.SPARE_BYTES", 1 << 60)
    with pytest.raises(StoreError, match="almost full"):
        await store.check()
    await store.close()


async def test_what_is_not_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_bytes(b"shopping list" * 500)
    (tmp_path / "folder").mkdir()
    for name, said in (("notes.db", "not a database"), ("folder", "cannot be opened"), ("notes.db/x.db", "opened")):
        store = SqlStore(f"sqlite:///{tmp_path / name}")
        with pytest.raises(StoreError, match=said):
            await store.open()
        await store.close()


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense"])
def test_a_url_that_cannot_be_used_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError):
        SqlStore(url)


async def test_a_store_that_is_not_open_says_so(sqlite_url: str) -> None:
    store = SqlStore(sqlite_url)
    with pytest.raises(StoreError, match="not open"):
        await store.waiting()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="not open"):
        await store.accept(hello(), bot="demo")


async def test_errors_and_logs_hold_nothing_that_a_person_wrote(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = SqlStore(sqlite_url)
    await store.open()
    await store.accept(hello("1", sender="anna@example.org", text="my secret"), bot="demo")
    await answer(store, await claimed(store))
    with sqlite3.connect(tmp_path / "frontdesk.db") as connection:
        connection.execute("DROP TABLE inbox")
    connection.close()
    with pytest.raises(StoreError) as raised:
        await store.accept(hello("2", sender="anna@example.org", text="my secret"), bot="demo")
    for secret in ("anna", "my secret"):
        assert secret not in str(raised.value)
        assert secret not in caplog.text
    await store.close()


@pytest.mark.postgres
async def test_postgres_may_go_away_and_come_back(postgres: Postgres, postgres_url: str) -> None:
    store = SqlStore(postgres_url)
    await store.open()
    await store.accept(hello("1"), bot="demo")
    mark = await store.changes(0, 1)
    postgres.stop()
    try:
        began = time.monotonic()
        for attempt in (store.accept(hello("2"), bot="demo"), store.check(), store.waiting()):
            with pytest.raises(StoreError, match="connection"):
                await attempt
        assert time.monotonic() - began < 10
    finally:
        postgres.start()
    await store.check()
    assert await store.changes(mark, 5) != mark
    mark = await store.changes(mark, 1)
    await store.accept(hello("2"), bot="demo")
    assert await store.changes(mark, 5) != mark
    assert await store.waiting() == 2
    await store.close()


@pytest.mark.postgres
@pytest.mark.usefixtures("impatient")
async def test_a_lock_in_postgres_is_waited_for_only_so_long(postgres_url: str) -> None:
    store = SqlStore(postgres_url)
    await store.open()
    accepted = await store.accept(hello("1"), bot="demo")
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as intruder:
        intruder.execute("SELECT * FROM conversations FOR UPDATE")
        with pytest.raises(StoreError, match="locked"):
            await store.commit(accepted.conversation, 1, [])
    assert await store.commit(accepted.conversation, 1, []) == []
    await store.close()


@pytest.mark.postgres
async def test_postgres_that_is_not_there_is_said(tmp_path: Path) -> None:
    store = SqlStore(f"postgresql://nobody:pass-word@/none?host={tmp_path}")
    with pytest.raises(StoreError, match="connection") as raised:
        await store.open()
    assert "pass-word" not in str(raised.value)
    await store.close()
