"""What the database refuses, as an owner of an office reads it."""

from __future__ import annotations


def in_words(error: Exception) -> str:
    """Return what went wrong without the SQL that it went wrong with: "database or disk is full"."""
    return str(getattr(error, "orig", None) or error)
