"""Versions of trained models and their promotions. What is served of a kind is the version of its last promotion."""

from __future__ import annotations

import json
from dataclasses import asdict

import sqlalchemy as sa

from bot.errors import Conflict, NotFound
from bot.store.base import ModelVersion, Promotion
from bot.store.events import insert_new
from bot.store.tables import models, promotions


def add(connection: sa.Connection, model: ModelVersion) -> bool:
    """Remember a version; False when it is known."""
    values = asdict(model) | {"metrics": json.dumps(model.metrics, ensure_ascii=False)}
    if connection.scalar(sa.select(models.c.version).filter_by(version=model.version)) is not None:
        return False
    return bool(connection.execute(insert_new(connection.dialect.name, models).values(**values)).rowcount)


def versions(connection: sa.Connection) -> list[ModelVersion]:
    """All of them, the oldest first."""
    rows = connection.execute(sa.select(models).order_by(models.c.created, models.c.version)).mappings()
    return [ModelVersion(**{**row, "metrics": json.loads(row["metrics"])}) for row in rows]


def promote(connection: sa.Connection, promotion: Promotion) -> None:
    """Record it. Conflict when another promotion came first, NotFound for a version that is not known."""
    if connection.dialect.name == "postgresql":  # one after the other; SQLite has one writer anyway
        connection.execute(sa.text("LOCK TABLE promotions IN SHARE ROW EXCLUSIVE MODE"))
    last = sa.select(promotions.c.version).filter_by(kind=promotion.kind).order_by(promotions.c.id.desc()).limit(1)
    if (connection.scalar(last) or "") != promotion.replaced:
        raise Conflict(f"another version of the {promotion.kind} was promoted meanwhile: look at it, and try again")
    known = sa.select(models.c.version).filter_by(version=promotion.version, kind=promotion.kind)
    if promotion.version and connection.scalar(known) is None:
        raise NotFound(f"there is no {promotion.kind} of version {promotion.version[:12]}")
    values = asdict(promotion) | {"figures": json.dumps(promotion.figures, ensure_ascii=False)}
    connection.execute(sa.insert(promotions).values(**values))


def history(connection: sa.Connection) -> list[Promotion]:
    """All promotions, the oldest first."""
    columns = [column for column in promotions.c if column.name != "id"]
    rows = connection.execute(sa.select(*columns).order_by(promotions.c.id)).mappings()
    return [Promotion(**{**row, "figures": json.loads(row["figures"])}) for row in rows]
