"""Whose an upload is, and which erased ones still wait for their blob to be deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bot.errors import NotFound
from bot.store.events import insert_new
from bot.store.tables import uploads


def attach(connection: sa.Connection, values: dict[str, Any]) -> None:
    """Remember it. A blob that is known already stays whose it is."""
    connection.execute(insert_new(connection.dialect.name, uploads), values)


def owner(connection: sa.Connection, blob: str) -> tuple[str, str, str, str]:
    """(channel, account, sender, media type). NotFound, also when it was erased."""
    query = sa.select(uploads.c.channel, uploads.c.account, uploads.c.sender, uploads.c.media_type)
    row = (connection.execute(query.where(uploads.c.blob == blob, uploads.c.erased.is_(None)))).one_or_none()
    if row is None:
        raise NotFound("there is no such upload")
    return row.channel, row.account, row.sender, row.media_type


def erased(connection: sa.Connection) -> list[str]:
    """Blobs that are erased but may still lie in the blob store."""
    return list(connection.scalars(sa.select(uploads.c.blob).where(uploads.c.erased.is_not(None))))


def forget(connection: sa.Connection, blobs: Sequence[str]) -> None:
    """Their bytes are gone now."""
    connection.execute(sa.delete(uploads).where(uploads.c.blob.in_(blobs)))
