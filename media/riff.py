"""WAV files without their sound: chunks and format, and so the length, read without numpy."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from media.errors import MalformedMedia

PCM, ALAW, ULAW = 1, 6, 7
"""Format tags."""
_EXTENSIBLE = 0xFFFE
FORMAT = struct.Struct("<HHIIHH")
CHUNK = struct.Struct("<4sI")
LARGEST = 0xFFFF_FFFF
_BITS = {PCM: 16, ALAW: 8, ULAW: 8}


@dataclass(frozen=True, slots=True)
class Stored:
    """The samples of a WAV file as they are stored."""

    tag: int
    """``PCM``, ``ALAW`` or ``ULAW``."""
    channels: int
    """How many samples make a frame."""
    rate: int
    """Frames per second."""
    body: bytes
    """Whole samples, channels interleaved."""

    @property
    def seconds(self) -> float:
        """Return how long it takes to play them."""
        return len(self.body) / (self.channels * self.rate * (_BITS[self.tag] // 8))


def read_stored(content: bytes) -> Stored:
    """Return what a whole WAV file holds; one whose writer died is read as far as it goes.

    Raises:
        MalformedMedia: it is no WAV file, or neither 16-bit PCM nor A-law nor µ-law.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise MalformedMedia("not a WAV file")
    chunks: dict[bytes, bytes] = {}
    for name, body in _chunks(content):
        chunks.setdefault(name, body)
    described = chunks.get(b"fmt ", b"")
    if len(described) < FORMAT.size:
        raise MalformedMedia("no format chunk")
    tag, channels, rate, _, _, bits = FORMAT.unpack_from(described)
    if tag == _EXTENSIBLE:  # the true tag begins the sub-format
        tag = int.from_bytes(described[24:26], "little")
    if not channels or not rate:
        raise MalformedMedia(f"{channels} channels at {rate} Hz")
    if _BITS.get(tag) != bits:
        raise MalformedMedia(f"encoding {tag} of {bits} bits; expected 16-bit PCM, A-law or µ-law")
    body = chunks.get(b"data", b"")
    frame = channels * bits // 8
    return Stored(tag, channels, rate, body[: len(body) // frame * frame])


def wav_seconds(path: Path) -> float:
    """Return how long a WAV file plays.

    Raises:
        MalformedMedia: as for ``read_stored``.
        OSError: it cannot be read.
    """
    return read_stored(path.read_bytes()).seconds


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and body of each chunk, the last cut where the file ends."""
    offset = 12
    while offset + CHUNK.size <= len(content):
        name, size = CHUNK.unpack_from(content, offset)
        start = offset + CHUNK.size
        is_unfinished = name == b"data" and size in (0, LARGEST)  # a recorder that never came back
        yield name, content[start:] if is_unfinished else content[start : start + size]
        offset = start + size + size % 2
