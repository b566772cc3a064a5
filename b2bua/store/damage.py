"""A database that is damaged, as by a dying memory card: it is set aside, and the office begins a new one."""

from __future__ import annotations

import itertools
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

SIGNS = ("malformed", "not a database")
"""SQLITE_CORRUPT and SQLITE_NOTADB in SQLite's words."""
CURE = "restore what is owed to callers from a backup, and look after the disk"


def is_damage(error: BaseException) -> bool:
    """Return whether ``error`` says that the file of the database is damaged, for good."""
    told = str(getattr(error, "orig", None) or error)
    return any(sign in told for sign in SIGNS)


def set_aside(path: Path) -> Path:
    """Return under which name the database at ``path`` is kept from now on, with its log.

    Raises:
        OSError: it cannot be renamed.
    """
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        rest = path.with_name(path.name + suffix)
        if rest.exists():
            rest.rename(aside.with_name(aside.name + suffix))
    log.error("the database is damaged; it is set aside, and a new one is begun", file=str(aside), cure=CURE)
    return aside
