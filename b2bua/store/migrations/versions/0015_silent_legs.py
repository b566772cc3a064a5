"""How long before its end nothing came from a party any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call_legs", sa.Column("silent_s", sa.Float, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("call_legs", "silent_s")
