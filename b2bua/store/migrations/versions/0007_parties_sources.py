"""Which of our people somebody talked with, and where callers found the number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call_events", sa.Column("party", sa.String(255), nullable=False, server_default=""))
    op.add_column("calls", sa.Column("source", sa.String(255), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("calls", "source")
    op.drop_column("call_events", "party")
