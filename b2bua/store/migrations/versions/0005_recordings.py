"""Recordings of conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "recordings",
        sa.Column("id", key, autoincrement=False, nullable=False),
        sa.Column("call", key, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("seconds", sa.Float()),
        sa.Column("error", sa.String(255), nullable=False, server_default=""),
        sa.Column("deleted_at", moment),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name=op.f("fk_recordings_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
    )
    op.create_index("ix_recordings_call", "recordings", ["call"])
    op.create_index("ix_recordings_began_at", "recordings", ["began_at"])


def downgrade() -> None:
    op.drop_table("recordings")
