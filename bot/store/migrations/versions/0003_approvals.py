"""Actions that wait for a person's yes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
WAITING = sa.text("decided IS NULL")


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("conversation", sa.String(length=32), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("queue", "action", "step", "key", "reason")),
        sa.Column("asked", MOMENT, nullable=False),
        sa.Column("decided", MOMENT),
        sa.Column("granted", sa.Boolean()),
        sa.Column("author", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.id"], name="fk_approvals_conversation"),
    )
    op.create_index("ix_approvals_conversation", "approvals", ["conversation"])
    op.create_index("ix_approvals_waiting", "approvals", ["asked"], sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    op.drop_table("approvals")
