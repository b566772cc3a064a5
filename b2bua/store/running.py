"""Whether an office runs on a data folder: a lock that the system lets go of however the program ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FILE_NAME = "running.lock"


@contextmanager
def running(data: Path) -> Iterator[None]:
    """Show for as long as the block runs that an office runs on the folder ``data``."""
    with (data / FILE_NAME).open("a") as file:
        _try_lock(file)
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
