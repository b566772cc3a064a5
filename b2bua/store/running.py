"""Whether an office runs on a data folder: a lock that the system lets go of however the program ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from b2bua.errors import B2buaError

FILE_NAME = "running.lock"


class AlreadyRunningError(B2buaError):
    """Another office runs on the folder: to recover its calls would end them as people talk."""


@contextmanager
def running(data: Path) -> Iterator[None]:
    """Show for as long as the block runs that an office runs on the folder ``data``.

    Raises:
        AlreadyRunningError: one does already.
    """
    with (data / FILE_NAME).open("a") as file:
        if not _try_lock(file):
            raise AlreadyRunningError(
                f"an office runs already with its data in {data.absolute()} (another b2bua? its service?); "
                "stop that one, or give this one a folder of its own: [office] data"
            )
        yield


def is_running(data: Path) -> bool:
    """Return whether an office runs on the folder ``data`` right now."""
    try:
        with (data / FILE_NAME).open() as file:
            return not _try_lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _try_lock(file: IO[str], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
