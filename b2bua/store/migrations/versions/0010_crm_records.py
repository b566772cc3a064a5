"""Calls that the CRM has to be told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "crm_records",
        sa.Column("call", key, autoincrement=False, nullable=False),
        sa.Column("made", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("next_try_at", moment),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_error", sa.String(), nullable=False, server_default=""),
        sa.Column("sent_at", moment),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name=op.f("fk_crm_records_call")),
        sa.PrimaryKeyConstraint("call", name=op.f("pk_crm_records")),
    )
    op.create_index("ix_crm_records_next_try_at", "crm_records", ["next_try_at"])


def downgrade() -> None:
    op.drop_table("crm_records")
