"""What the parts of a call that went to the outside cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "call_costs",
        sa.Column("id", key, autoincrement=False, nullable=False),
        sa.Column("call", key, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("number", sa.String(255), nullable=False),
        sa.Column("trunk", sa.String(255), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("billed_seconds", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name=op.f("fk_call_costs_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_costs")),
    )
    op.create_index("ix_call_costs_call", "call_costs", ["call"])
    op.create_index("ix_call_costs_answered_at", "call_costs", ["answered_at"])


def downgrade() -> None:
    op.drop_table("call_costs")
