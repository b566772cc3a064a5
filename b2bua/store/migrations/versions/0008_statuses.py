"""What people said of themselves: away, in a meeting and the like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "statuses",
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(255), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("until", moment),
        sa.Column("source", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_statuses")),
    )


def downgrade() -> None:
    op.drop_table("statuses")
