"""The migrations make exactly the tables that the code knows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from bot.errors import StoreError
from bot.store import sql
from bot.store.migrate import HEAD, config, differences, upgrade
from bot.store.sql import SqlStore
from tests.store.stores import hello


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.db'}"
    url: str = request.getfixturevalue("bare_postgres_url")
    return url


@pytest.fixture
def on_bare(bare_url: str) -> Callable[..., object]:
    """Runs something in one transaction on the empty database."""

    def run(work: Callable[[sa.Connection], object]) -> object:
        engine = sa.create_engine(bare_url)
        try:
            with engine.begin() as connection:
                return work(connection)
        finally:
            engine.dispose()

    return run


def test_from_nothing_the_migrations_make_the_tables_of_the_code(on_bare: Callable[..., object]) -> None:
    on_bare(upgrade)
    assert on_bare(differences) == []
    on_bare(upgrade)


def test_the_way_down_and_up_again(on_bare: Callable[..., object]) -> None:
    on_bare(upgrade)
    on_bare(lambda connection: command.downgrade(config(connection), "base"))
    assert on_bare(lambda connection: sa.inspect(connection).get_table_names()) == ["alembic_version"]
    on_bare(upgrade)
    assert on_bare(differences) == []


def test_the_newest_revision_is_the_one_that_the_code_opens() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [HEAD]


async def test_two_processes_may_open_an_empty_database_at_once(bare_url: str) -> None:
    stores = [SqlStore(bare_url) for _ in range(3)]
    await asyncio.gather(*(store.open() for store in stores))
    assert (await stores[0].accept(hello("1"), bot="demo")).new
    assert not (await stores[2].accept(hello("1"), bot="demo")).new
    for store in stores:
        await store.close()


async def test_who_opens_while_another_makes_the_tables_waits_for_longer_than_a_lock(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []

    def busy(connection: sa.Connection) -> None:
        waited.append("")
        if len(waited) < 3:
            raise sa.exc.OperationalError("BEGIN", {}, sqlite3.OperationalError("database is locked"))
        upgrade(connection)

    monkeypatch.setattr(sql, "upgrade", busy)
    store = SqlStore(sqlite_url)
    await store.open()
    assert len(waited) == 3
    assert (await store.accept(hello("1"), bot="demo")).new
    await store.close()


async def test_a_newer_frontdesks_database_is_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "frontdesk.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    store = SqlStore(sqlite_url)
    with pytest.raises(StoreError, match="newer Frontdesk"):
        await store.open()
    await store.close()
