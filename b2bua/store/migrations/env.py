"""Executed by alembic: gives it our connection and tables."""

from __future__ import annotations

from alembic import context

from b2bua.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
