"""Versions of models with their promotions; events, versions and promotions are only ever added."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
APPEND_ONLY = ("events", "models", "promotions")
# A migration that lets Alembic copy one of these tables (batch mode on SQLite) drops its triggers: make them again.


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_models"),
    )
    op.create_table(
        "promotions",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("time", MOMENT, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("replaced", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_promotions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_promotions_kind", "promotions", ["kind", "id"])
    if op.get_context().dialect.name == "postgresql":
        _forbid_on_postgres()
    else:
        _forbid_on_sqlite()


def _forbid_on_postgres() -> None:
    op.execute(
        "CREATE FUNCTION frontdesk_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in APPEND_ONLY:
        for what, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_append_only_{each.lower()} BEFORE {what} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION frontdesk_append_only()"
            )


def _forbid_on_sqlite() -> None:
    for table, key in (
        ("events", "id = NEW.id OR (conversation = NEW.conversation AND sequence = NEW.sequence)"),
        ("models", "version = NEW.version"),
        ("promotions", "id = NEW.id"),
    ):
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for what in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} {refuse}")
        # INSERT OR REPLACE deletes without asking a trigger on DELETE.
        there = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key})"  # noqa: S608 - names and keys from above
        op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {there} {refuse}")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            for each in ("row", "statement"):
                op.execute(f"DROP TRIGGER {table}_append_only_{each} ON {table}")
        op.execute("DROP FUNCTION frontdesk_append_only")
    else:
        for table in APPEND_ONLY:
            for what in ("update", "delete", "replace"):
                op.execute(f"DROP TRIGGER {table}_no_{what}")
    op.drop_table("promotions")
    op.drop_table("models")
