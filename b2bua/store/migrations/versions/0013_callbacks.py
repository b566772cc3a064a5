"""Who asked on the web to be called back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("call", key, nullable=False),
        sa.Column("key", sa.String(64)),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("wished_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name=op.f("fk_callbacks_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index("ix_callbacks_call", "callbacks", ["call"])
    op.create_index("ix_callbacks_key", "callbacks", ["key"], unique=True)


def downgrade() -> None:
    op.drop_table("callbacks")
