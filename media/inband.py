"""DTMF that arrives as sound, from lines and gateways that know no events (ITU-T Q.23, Q.24)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from media.commands import DigitPressed, Event
from media.dtmf import HIGH_HZ, KEYS, LOW_HZ
from media.hearing import RATE, Hearing, Pcm

WINDOW, HOP = 160, 40
SURE_AFTER = 5
"""Windows in a row that hold one key before it counts: tones of 40 ms are heard, of 23 ms not."""
OVER_AFTER = 10
"""Windows in a row without it before it may be pressed anew: a pause of 40 ms is enough, a hole of 10 ms or a
lost packet is none."""
QUIETEST_DB = -37.0
"""Of each tone, below a full-scale sine: -34 dBm0. A phone sends about -10, a bad line takes 20 from it."""
MOST_HIGHER_DB, MOST_LOWER_DB = 5.5, 9.5
"""By how much the high tone may be louder, or softer; Q.24 has 4 and 8, measured behind the line's noise."""
MIN_LEAD_DB = 6.0
"""How much louder a tone must be than its neighbours."""
MIN_PURITY = 0.82
"""Share of the energy that is in the two tones; a voice that sings a key's tones has more of it elsewhere."""
MOST_DETUNED, MOST_DETUNED_HZ = 0.021, 2.0
"""How far a tone may be off: Q.24 takes 1.5 % and 2 Hz for a key, and 3.5 % for none."""

_TONES = np.array(LOW_HZ + HIGH_HZ)
_EDGES = np.hanning(WINDOW) / np.sqrt(np.mean(np.hanning(WINDOW) ** 2))
_WAVES = np.exp(-2j * np.pi * np.outer(np.arange(WINDOW) / RATE, _TONES)) * (2 / np.sum(_EDGES))
_TURN = np.exp(-2j * np.pi * _TONES * HOP / RATE)
"""By which the phase of each tone turns from window to window when it is in tune."""
_FAR_DB = -300.0


class InbandListener:
    """Tells each press of one far end once, as soon as its tones have been steady for some 40 ms."""

    def __init__(self, now: float) -> None:
        self._hearing = Hearing(now)
        self.listen = self._hearing.listen
        """Takes the audio of one packet."""
        self._rest: Pcm = np.empty(0, np.int16)
        self._phases = np.zeros(len(_TONES), np.complex128)
        self._seen = self._held = -1
        self._run = self._absent = 0

    def windows(self, now: float) -> Pcm:
        """Return what came since, as overlapping windows, one in each row; lost packets are made up."""
        return self.cut(self._hearing.new_samples(now))

    def cut(self, pcm: Pcm) -> Pcm:
        """Return the windows that ``pcm`` completes, which follows what came before."""
        samples = np.concatenate((self._rest, pcm))
        count = max(0, (len(samples) - WINDOW) // HOP + 1)
        self._rest = samples[count * HOP :]
        if not count:
            return np.empty((0, WINDOW), np.int16)
        return np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[: (count - 1) * HOP + 1 : HOP]

    def before(self, phases: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the sums of the window before each of ``phases``, which are those of the next windows."""
        earlier = np.concatenate((self._phases[np.newaxis], phases[:-1]))
        self._phases = phases[-1]
        return earlier

    def presses(self, keys: Sequence[int]) -> str:
        """Return the keys that became sure with the next windows, whose ``keys`` these are; -1 is none."""
        return "".join(KEYS[key // 4][key % 4] for key in keys if self._is_press(key))

    def _is_press(self, key: int) -> bool:
        self._run = self._run + 1 if key == self._seen else 1
        self._seen = key
        self._absent = 0 if key == self._held else self._absent + 1
        if self._absent >= OVER_AFTER:
            self._held = -1
        if key < 0 or key == self._held or self._run < SURE_AFTER:
            return False
        self._held, self._absent = key, 0
        return True


class Listeners:
    """All legs of an engine whose sound is searched for keys."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._listeners: dict[int, InbandListener] = {}

    def add(self, leg: int, now: float) -> InbandListener:
        """Begin to listen to a leg; return what takes its audio."""
        self._listeners[leg] = InbandListener(now)
        return self._listeners[leg]

    def drop(self, leg: int) -> None:
        """Listen to that leg no more."""
        self._listeners.pop(leg, None)

    def hear(self, now: float) -> None:
        """Tell what was pressed since the last time."""
        if not self._listeners:
            return
        windows = [(listener, listener.windows(now)) for listener in self._listeners.values()]
        for leg, keys in zip(self._listeners, hear_all(windows), strict=True):
            for key in keys:
                self._emit(DigitPressed(leg, key, is_tone=True))


def hear_all(windows: Sequence[tuple[InbandListener, Pcm]]) -> list[str]:
    """Return what was pressed in the next windows of each listener; all are looked at in one go."""
    sizes = [len(each) for _, each in windows]
    if not sum(sizes):
        return [""] * len(sizes)
    waves = np.concatenate([each for _, each in windows]) / 32_768 * _EDGES
    sums = waves @ _WAVES
    cuts = np.cumsum(sizes)[:-1]
    earlier = np.concatenate(
        [
            listener.before(each)
            for (listener, _), each in zip(windows, np.split(sums, cuts), strict=True)
            if len(each)
        ]
    )
    keys = np.split(_keys(waves, sums, earlier), cuts)
    return [listener.presses(each.tolist()) for (listener, _), each in zip(windows, keys, strict=True)]


def _keys(
    waves: NDArray[np.float64], sums: NDArray[np.complex128], earlier: NDArray[np.complex128]
) -> NDArray[np.int64]:
    """Return for each window the key whose two tones it holds and nothing else: 4 x row + column, else -1."""
    off_hz = np.angle(sums * np.conj(earlier) * _TURN) * RATE / (2 * np.pi * HOP)
    power = np.abs(sums) ** 2
    row, column = power[:, :4].argmax(axis=1), power[:, 4:].argmax(axis=1) + 4
    low, high = _of_tone(power, row), _of_tone(power, column)
    low_off, high_off = _of_tone(off_hz, row), _of_tone(off_hz, column)
    low_db, high_db = _db(low), _db(high)
    in_tones = (low * _regained(low_off) + high * _regained(high_off)) / 2
    is_key = (
        (np.minimum(low_db, high_db) > QUIETEST_DB)
        & (high_db - low_db < MOST_HIGHER_DB)
        & (low_db - high_db < MOST_LOWER_DB)
        & (_lead_db(power[:, :4]) > MIN_LEAD_DB)
        & (_lead_db(power[:, 4:]) > MIN_LEAD_DB)
        & (in_tones > MIN_PURITY * np.mean(waves**2, axis=1))
        & _is_in_tune(low_off, row)
        & _is_in_tune(high_off, column)
    )
    return np.where(is_key, 4 * row + column - 4, -1)


def _of_tone(values: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.take_along_axis(values, which[:, np.newaxis], axis=1)[:, 0]


def _db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (_FAR_DB / 10))), np.float64)


def _lead_db(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much the loudest tone of a group leads the next."""
    second, first = np.sort(_db(powers), axis=1)[:, -2:].T
    return np.asarray(first - second, np.float64)


def _is_in_tune(off_hz: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.abs(off_hz) < MOST_DETUNED * _TONES[which] + MOST_DETUNED_HZ


def _regained(off_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much a tone is louder than its sum says because it is off (Hann's window)."""
    bins = np.minimum(np.abs(off_hz) * WINDOW / RATE, 0.9)
    return np.asarray(((1 - bins**2) / np.sinc(bins)) ** 2, np.float64)
