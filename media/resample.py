"""Sample rates, by windowed sinc."""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

_CROSSINGS = 16
"""Zero crossings of the sinc on either side: over 60 dB against aliases."""


def resample(pcm: NDArray[np.int16], rate: int, to_rate: int) -> NDArray[np.int16]:
    """Return ``pcm`` of ``rate`` Hz at ``to_rate`` Hz, as long in seconds, without delay."""
    if rate == to_rate or not len(pcm):
        return pcm
    divisor = gcd(rate, to_rate)
    up, down = to_rate // divisor, rate // divisor
    if 1 in (up, down):
        return _by_pieces(pcm, rate, to_rate)
    length = -(-len(pcm) * up // down)
    centres = np.arange(length) * down
    nearest, phase = centres // up, centres % up
    bank = _filter_bank(up, down)
    half = bank.shape[1] // 2
    padded = np.pad(pcm.astype(np.float32), (half, half + 1))
    resampled = np.zeros(length, np.float32)
    for tap in range(bank.shape[1]):
        resampled += padded[nearest + tap + 1] * bank[phase, tap]
    return np.clip(np.rint(resampled), -32768, 32767).astype(np.int16)


def _by_pieces(pcm: NDArray[np.int16], rate: int, to_rate: int) -> NDArray[np.int16]:
    """Return the same a second at a time, which is several times faster where one rate is a multiple."""
    resampler = Resampler(rate, to_rate)
    longer = np.concatenate((pcm, np.zeros(resampler.delay, np.int16)))
    pieces = [resampler.feed(longer[start : start + rate]) for start in range(0, len(longer), rate)]
    return np.concatenate(pieces)[resampler.delay * to_rate // rate :]


class Resampler:
    """The same for a stream that comes piece by piece, without a seam, 16 samples of the lower rate late.

    One rate is a whole multiple of the other, as those of all codecs are.
    """

    def __init__(self, rate: int, to_rate: int) -> None:
        self._up, self._down = max(1, to_rate // rate), max(1, rate // to_rate)
        if rate * self._up != to_rate * self._down:
            raise ValueError(f"{rate} Hz does not become {to_rate} Hz piece by piece")
        self._bank = _filter_bank(self._up, self._down).T.copy()
        self.delay = len(self._bank) // 2
        """By how many samples that came in what goes out is late."""
        self._past = np.zeros(len(self._bank) - 1, np.float32)
        self._skip = 0

    def feed(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return what ``pcm`` adds."""
        if self._up == self._down:
            return pcm
        stream = np.concatenate((self._past, pcm.astype(np.float32)))
        self._past = stream[len(pcm) :]
        if not len(pcm):
            return pcm
        windows = np.lib.stride_tricks.sliding_window_view(stream, len(self._bank))[self._skip :: self._down]
        self._skip = (self._skip - len(pcm)) % self._down
        resampled = (windows @ self._bank).reshape(-1)
        return np.asarray(np.clip(np.rint(resampled), -32768, 32767), np.int16)


@lru_cache(maxsize=16)
def _filter_bank(up: int, down: int) -> NDArray[np.float32]:
    """Return one low-pass filter per phase of the output between two input samples."""
    cutoff = min(1.0, up / down)
    half = int(np.ceil(_CROSSINGS / cutoff))
    taps = np.arange(-half + 1, half + 1)
    distance = taps[None, :] - np.arange(up)[:, None] / up
    window = np.cos(np.pi * np.clip(distance / (half + 1), -1, 1) / 2) ** 2
    bank = np.sinc(distance * cutoff) * window
    bank /= bank.sum(axis=1, keepdims=True)
    return np.asarray(bank, np.float32)
