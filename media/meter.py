"""How loud sound is that comes piece by piece."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.codecs.g711 import G711
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
        self._peak = max(self._peak, self._highest(np.abs(pcm.astype(np.int32)), _THRESHOLD))

    def measure_coded(self, payload: bytes, law: G711) -> None:
        """Take the next samples as they are encoded."""
        ranks = np.frombuffer(payload.translate(law.ranks), np.uint8)
        threshold = int(np.searchsorted(law.magnitudes, _THRESHOLD)) - 1
        self._peak = max(self._peak, int(law.magnitudes[self._highest(ranks, threshold)]))

    def _highest(self, levels: NDArray[Any], threshold: float) -> int:
        """Return the highest of ``levels``, having counted the frames that are above ``threshold``."""
        frames = levels[: len(levels) // self._frame * self._frame].reshape(-1, self._frame)
        self._spoken_frames += int(np.count_nonzero(frames.max(axis=1, initial=0) > threshold))
        return int(levels.max(initial=0))

    @property
    def loudness(self) -> Loudness:
        """How loud it was so far."""
        peak = 20 * math.log10(self._peak / 32768) if self._peak else QUIETEST_DBFS
        return Loudness(round(peak, 1), is_silent=self._spoken_frames < MIN_SPOKEN_FRAMES)
