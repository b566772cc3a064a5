"""What was decided for all calls of the office."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "overrides",
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("until", moment),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_overrides")),
    )


def downgrade() -> None:
    op.drop_table("overrides")
