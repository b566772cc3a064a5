"""The history of the tables, in alembic's format. This module itself does not import alembic."""

from __future__ import annotations

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
)
"""All versions, oldest first."""
HEAD = REVISIONS[-1]
"""The version that this program works with."""
