"""Sound in the place of what was lost: the last pitch period over and over, dying away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

_LOWEST_PITCH_HZ, _HIGHEST_PITCH_HZ = 66, 400
_COMPARED_S = 0.02
"""How much of the past is compared with itself to find the pitch."""
_FULL_S, _FADED_S = 0.01, 0.06
"""As loud as before for the first, silent from the second on (ITU-T G.711 appendix I)."""
_MENDED_S = 0.005
"""In which what was made up passes over into what came."""


class Concealment:
    """What one listener hears of a stream with holes; told of all that is heard."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._past: Pcm = np.zeros(rate // _LOWEST_PITCH_HZ + round(_COMPARED_S * rate), np.int16)
        self._period: Pcm = np.empty(0, np.int16)
        self._missing = 0
        """Samples made up since the last that came."""

    def heard(self, pcm: Pcm) -> Pcm:
        """Return ``pcm``, which came, its beginning joined to what was made up before it."""
        if self._missing and len(pcm):
            pcm = self._mended(pcm)
        self._missing = 0
        size = len(self._past)
        self._past = (pcm if len(pcm) >= size else np.concatenate((self._past, pcm)))[-size:]
        return pcm

    def conceal(self, samples: int) -> Pcm:
        """Return ``samples`` in place of what is missing, following what was returned last."""
        if not self._missing:
            self._period = self._past[len(self._past) - _pitch(self._past, self._rate) :]
        made_up = self._made_up(self._missing, samples)
        self._missing += samples
        return made_up

    def _made_up(self, start: int, samples: int) -> Pcm:
        at = np.arange(start, start + samples)
        level = np.clip((_FADED_S - at / self._rate) / (_FADED_S - _FULL_S), 0.0, 1.0)
        return np.asarray(self._period[at % len(self._period)] * level, np.int16)

    def _mended(self, pcm: Pcm) -> Pcm:
        size = min(len(pcm), round(_MENDED_S * self._rate))
        rising = np.arange(size) / size
        joint = pcm[:size] * rising + self._made_up(self._missing, size) * (1 - rising)
        return np.concatenate((joint.astype(np.int16), pcm[size:]))


def _pitch(past: Pcm, rate: int) -> int:
    """Return after how many samples the end of ``past`` resembles itself most."""
    size = round(_COMPARED_S * rate)
    step = max(1, rate // 8000)  # the pitch is below 400 Hz: 8 kHz show it
    coarse = past[len(past) % step :: step].astype(np.float64)
    template = coarse[-(size // step) :]
    windows = np.lib.stride_tricks.sliding_window_view(coarse, len(template))
    likeness = windows @ template / np.sqrt((windows**2).sum(axis=1) + 1.0)
    shortest = rate // _HIGHEST_PITCH_HZ // step
    lags = np.arange(len(windows) - 1, -1, -1)
    best = int(np.argmax(np.where(lags >= shortest, likeness, -np.inf)))
    return max(1, int(lags[best]) * step)
