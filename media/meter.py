"""How loud sound is that comes piece by piece."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.commands import QUIETEST_DBFS

SILENCE_DBFS = -42.0
"""Peak of a 20 ms frame below which nobody speaks: line noise stays under -50, low voices reach over -35."""
MIN_SPOKEN_FRAMES = 10
"""0.2 s: fewer loud frames than that are clicks."""
_THRESHOLD = 32768 * 10 ** (SILENCE_DBFS / 20)


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a recording turned out."""

    peak_dbfs: float
    """Its loudest sample."""
    is_silent: bool
    """Whether nobody can have spoken."""


class Meter:
    """The loudest sample of all, and whether anybody spoke."""

    def __init__(self, rate: int) -> None:
        self._frame = rate // 50
        self._peak = 0
        self._spoken_frames = 0

    def measure(self, pcm: NDArray[np.int16]) -> None:
        """Take the next samples of one channel."""
        levels = np.abs(pcm.astype(np.int32))
        self._peak = max(self._peak, int(levels.max(initial=0)))
        frames = levels[: len(levels) // self._frame * self._frame].reshape(-1, self._frame)
        self._spoken_frames += int(np.count_nonzero(frames.max(axis=1, initial=0) > _THRESHOLD))

    @property
    def loudness(self) -> Loudness:
        """How loud it was so far."""
        peak = 20 * math.log10(self._peak / 32768) if self._peak else QUIETEST_DBFS
        return Loudness(round(peak, 1), is_silent=self._spoken_frames < MIN_SPOKEN_FRAMES)
