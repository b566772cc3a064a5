"""Whether the file of the database is still where it was, and putting it back when somebody removed it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

Identity = tuple[int, int] | None
"""Device and inode; None: there is no file."""


class DatabaseFile:
    """The SQLite file that a connection has open. A file that is removed lives on as long as that is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ours: Identity = None
        self._has_told = False

    def opened(self) -> None:
        """Note that the file which is there now is ours."""
        self._ours, self._has_told = identity(self._path), False

    @property
    def is_gone(self) -> bool:
        """Whether ours was removed, and nothing but an empty one that a reader made is in its place."""
        found = identity(self._path)
        if self._ours is None or found == self._ours:
            return False
        if found is None or _is_empty(self._path):
            return True
        if not self._has_told:
            self._has_told = True
            log.error(
                "the database file was replaced while the office runs; what happens is lost when it stops",
                file=str(self._path),
                cure="stop the office before its database is restored",
            )
        return False

    def put_back(self, connection: sqlite3.Connection) -> None:
        """Write all that ``connection`` has into a new file in the place of the old one.

        Raises:
            OSError: that is not possible now.
        """
        copy = self._path.with_name(f"{self._path.name}-restored")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            with closing(sqlite3.connect(copy)) as target:
                connection.backup(target)
        except sqlite3.Error as error:
            raise OSError(f"the database file was removed, and cannot be put back: {error}") from error
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        copy.replace(self._path)
        log.error(
            "the database file was removed while the office runs; it is there again, nothing was lost",
            file=str(self._path),
        )


def identity(path: Path) -> Identity:
    """Return which file is at ``path`` now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_empty(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as there:
            return there.execute("select 1 from sqlite_master").fetchone() is None
    except sqlite3.Error:
        return False
