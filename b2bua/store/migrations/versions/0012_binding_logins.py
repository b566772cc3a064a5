"""With which user name a phone has registered, where that is one of a single device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bindings", sa.Column("login", sa.String(255), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("bindings", "login")
