"""Legs that have just answered, listened to until it is clear whether a person did."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from media.commands import Answerer, AnswererJudged, Event
from media.greeting import FRAME_S, LATEST_S, NOTHING, Frames, judge
from media.hearing import RATE, Hearing, Pcm
from media.tape import Listen

FRAME = round(FRAME_S * RATE)
WINDOW = 2 * FRAME
"""Tones are looked for in two frames, so that they stand out from their neighbours."""
_EDGES = np.hanning(WINDOW)
_SPECTRUM = 512
_PEAK_BINS = 4
"""On either side of a tone's bin, with these edges and so many bins, is all of its energy."""
_LEAST_POWER = 1e-10


class AnswererListener:
    """What one leg has said since its answer."""

    def __init__(self, now: float, *, has_codec: Callable[[str], bool]) -> None:
        """``has_codec`` returns whether a codec can be made at once, and else has it loaded."""
        self._hearing = Hearing(now)
        self._has_codec = has_codec
        self._rest: Pcm = np.zeros(FRAME, np.int16)
        self.frames = NOTHING
        """All that was heard."""
        self.is_told = False
        """Whether it was told that it is not clear: only a recording is news then."""

    def listen(self, codec: str, payload: bytes, timestamp: int, ssrc: int, now: float) -> None:
        """Take the audio of one packet; what comes before its codec is loaded is not heard."""
        if self._has_codec(codec):
            self._hearing.listen(codec, payload, timestamp, ssrc, now)

    def windows(self, now: float) -> Pcm:
        """Return what came since, as windows that overlap by a frame, one in each row."""
        return self.cut(self._hearing.new_samples(now, with_silence=True))

    def cut(self, pcm: Pcm) -> Pcm:
        """Return the windows that ``pcm`` completes, which follows what came before."""
        samples = np.concatenate((self._rest, pcm))
        count = len(samples) // FRAME - 1
        self._rest = samples[count * FRAME :]
        if count < 1:
            return np.empty((0, WINDOW), np.int16)
        return np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[: (count - 1) * FRAME + 1 : FRAME]


class Answerers:
    """All legs of an engine of which it is to be told who answered."""

    def __init__(self, emit: Callable[[Event], None], *, has_codec: Callable[[str], bool]) -> None:
        self._emit = emit
        self._has_codec = has_codec
        self._listeners: dict[int, AnswererListener] = {}

    def add(self, leg: int, now: float) -> Listen:
        """Begin to listen to a leg; return what takes its audio."""
        listener = self._listeners[leg] = AnswererListener(now, has_codec=self._has_codec)
        return listener.listen

    def drop(self, leg: int) -> None:
        """Listen to that leg no more."""
        self._listeners.pop(leg, None)

    def hear(self, now: float) -> list[int]:
        """Tell of whom it became clear; return which legs are listened to no more."""
        if not self._listeners:
            return []
        windows = [(listener, listener.windows(now)) for listener in self._listeners.values()]
        take_in(windows)
        news = [leg for leg, (_, new) in zip(self._listeners, windows, strict=True) if len(new)]
        return [leg for leg in news if self._is_done(leg, self._listeners[leg])]

    def _is_done(self, leg: int, listener: AnswererListener) -> bool:
        """Tell what is new of a leg; return whether nothing more is to be found out."""
        found = judge(listener.frames)
        is_unclear = found is not None and found.who is Answerer.UNCLEAR
        if found is not None and not (listener.is_told and found.who is not Answerer.MACHINE):
            self._emit(AnswererJudged(leg, found.who, found.why))
        elif len(listener.frames) * FRAME_S < LATEST_S:
            return False
        listener.is_told = True
        if is_unclear and len(listener.frames) * FRAME_S < LATEST_S:
            return False
        self.drop(leg)
        return True


def take_in(windows: Sequence[tuple[AnswererListener, Pcm]]) -> None:
    """Let each listener know its next windows; all are looked at in one go."""
    if not any(len(each) for _, each in windows):
        return
    frames = _frames(np.concatenate([each for _, each in windows]) / 32_768)
    cuts = np.cumsum([len(each) for _, each in windows])[:-1]
    split = (np.split(values, cuts) for values in (frames.level_db, frames.tone_hz, frames.purity))
    for (listener, _), level_db, tone_hz, purity in zip(windows, *split, strict=True):
        listener.frames = listener.frames.followed_by(Frames(level_db, tone_hz, purity))


def _frames(waves: NDArray[np.float64]) -> Frames:
    """Return what the last frame of each window is like."""
    level_db = 10 * np.log10(np.mean(waves[:, -FRAME:] ** 2, axis=1) + _LEAST_POWER)
    power = np.abs(np.fft.rfft(waves * _EDGES, _SPECTRUM, axis=1)) ** 2
    peak = power.argmax(axis=1)
    sums = np.cumsum(np.pad(power, ((0, 0), (1, 0))), axis=1)
    low = np.maximum(peak - _PEAK_BINS, 0)[:, np.newaxis]
    high = np.minimum(peak + _PEAK_BINS + 1, power.shape[1])[:, np.newaxis]
    in_tone = (np.take_along_axis(sums, high, 1) - np.take_along_axis(sums, low, 1))[:, 0]
    return Frames(level_db, peak * RATE / _SPECTRUM, in_tone / np.maximum(sums[:, -1], _LEAST_POWER))
