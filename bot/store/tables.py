"""The tables, as SQLAlchemy knows them. `migrations/` builds the same ones; a test compares the two.

Personal words stand in `words` and, until their turn is committed, in `inbox.body`; nowhere else. JSON lies in text
columns: it is only ever read whole, and PostgreSQL's own JSON type refuses what people manage to type (NUL). Rows of
`events`, `models` and `promotions` are only ever added: triggers refuse to change or delete one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC, time zone aware on our side. SQLite keeps text without a zone, which sorts by time."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC; without its zone where the database has none. A naive time is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times must be time zone aware")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Back to UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite counts rows by itself only in a column of the type INTEGER."""


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(32), primary_key=True)


def _row() -> sa.Column[int]:
    return sa.Column("id", BIG, primary_key=True, autoincrement=True)


def _conversation() -> sa.Column[str]:
    return sa.Column("conversation", sa.String(32), sa.ForeignKey("conversations.id"), nullable=False)


def _column(name: str, kind: Any, default: str | None = None) -> sa.Column[Any]:
    """Not null."""
    return sa.Column(name, kind, nullable=False, server_default=default)


def _waiting(table: str, condition: str) -> list[sa.Index]:
    """Indexes of the few rows that wait, in their order, beside the many that are done."""
    where = sa.text(condition)
    return [
        sa.Index(f"ix_{table}_{name}", *columns, sqlite_where=where, postgresql_where=where)
        for name, columns in {"waiting": ("id",), "waiting_conversation": ("conversation", "id")}.items()
    ]


people = sa.Table(
    "people",
    metadata,
    _id(),
    sa.Column("key", sa.Text, unique=True),  # the company's own id of a known customer; none: anonymous
    _column("created", Moment),
)

identities = sa.Table(
    "identities",
    metadata,
    _id(),
    _column("channel", sa.Text),
    _column("account", sa.Text),
    _column("sender", sa.Text),
    sa.Column("person", sa.String(32), sa.ForeignKey("people.id"), nullable=False),
    sa.Column("current", sa.String(32)),  # the conversation that the next message goes to; none: it begins a new one
    _column("created", Moment),
    sa.UniqueConstraint("channel", "account", "sender"),
    sa.Index("ix_identities_person", "person"),
)

