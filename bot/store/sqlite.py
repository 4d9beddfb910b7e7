"""SQLite's file and how it is opened: write-ahead log, synced at every commit, erased words overwritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.errors import StoreError
from bot.store.failures import BUSY_SECONDS

PRAGMAS = (
    f"busy_timeout={int(BUSY_SECONDS * 1000)}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
)


def create(file: Path) -> None:
    """The file with its folder, for its owner only; -wal and -shm get the same permissions from SQLite. StoreError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"the database file {file} cannot be opened: {error.strerror}") from None


def engine(url: sa.URL) -> sa.Engine:
    """An engine whose transactions begin with the statements in the execution option `frontdesk_begin`."""
    made = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @sa.event.listens_for(made, "connect")
    def prepare(connection: Any, record: object) -> None:
        connection.isolation_level = None  # a transaction begins where we say so, not where the driver guesses
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(made, "begin")
    def begin(connection: sa.Connection) -> None:
        for statement in connection.get_execution_options()["frontdesk_begin"]:
            connection.exec_driver_sql(statement)

    return made


def checkpoint(connection: sa.Connection) -> None:
    """Move the write-ahead log into the file and empty it."""
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
