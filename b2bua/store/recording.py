"""How long a recording is, when nobody is left who counted."""

from __future__ import annotations

from pathlib import Path

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_LONGEST_HEADER = 4096
_BYTE_RATE = slice(8, 12)
"""Of the ``fmt`` chunk: bytes per second."""


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
