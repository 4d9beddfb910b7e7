"""A PostgreSQL of our own for the tests: Debian's programs, a temporary folder, a Unix socket in it, no port.

The server starts once a session, when the first test asks for it.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.store.sql import SqlStore
from bot.store.tables import metadata
from tests import needs

FAST = {"fsync": "off", "full_page_writes": "off"}
"""The server is thrown away: what these guard against is not tested here."""
MIGRATED = "migrated"
NUMBERS = count(1)


class Postgres:
    """A running server. `start` and `stop` are for tests that lose it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = "postgres"
        self._as: dict[str, Any] = _unprivileged()
        if self._as:
            shutil.chown(folder, self._as["user"], self._as["group"])
        self._run(needs.program("initdb"), "-D", "data", "-U", self.user, "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in FAST.items())
        options += f" -c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=200"
        self._run(needs.program("pg_ctl"), "-D", "data", "-w", "-t", "30", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._run(needs.program("pg_ctl"), "-D", "data", "-w", "-m", "fast", "stop")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{self.user}@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        """A new database's URL."""
        with psycopg.connect(user=self.user, host=str(self.folder), dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}")
        return self.url(database)

    def _run(self, *command: str) -> None:
        with (self.folder / "commands.log").open("w+b") as log:  # no pipe: the server would keep it open
            where = {"cwd": self.folder, "stdout": log, "stderr": log}
            done = subprocess.run(command, timeout=60, check=False, **where, **self._as)
            log.seek(0)
            if done.returncode:
                raise RuntimeError(f"{Path(command[0]).name} failed: {log.read().decode(errors='replace')}")


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as postgres, or as nobody."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL cannot run as root, and there is no account postgres or nobody")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server, with a migrated database."""
    needs.program("initdb")
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-pg-"))
    server = Postgres(folder)
    try:
        server.start()
        asyncio.run(_migrate(server.create(MIGRATED)))
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A migrated database without any rows: emptied, which is ten times as fast as a new one."""
    url = postgres.url(MIGRATED)
    with psycopg.connect(user=postgres.user, host=str(postgres.folder), dbname=MIGRATED) as connection:
        connection.execute("SET session_replication_role = replica")  # triggers forbid to delete what is append-only
        for table in reversed(metadata.sorted_tables):
            connection.execute(f"DELETE FROM {table.name}")
    return url


@pytest.fixture
def bare_postgres_url(postgres: Postgres) -> str:
    """A new database without any tables."""
    return postgres.create(f"bare_{next(NUMBERS)}")


async def _migrate(url: str) -> None:
    store = SqlStore(url)
    await store.open()
    await store.close()
