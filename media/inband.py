"""DTMF that arrives as sound, from lines and gateways that know no events (ITU-T Q.23, Q.24)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

LOW_HZ = (697.0, 770.0, 852.0, 941.0)
HIGH_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
"""Rows by their low tone, columns by their high one."""

WINDOW_S = 0.02
HOP_S = 0.01
STEADY_HOPS = 3
"""Equal results in a row before they count: tones of 40 ms are heard, of 20 ms not, gaps of 10 ms neither."""
QUIETEST_DB = -38.0
"""Below a full-scale sine; a phone sends about -10, a bad line takes 20 from it."""
MAX_TWIST_DB = 8.0
"""How much louder one of the two tones may be (Q.24)."""
MIN_LEAD_DB = 4.0
"""How much louder a tone must be than its neighbours."""
MIN_PURITY = 0.75
"""Share of the energy that is in the two tones; a voice that sings a key's tones has most of it elsewhere."""

_SILENCE_POWER = 1e-12


class InbandReceiver:
    """Tells each press once, as soon as its tones have been steady for some 40 ms."""

    def __init__(self, rate: int) -> None:
        self._window = round(rate * WINDOW_S)
        self._hop = round(rate * HOP_S)
        turns = np.outer(np.arange(self._window) / rate, LOW_HZ + HIGH_HZ)
        # The soft edges of Hann's window let a tone be off by 1.5 % and still show all of its energy.
        self._edges = np.hanning(self._window)
        self._edges /= np.sqrt(np.mean(self._edges**2))
        self._waves = np.exp(-2j * np.pi * turns) * (2 / np.sum(self._edges))
        self._rest: Pcm = np.empty(0, np.int16)
        self._seen = self._held = ""
        self._run = 0

    def feed(self, pcm: Pcm) -> list[str]:
        """Return the digits that became sure with these samples, which follow those fed before."""
        samples = np.concatenate((self._rest, pcm))
        starts = range(0, len(samples) - self._window + 1, self._hop)
        self._rest = samples[len(starts) * self._hop :]
        keys = (self._key(samples[start : start + self._window]) for start in starts)
        return [key for key in keys if self._is_press(key)]

    def _is_press(self, key: str) -> bool:
        """Return whether ``key`` ("" for none), seen in the next window, is now sure and was not before."""
        self._run = self._run + 1 if key == self._seen else 1
        self._seen = key
        if self._run < STEADY_HOPS or key == self._held:
            return False
        self._held = key
        return key != ""

    def _key(self, window: Pcm) -> str:
        """Return the key whose two tones ``window`` holds and nothing else, "" if it holds none."""
        wave = window / 32_768 * self._edges
        power = np.abs(wave @ self._waves) ** 2 + _SILENCE_POWER
        row, row_db, row_lead_db = _loudest(power[:4])
        column, column_db, column_lead_db = _loudest(power[4:])
        if min(row_db, column_db) < QUIETEST_DB or abs(row_db - column_db) > MAX_TWIST_DB:
            return ""
        in_tones = (power[row] + power[4 + column]) / 2
        if min(row_lead_db, column_lead_db) < MIN_LEAD_DB or in_tones < MIN_PURITY * float(np.mean(wave**2)):
            return ""
        return KEYS[row][column]


def _loudest(power: NDArray[np.float64]) -> tuple[int, float, float]:
    """Return which tone of a group is loudest, its level in dB and its lead over the next in dB."""
    first, second = np.argsort(power)[:-3:-1]
    levels = 10 * np.log10(power)
    return int(first), float(levels[first]), float(levels[first] - levels[second])
