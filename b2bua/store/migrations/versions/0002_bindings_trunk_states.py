"""Registered phones, and how things stand with each trunk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "bindings",
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("contact_uri", sa.String(), nullable=False),
        sa.Column("transport", sa.String(8), nullable=False),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("cseq", sa.BigInteger(), nullable=False),
        sa.Column("user_agent", sa.String(255), nullable=False),
        sa.Column("q", sa.String(16), nullable=False),
        sa.Column("instance", sa.String(255), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person", "contact_uri", name="pk_bindings"),
    )
    op.create_table(
        "trunk_states",
        sa.Column("trunk", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("server", sa.String(255), nullable=False),
        sa.Column("last_error", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("trunk", name="pk_trunk_states"),
    )


def downgrade() -> None:
    for table in ("trunk_states", "bindings"):
        op.drop_table(table)
