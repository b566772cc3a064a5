"""Call-progress tones, and which tones are in a piece of audio. Levels are in dB of a full-scale sine."""

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
_DEFAULT_RINGBACK = ((425.0,), (1.0, 4.0))
_RINGBACK: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "AU": ((400.0, 425.0), (0.4, 0.2, 0.4, 2.0)),
    "CA": ((440.0, 480.0), (2.0, 4.0)),
    "CZ": ((425.0,), (1.0, 4.0)),
    "FR": ((440.0,), (1.5, 3.5)),
    "GB": ((400.0, 450.0), (0.4, 0.2, 0.4, 2.0)),
    "IE": ((400.0, 450.0), (0.4, 0.2, 0.4, 2.0)),
    "JP": ((400.0,), (1.0, 2.0)),
    "RU": ((425.0,), (0.8, 3.2)),
    "US": ((440.0, 480.0), (2.0, 4.0)),
}
"""Frequencies, then seconds on and off in turn (ITU-T E.180); most of Europe is the default."""


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


def ringback(country: str, rate: int, *, level_db: float = -16.0) -> Pcm:
    """Return one period, to be looped, of what callers hear in ``country`` (ISO 3166 code) while it rings."""
    frequencies, cadence = _RINGBACK.get(country.upper(), _DEFAULT_RINGBACK)
    parts = (
        silence(seconds, rate) if index % 2 else tone(frequencies, seconds, rate, level_db)
        for index, seconds in enumerate(cadence)
    )
    return np.concatenate(list(parts))


def beep(rate: int, *, level_db: float = -13.0) -> Pcm:
    """Return the tone after which a message is recorded: 1 kHz, 0.4 s."""
    return tone((1000.0,), 0.4, rate, level_db)


def detect(pcm: Pcm, rate: int, frequencies: Sequence[float]) -> NDArray[np.float64]:
    """Return the level of each frequency (columns) in each whole 20 ms (rows), in dB, by Goertzel's sums."""
    size = round(rate * FRAME_S)
    frames = pcm[: len(pcm) // size * size].reshape(-1, size).astype(np.float64)
    turns = np.outer(np.arange(size) / rate, np.asarray(frequencies, np.float64))
    amplitude = np.abs(frames @ np.exp(-2j * np.pi * turns)) * 2 / (size * FULL_SCALE)
    return np.asarray(20 * np.log10(np.maximum(amplitude, 10 ** (FLOOR_DB / 20))), np.float64)
