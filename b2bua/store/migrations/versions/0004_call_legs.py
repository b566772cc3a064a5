"""How the sound of each party of a call was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "call_legs",
        sa.Column("id", key, autoincrement=False, nullable=False),
        sa.Column("call", key, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("is_caller", sa.Boolean(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("codec", sa.String(32), nullable=False),
        sa.Column("is_encrypted", sa.Boolean(), nullable=False),
        sa.Column("packets", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("jitter_ms", sa.Float(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("remote_lost", sa.Integer()),
        sa.Column("round_trip_ms", sa.Float()),
        sa.Column("mos", sa.Float()),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name=op.f("fk_call_legs_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_legs")),
    )
    op.create_index("ix_call_legs_call", "call_legs", ["call"])


def downgrade() -> None:
    op.drop_table("call_legs")
