"""When the office calls back whom it owes a call, and how often it has tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("promises", sa.Column("call_at", sa.DateTime(timezone=True)))
    op.add_column("promises", sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
    op.create_index(
        "ix_promises_call_at", "promises", ["call_at"], sqlite_where=sa.text("call_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_promises_call_at", "promises")
    op.drop_column("promises", "attempts")
    op.drop_column("promises", "call_at")
