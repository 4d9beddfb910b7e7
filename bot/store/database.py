"""The connection: one engine for SQLite or PostgreSQL, its transactions, and its failures in words.

A read and a write are one transaction each, and each is a plain function of a connection. On SQLite it runs as a whole
in a thread (a hop per transaction, not per statement: eight times as fast); on PostgreSQL it runs over psycopg's
asynchronous driver. SQLite runs in WAL mode and syncs at commit, so what was committed survives a power cut; its one
writing thread is the queue of writers. Nothing waits without a limit. Statements and their parameters are never logged
or shown: they hold what people wrote.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.errors import ConfigError, MissingExtra, StoreError
from bot.store import sqlite
from bot.store.failures import BUSY_SECONDS, explained

LIMIT_SECONDS = 15.0
"""How long a transaction may take, waiting for its turn included."""
SPARE_BYTES = 8 * 1024 * 1024
"""With less free space beside the database `check` speaks up before a commit fails."""
READERS = 4
"""SQLite's reading threads."""
CHANNEL = "frontdesk"
"""PostgreSQL's LISTEN and NOTIFY."""

P = ParamSpec("P")
R = TypeVar("R")
Work = Callable[Concatenate[sa.Connection, P], R]


class Mode(Enum):
    """What a transaction is for; the value is how it begins on SQLite.

    A commit that does not wait for the disk is still there when the process dies, and the next one that waits for the
    disk takes it along.
    """

    READ = ("BEGIN",)
    WRITE = ("PRAGMA synchronous=FULL", "BEGIN IMMEDIATE")
    QUIET = ("PRAGMA synchronous=NORMAL", "BEGIN IMMEDIATE")
    BARE = ()


