"""Calls and their events, promises, messages, outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _calls()
    _call_events()
    _promises()
    _messages()
    _outbox()


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", KEY, nullable=False, autoincrement=False),
        sa.Column("call_id", sa.String(255), nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("caller_name", sa.String(255), nullable=False),
        sa.Column("dialled", sa.String(255), nullable=False),
        sa.Column("trunk", sa.String(255), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("outcome", sa.String(16)),
        sa.Column("why", sa.String(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_call_id", "calls", ["call_id"])
    op.create_index("ix_calls_began_at", "calls", ["began_at"])
    unfinished = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_calls_unfinished", "calls", ["id"], sqlite_where=unfinished, postgresql_where=unfinished
    )


def _call_events() -> None:
    op.create_table(
        "call_events",
        sa.Column("id", KEY, nullable=False, autoincrement=False),
        sa.Column("call", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float()),
        sa.PrimaryKeyConstraint("id", name="pk_call_events"),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_call_events_call"),
    )
    op.create_index("ix_call_events_call", "call_events", ["call"])


def _promises() -> None:
    op.create_table(
        "promises",
        sa.Column("id", KEY, nullable=False, autoincrement=False),
        sa.Column("call", KEY, nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("caller_name", sa.String(255), nullable=False),
        sa.Column("dialled", sa.String(255), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("closed_why", sa.String(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_promises"),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_promises_call"),
    )
    op.create_index("ix_promises_call", "promises", ["call"], unique=True)
    op.create_index("ix_promises_status_caller", "promises", ["status", "caller"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", KEY, nullable=False, autoincrement=False),
        sa.Column("call", KEY, nullable=False),
        sa.Column("box", sa.String(255), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("seconds", sa.Float()),
        sa.Column("is_silent", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("heard_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_messages_call"),
    )
    op.create_index("ix_messages_call", "messages", ["call"])
    op.create_index("ix_messages_box", "messages", ["box"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", KEY, nullable=False, autoincrement=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("attachment", sa.Text()),
        sa.Column("attachment_name", sa.String(255), nullable=False, server_default=""),
        sa.Column("language", sa.String(16), nullable=False, server_default="en"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("next_try_at", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_error", sa.String(), nullable=False, server_default=""),
        sa.Column("sent_at", MOMENT),
        sa.Column("sent_to", sa.String(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_next_try_at", "outbox", ["next_try_at"])


def downgrade() -> None:
    for table in ("outbox", "messages", "promises", "call_events", "calls"):
        op.drop_table(table)
