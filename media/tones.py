"""Tones, and which tones are in a piece of audio. Levels are in dB of a full-scale sine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

FULL_SCALE = 32_767
FLOOR_DB = -120.0
"""What an absent tone measures."""
FRAME_S = 0.02

_FADE_S = 0.005


def silence(seconds: float, rate: int) -> Pcm:
    """Return ``seconds`` of nothing."""
    return np.zeros(round(seconds * rate), np.int16)


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


def detect(pcm: Pcm, rate: int, frequencies: Sequence[float]) -> NDArray[np.float64]:
    """Return the level of each frequency (columns) in each whole 20 ms (rows), in dB, by Goertzel's sums."""
    size = round(rate * FRAME_S)
    frames = pcm[: len(pcm) // size * size].reshape(-1, size).astype(np.float64)
    turns = np.outer(np.arange(size) / rate, np.asarray(frequencies, np.float64))
    amplitude = np.abs(frames @ np.exp(-2j * np.pi * turns)) * 2 / (size * FULL_SCALE)
    return np.asarray(20 * np.log10(np.maximum(amplitude, 10 ** (FLOOR_DB / 20))), np.float64)
