"""A word from another program to the office that runs on a data folder: look what I wrote."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

log = structlog.get_logger("office")

FILE_NAME = "doorbell"
READ_AT_ONCE = 64
_FOLDER_OF_FD = "/proc/self/fd"


@contextmanager
def answering(data: Path, heard: Callable[[], None]) -> Iterator[None]:
    """Call ``heard`` whenever somebody rings at the folder ``data``, for as long as the block runs.

    A file system without sockets is no error: then nobody is heard.
    """
    loop = asyncio.get_running_loop()

    def drain() -> None:
        with suppress(BlockingIOError):
            for _ in range(READ_AT_ONCE):
                bell.recv(1)
        heard()

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell, _folder(data) as folder:
        bell.setblocking(False)
        try:
            with suppress(FileNotFoundError):
                os.unlink(FILE_NAME, dir_fd=folder)  # of an office that was killed
            bell.bind(f"{_FOLDER_OF_FD}/{folder}/{FILE_NAME}")
        except OSError as error:
            log.warning("what other programs change is noticed a minute late", why=str(error))
            yield
            return
        loop.add_reader(bell, drain)
        try:
            yield
        finally:
            loop.remove_reader(bell)
            with suppress(OSError):
                os.unlink(FILE_NAME, dir_fd=folder)


def ring(data: Path) -> None:
    """Tell the office that runs on the folder ``data`` that its database was changed.

    Raises:
        OSError: nobody hears.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell, _folder(data) as folder:
        bell.setblocking(False)
        with suppress(BlockingIOError):  # so many have rung that it will look anyway
            bell.sendto(b"!", f"{_FOLDER_OF_FD}/{folder}/{FILE_NAME}")


@contextmanager
def _folder(data: Path) -> Iterator[int]:
    """Open the folder: addresses of sockets are short, its path need not be."""
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder
    finally:
        os.close(folder)
