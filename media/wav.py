"""WAV files: what prompts are read from and recordings are written to."""

from __future__ import annotations

import os
import struct
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from media import riff
from media.codecs.g711 import PCMA, PCMU
from media.errors import MalformedMedia
from media.riff import CHUNK, FORMAT, LARGEST, Stored, read_stored

_CLOSED = -1


class WavFormat(StrEnum):
    """How samples are stored; the laws go by the names of their codecs."""

    PCM16 = "PCM16"
    PCMA = "PCMA"
    PCMU = "PCMU"


_SAMPLES = struct.Struct("<4sII")
_LAYOUT = {WavFormat.PCM16: (riff.PCM, 2), WavFormat.PCMA: (riff.ALAW, 1), WavFormat.PCMU: (riff.ULAW, 1)}
"""Format tag and bytes per sample."""


def read_wav(path: Path | str) -> tuple[NDArray[np.int16], int]:
    """Return the samples, mixed down to one channel, and their rate in Hz.

    16-bit PCM, A-law and µ-law are read. A file whose writer died is read as far as it goes.

    Raises:
        MalformedMedia: it is no WAV file, or of another encoding.
        OSError: it cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        samples, rate = _read(content)
    except MalformedMedia as error:
        raise MalformedMedia(f"{path}: {error}") from None
    return _mixed(samples), rate


def read_channels(path: Path | str) -> tuple[NDArray[np.int16], int]:
    """Return the samples, one column for each channel, and their rate in Hz; else as `read_wav`."""
    try:
        return _read(Path(path).read_bytes())
    except MalformedMedia as error:
        raise MalformedMedia(f"{path}: {error}") from None


def format_of(path: Path | str) -> WavFormat:
    """Return how a recording of ours is stored.

    Raises:
        OSError: it cannot be read.
        MalformedMedia: it is none.
    """
    with Path(path).open("rb") as file:
        head = file.read(22)
    for format, (tag, _) in _LAYOUT.items():
        if head[:4] == b"RIFF" and head[20:] == tag.to_bytes(2, "little"):
            return format
    raise MalformedMedia(f"{path} is no recording")


def _read(content: bytes) -> tuple[NDArray[np.int16], int]:
    """Return the samples, one column for each channel, and the rate of a whole WAV file.

    Raises:
        MalformedMedia: as for read_wav.
    """
    stored = read_stored(content)
    return _samples(stored).reshape(-1, stored.channels), stored.rate


def _samples(stored: Stored) -> NDArray[np.int16]:
    """Return the samples, channels interleaved."""
    match stored.tag:
        case riff.ALAW:
            return PCMA().decode(stored.body)
        case riff.ULAW:
            return PCMU().decode(stored.body)
        case _:
            return np.frombuffer(stored.body, "<i2").astype(np.int16)


def _mixed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the mean of the channels."""
    return samples[:, 0] if samples.shape[1] == 1 else np.asarray(samples.mean(axis=1), np.int16)


class WavWriter:
    """A recording that can be played at any instant, also if the process dies at that instant.

    Each append goes to the system unbuffered, the samples first and then the sizes that cover them, so that
    the header never promises what is not there. Calls block: they belong off the packet path.
    """

    def __init__(
        self,
        path: Path | str,
        rate: int,
        format: WavFormat | str = WavFormat.PCMA,
        *,
        channels: int = 1,
        is_resumed: bool = False,
    ) -> None:
        """Begin a file, or go on behind the last sample of the one that ``is_resumed``.

        Raises:
            OSError: it cannot be written.
            MalformedMedia: what is to be resumed was not written like this.
        """
        self.path = Path(path)
        self._rate = rate
        self._tag, sample_bytes = _LAYOUT[WavFormat(format)]
        self._block_bytes = block = sample_bytes * channels
        described = FORMAT.pack(self._tag, channels, rate, rate * block, block, 8 * sample_bytes)
        if self._tag != riff.PCM:
            described += b"\0\0"  # no more of it follows
        self._described = b"WAVE" + CHUNK.pack(b"fmt ", len(described)) + described
        self._data_bytes = 0
        self._start = len(self._header())
        beginning = os.O_RDWR if is_resumed else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self._file = os.open(self.path, beginning | os.O_CLOEXEC, 0o640)
        try:
            if is_resumed:
                self._take_up()
            self._write(self._header(), 0)
        except (OSError, MalformedMedia):
            self._release()
            raise

    def _take_up(self) -> None:
        """Find out how much is there, from a header that is but for the sizes our own."""
        header = os.pread(self._file, self._start, 0)
        self._data_bytes = int.from_bytes(header[-4:], "little")
        if header != self._header():
            raise MalformedMedia(f"{self.path} was not recorded like this")

    def append(self, samples: bytes) -> None:
        """Write samples in the encoding of the file, those of all channels beside each other.

        Raises:
            OSError: they cannot be written (disk full); what was written before stays playable.
        """
        self._write(samples, self._start + self._data_bytes)
        self._data_bytes += len(samples)
        self._write(self._header(), 0)

    @property
    def seconds(self) -> float:
        """How much was appended."""
        return self._data_bytes / (self._rate * self._block_bytes)

    def sync(self) -> None:
        """Wait until what was appended would survive a power cut."""
        os.fsync(self._file)

    def close(self) -> None:
        """Sync and close; more than once does no harm."""
        if self._file == _CLOSED:
            return
        try:
            if self._data_bytes % 2:  # RIFF chunks are padded to even length
                self._write(b"\0", self._start + self._data_bytes)
            self.sync()
        finally:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _release(self) -> None:
        """Close the descriptor and forget its number: by the next write it may be another file's."""
        os.close(self._file)
        self._file = _CLOSED

    def _header(self) -> bytes:
        """Return everything before the samples, with the sizes as they are now."""
        size = min(self._data_bytes, LARGEST - 64)  # four GiB are 149 h of A-law
        inner = self._described
        if self._tag != riff.PCM:  # other encodings must tell their number of samples
            inner += _SAMPLES.pack(b"fact", 4, size // self._block_bytes)
        inner += CHUNK.pack(b"data", size)
        return CHUNK.pack(b"RIFF", len(inner) + size + size % 2) + inner

    def _write(self, content: bytes, offset: int) -> None:
        """Write all of ``content`` at ``offset``; the system may take it in pieces."""
        rest = memoryview(content)
        while rest:
            written = os.pwrite(self._file, rest, offset)
            rest, offset = rest[written:], offset + written