class Database:
    """Transactions on one database. `on_write` is called after a commit that others should hear of.

    `syncs` counts commits and `sync_seconds` how long they took, the wait for the disk included.
    """

    def __init__(self, url: str, on_write: Callable[[], None]) -> None:
        """ConfigError for a URL that is neither SQLite (a file) nor PostgreSQL."""
        self.url = _url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.file = Path(self.url.database or "")
        self.syncs = 0
        self.sync_seconds = 0.0
        self._on_write = on_write
        self._threads: _Threads | None = None
        self._engine: AsyncEngine | None = None

    async def open(self) -> None:
        """Make the engine, and SQLite's file. Idempotent."""
        if self.sqlite and self._threads is None:
            await asyncio.to_thread(sqlite.create, self.file)
            self._threads = _Threads(sqlite.engine(self.url))
        elif not self.sqlite and self._engine is None:
            self._engine = _postgres(self.url)

    async def close(self) -> None:
        """Idempotent."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.close)
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def read(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in a transaction that sees one moment and writes nothing."""
        return await self._run(lambda connection: work(connection, *args, **kwargs), Mode.READ)

    async def write(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in a transaction that is committed at the end, or rolled back when anything was raised."""
        done = await self._run(lambda connection: work(connection, *args, **kwargs), Mode.WRITE)
        self._on_write()
        return done

    async def write_quietly(self, work: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for what nobody waits for and a power cut may take back, such as a lease: no wait for the disk."""
        return await self._run(lambda connection: work(connection, *args, **kwargs), Mode.QUIET)

    async def check(self) -> None:
        """StoreError unless the database can be read and written just now."""
        if self.sqlite and not self.file.exists():
            raise StoreError(f"the database file {self.file} is gone: stop, and restore it")
        await self.write_quietly(_look)
        if self.sqlite and (free := shutil.disk_usage(self.file.parent).free) < SPARE_BYTES:
            raise StoreError(f"the disk is almost full: {free // 1024} KiB are left beside {self.file}")

    async def forget(self) -> None:
        """Overwrite what SQLite's write-ahead log holds of erased rows. Best effort: a reader may hold it back."""
        if self.sqlite:
            await self._run(sqlite.checkpoint, Mode.BARE)

    async def data_version(self) -> int:
        """SQLite's own mark: another one after any other connection, of any process, has committed."""
        return await self._limited(self._opened(self._threads).watch())

    async def _run(self, work: Callable[[sa.Connection], R], mode: Mode) -> R:
        if self.sqlite:
            return await self._limited(self._opened(self._threads).run(work, mode, self._commit))
        return await self._limited(self._over_postgres(work, mode))

    async def _over_postgres(self, work: Callable[[sa.Connection], R], mode: Mode) -> R:
        async with self._opened(self._engine).connect() as connection:
            if mode is Mode.QUIET:
                await connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
            done = await connection.run_sync(work)
            if mode is Mode.WRITE:
                await connection.execute(sa.text(f"NOTIFY {CHANNEL}"))
            if mode is not Mode.READ:
                await connection.run_sync(self._commit)
            return done

    def _commit(self, connection: sa.Connection) -> None:
        began = time.perf_counter()
        connection.commit()
        self.syncs += 1
        self.sync_seconds += time.perf_counter() - began

    async def _limited(self, waiting: Awaitable[R]) -> R:
        with explained(self.url):
            try:
                async with asyncio.timeout(LIMIT_SECONDS):
                    return await waiting
            except TimeoutError:
                raise StoreError(f"the database did not answer within {LIMIT_SECONDS:g} seconds") from None

    @staticmethod
    def _opened(part: R | None) -> R:
        if part is None:
            raise StoreError("the database is not open")
        return part


class _Threads:
    """SQLite's threads: one that writes, some that read. Work whose caller went away is dropped, or rolled back."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writer = ThreadPoolExecutor(1, "frontdesk-store-writer")
        self._readers = ThreadPoolExecutor(READERS, "frontdesk-store-reader")
        self._watcher: sa.Connection | None = None

    async def run(self, work: Callable[[sa.Connection], R], mode: Mode, commit: Callable[[sa.Connection], None]) -> R:
        """Run it in a transaction of this mode."""
        gone = threading.Event()

        def transaction() -> R:
            # The options of the connection, not of the engine: an engine with options is a new one, with new events.
            with self.engine.connect().execution_options(frontdesk_begin=mode.value) as connection:
                done = work(connection)
                if mode in (Mode.WRITE, Mode.QUIET):
                    if gone.is_set():
                        raise StoreError("the caller did not wait")
                    commit(connection)
                return done

        executor = self._readers if mode is Mode.READ else self._writer
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, transaction)
        except asyncio.CancelledError:
            gone.set()
            task = asyncio.current_task()
            if task is not None and not task.cancelling():  # it was not our caller who gave up, but `close`
                raise StoreError("the database was closed") from None
            raise

    async def watch(self) -> int:
        """PRAGMA data_version, on a connection of its own: only there does it tell of the others."""

        def look() -> int:
            if self._watcher is None:
                self._watcher = self.engine.connect().execution_options(frontdesk_begin=Mode.BARE.value)
            try:
                return int(self._watcher.exec_driver_sql("PRAGMA data_version").scalar_one())
            except sa.exc.SQLAlchemyError:
                self._watcher.close()
                self._watcher = None
                raise

        return await asyncio.get_running_loop().run_in_executor(self._readers, look)

    def close(self) -> None:
        """Wait for what is running; what has not begun is dropped."""
        for executor in (self._writer, self._readers):
            executor.shutdown(wait=True, cancel_futures=True)
        if self._watcher is not None:
            self._watcher.close()
        self.engine.dispose()


def _look(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        answer = connection.scalar(sa.text("SHOW transaction_read_only"))
        if answer != "off":
            raise StoreError("the database is read only: is it a standby?")
        connection.execute(sa.text("SELECT count(*) FROM alembic_version"))
    else:  # a quota that is used up shows only when something is written
        connection.execute(sa.text("UPDATE alembic_version SET version_num = version_num"))


def _url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except ArgumentError:
        raise ConfigError("the database setting is no SQLAlchemy URL, such as sqlite:////srv/frontdesk.db") from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise ConfigError("the SQLite database needs a file: sqlite:////srv/frontdesk.db")
        return url.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        if importlib.util.find_spec("psycopg") is None:
            raise MissingExtra("psycopg", "postgres")
        return url.set(drivername="postgresql+psycopg")
    raise ConfigError(f"no database of the kind '{backend}'; there are: sqlite, postgresql")


def _postgres(url: sa.URL) -> AsyncEngine:
    busy = int(BUSY_SECONDS * 1000)
    settings = {
        "lock_timeout": busy,
        "statement_timeout": 2 * busy,
        "idle_in_transaction_session_timeout": 4 * busy,
        "timezone": "UTC",
    }
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=10,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": max(2, int(BUSY_SECONDS)),
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "keepalives_idle": 10,
            "tcp_user_timeout": 2 * busy,
        },
    )
