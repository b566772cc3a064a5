"""The file of one recording and how loud it is."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media import codecs
from media.commands import QUIETEST_DBFS
from media.wav import WavFormat, WavWriter

SILENCE_DBFS = -42.0
"""Peak of a 20 ms frame below which nobody speaks: line noise stays under -50, low voices reach over -35."""
MIN_SPOKEN_FRAMES = 10
"""0.2 s: fewer loud frames than that are clicks."""

_PLAIN = {"PCMA": WavFormat.PCMA, "PCMU": WavFormat.PCMU}


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a recording turned out."""

    peak_dbfs: float
    """Its loudest sample."""
    is_silent: bool
    """Whether nobody can have spoken."""


class RecordingFile:
    """A WAV file that grows by payloads of one codec: G.711 as it is, anything else as 16-bit samples.

    It writes when told, in the calling thread. Errors of the disk come out as OSError.
    """

    def __init__(self, path: Path, codec_name: str) -> None:
        self._codec = codecs.by_name(codec_name)
        self._is_plain = codec_name in _PLAIN
        self._writer = WavWriter(path, self._codec.sample_rate_hz, _PLAIN.get(codec_name, WavFormat.PCM16))
        self._frame = self._codec.sample_rate_hz // 50
        self._threshold = 32768 * 10 ** (SILENCE_DBFS / 20)
        self._peak = 0
        self._spoken_frames = 0

    def append(self, payload: bytes) -> None:
        """Write ``payload`` to the operating system."""
        pcm = self._codec.decode(payload)
        self._writer.append(payload if self._is_plain else pcm.astype("<i2").tobytes())
        levels = np.abs(pcm.astype(np.int32))
        self._peak = max(self._peak, int(levels.max(initial=0)))
        frames = levels[: len(levels) // self._frame * self._frame].reshape(-1, self._frame)
        self._spoken_frames += int(np.count_nonzero(frames.max(axis=1, initial=0) > self._threshold))

    def close(self) -> Loudness:
        """Complete the file."""
        self._writer.close()
        return self.loudness

    @property
    def loudness(self) -> Loudness:
        """How loud it is so far."""
        peak = 20 * math.log10(self._peak / 32768) if self._peak else QUIETEST_DBFS
        return Loudness(round(peak, 1), is_silent=self._spoken_frames < MIN_SPOKEN_FRAMES)


def sync_to_disk(path: Path) -> None:
    """Wait until the file's content is on the medium; any descriptor of the file will do (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
