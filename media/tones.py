"""Tones. Levels are in dB of a full-scale sine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

FULL_SCALE = 32_767

_FADE_S = 0.005


def tone(frequencies: Sequence[float], seconds: float, rate: int, level_db: float = -13.0) -> Pcm:
    """Return all ``frequencies`` (Hz) at once, each at ``level_db``; fading ends keep it from clicking."""
    at = np.arange(round(seconds * rate)) / rate
    wave = sum((np.sin(2 * np.pi * frequency * at) for frequency in frequencies), np.zeros_like(at))
    wave *= FULL_SCALE * 10 ** (level_db / 20)
    edge = min(round(_FADE_S * rate), len(wave) // 2)
    slope = np.arange(edge) / max(edge, 1)
    wave[:edge] *= slope
    wave[len(wave) - edge :] *= slope[::-1]
    return np.clip(np.rint(wave), -FULL_SCALE, FULL_SCALE).astype(np.int16)
