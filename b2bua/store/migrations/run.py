"""Runs the migrations on a connection that is already open. Imports alembic: only imported when needed."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def alembic_config(connection: Connection | None = None) -> Config:
    """Return alembic's settings for the migrations beside this file."""
    config = Config()
    # alembic reads % as the start of a variable.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to ``revision`` within the transaction of ``connection``."""
    command.upgrade(alembic_config(connection), revision)
