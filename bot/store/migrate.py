"""Bring the tables to the newest migration, without an alembic.ini.

A new migration is a file in `migrations/versions`; raise HEAD with it. `differences` tells what it must do.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.errors import StoreError
from bot.store.tables import metadata

HEAD = "0003"
"""The newest revision. Known here so that a database which is up to date opens without loading Alembic."""
LOCK = 0x66726F6E74
"""PostgreSQL's advisory lock while one process migrates and the others wait."""


def upgrade(connection: sa.Connection) -> None:
    """Migrate within the connection's transaction. StoreError for a database that a newer Frontdesk has written."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    if _revision(connection) == HEAD:
        return
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(config(connection), HEAD)
    except CommandError as error:
        raise StoreError(f"the database cannot be brought to revision {HEAD}; a newer Frontdesk? ({error})") from None


def differences(connection: sa.Connection) -> list[Any]:
    """What the tables in the database lack against `tables.py`, as Alembic's operations."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
    found: list[Any] = compare_metadata(context, metadata)
    return found


def config(connection: sa.Connection | None = None) -> Any:
    """Alembic's configuration, for `upgrade` and for a test that walks the revisions."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", "bot.store:migrations")
    made.attributes["connection"] = connection
    return made


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision
