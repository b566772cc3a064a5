"""Sample rates, by windowed sinc."""

from __future__ import annotations

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
