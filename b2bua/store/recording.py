"""How long a recording is, when nobody is left who counted."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_LONGEST_HEADER = 4096
_BYTE_RATE = slice(8, 12)
"""Of the ``fmt`` chunk: bytes per second."""
_NO_SOUND = b"data\0\0\0\0"
"""The end of a header, and of a file that has nothing else; samples come before the header says so."""
_LONGEST_EMPTY = 100
"""Bytes; a header has fewer."""
_FINISHED_S = 15.0
"""More than a media worker takes to write the last of it and end, after the program that started it."""


def recorded_seconds(path: Path) -> float | None:
    """Return the seconds of audio in the WAV file ``path``; None when there is no such file or no audio.

    The size in the header is not believed: it is behind when the program was killed. Reads the file; not
    for the event loop.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_LONGEST_HEADER)
            size = file.seek(0, 2)
    except OSError:
        return None
    return _seconds(head, size)


def remove_if_empty(path: Path) -> None:
    """Delete a WAV file that was begun and never got a sample, if nobody can still be writing to it.

    Reads the file; not for the event loop.
    """
    with suppress(OSError):
        status = path.stat()
        is_left_alone = time.time() - status.st_mtime > _FINISHED_S
        if is_left_alone and status.st_size < _LONGEST_EMPTY and path.read_bytes().endswith(_NO_SOUND):
            path.unlink()


def _seconds(head: bytes, size: int) -> float | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    byte_rate = 0
    at = _RIFF_HEADER
    while at + _CHUNK_HEADER <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        start = at + _CHUNK_HEADER
        if name == b"data":
            return (size - start) / byte_rate if byte_rate and size > start else None
        if name == b"fmt ":
            byte_rate = int.from_bytes(head[start : start + length][_BYTE_RATE], "little")
        at = start + length + length % 2
    return None