conversations = sa.Table(
    "conversations",
    metadata,
    _id(),
    sa.Column("identity", sa.String(32), sa.ForeignKey("identities.id"), nullable=False),
    _column("channel", sa.Text),
    _column("account", sa.Text),
    _column("bot", sa.Text),
    _column("version", BIG, "0"),
    _column("created", Moment),
    _column("updated", Moment),
    # a projection of the state, for lists
    _column("status", sa.String(16), "pending"),
    _column("owner", sa.String(16), "bot"),
    _column("priority", sa.String(16), "medium"),
    sa.Column("reason", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("last", sa.Text),  # the ref of the customer's last words
    # the folded state without any words, and the shape it was written in
    sa.Column("snapshot", sa.Text),
    sa.Column("snapshot_shape", sa.String(32)),
    # the lease: held from `lease_since` until `lease_until`
    sa.Column("lease_worker", sa.Text),
    sa.Column("lease_token", sa.String(32)),
    sa.Column("lease_since", Moment),
    sa.Column("lease_until", Moment),
    sa.Index("ix_conversations_identity", "identity"),
    sa.Index("ix_conversations_updated", "updated"),
    sa.Index("ix_conversations_lease_worker", "lease_worker"),
)

events = sa.Table(
    "events",
    metadata,
    _row(),
    _conversation(),
    _column("sequence", BIG),
    _column("schema_version", sa.Integer),
    _column("type", sa.String(32)),
    _column("time", Moment),
    _column("envelope", sa.Text),  # JSON: actor, cause, versions
    _column("body", sa.Text),  # JSON; of words only the refs
    sa.UniqueConstraint("conversation", "sequence"),
)

words = sa.Table(
    "words",
    metadata,
    sa.Column("ref", sa.Text, primary_key=True),
    _conversation(),
    _column("text", sa.Text),
    sa.Index("ix_words_conversation", "conversation"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    _row(),
    _conversation(),
    _column("kind", sa.String(16)),
    _column("channel", sa.Text),
    _column("account", sa.Text),
    sa.Column("external_id", sa.Text),
    _column("item", sa.Text),  # the message's or trigger's id
    sa.Column("body", sa.Text),  # JSON of the message or the trigger's data; cleared when done
    _column("hurry", sa.Boolean),  # claimed without the burst's pause
    _column("attempts", sa.Integer, "0"),
    _column("created", Moment),
    sa.Column("done", Moment),
    sa.UniqueConstraint("channel", "account", "external_id"),
    *_waiting("inbox", "done IS NULL"),
    sqlite_autoincrement=True,
)

outbox = sa.Table(
    "outbox",
    metadata,
    _row(),
    _conversation(),
    _column("sequence", BIG),
    _column("channel", sa.Text),
    _column("account", sa.Text),
    _column("status", sa.String(16), "waiting"),  # waiting, sent, failed, erased
    _column("attempts", sa.Integer, "0"),
    sa.Column("worker", sa.Text),
    sa.Column("held_since", Moment),  # not before `held_until`: somebody sends it now, or it was postponed
    sa.Column("held_until", Moment),
    sa.Column("external_id", sa.Text),
    sa.Column("error", sa.Text),
    _column("created", Moment),
    *_waiting("outbox", "status = 'waiting'"),
    sqlite_autoincrement=True,
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("blob", sa.Text, primary_key=True),
    _column("channel", sa.Text),
    _column("account", sa.Text),
    _column("sender", sa.Text),
    _column("media_type", sa.Text),
    _column("size", BIG),
    sa.Column("conversation", sa.String(32), sa.ForeignKey("conversations.id")),  # once a message brought it
    _column("created", Moment),
    sa.Column("erased", Moment),  # the row goes when the blob is gone
    sa.Index("ix_uploads_conversation", "conversation"),
    sa.Index("ix_uploads_channel_account_sender", "channel", "account", "sender"),
)

models = sa.Table(
    "models",
    metadata,
    sa.Column("version", sa.String(64), primary_key=True),  # the sha256 of what its folder holds
    _column("kind", sa.String(16)),
    _column("name", sa.Text),  # what the model calls itself, and the audit trail it
    _column("created", Moment),
    _column("author", sa.Text),
    _column("size", BIG),
    _column("metrics", sa.Text),  # JSON
    _column("card", sa.Text),  # Markdown
)

promotions = sa.Table(
    "promotions",
    metadata,
    _row(),
    _column("kind", sa.String(16)),
    _column("time", Moment),
    _column("author", sa.Text),
    _column("action", sa.String(16)),
    _column("replaced", sa.String(64)),  # "": what the bot's manifest names, here and below
    _column("version", sa.String(64)),
    _column("reason", sa.Text),
    _column("figures", sa.Text),  # JSON
    sa.Index("ix_promotions_kind", "kind", "id"),
    sqlite_autoincrement=True,
)

approvals = sa.Table(
    "approvals",
    metadata,
    _id(),
    _conversation(),
    _column("queue", sa.Text),
    _column("action", sa.Text),
    _column("step", sa.Text),
    _column("key", sa.Text),  # of the very call: hash of its arguments, which stand in the conversation's words
    _column("reason", sa.Text),
    _column("asked", Moment),
    sa.Column("decided", Moment),
    sa.Column("granted", sa.Boolean),
    sa.Column("author", sa.Text),
    sa.Index("ix_approvals_conversation", "conversation"),
    sa.Index(
        "ix_approvals_waiting",
        "asked",
        sqlite_where=sa.text("decided IS NULL"),
        postgresql_where=sa.text("decided IS NULL"),
    ),
)
