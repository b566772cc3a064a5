"""Who of our people has promised to call back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("promises", sa.Column("owner", sa.String(255), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("promises", "owner")
