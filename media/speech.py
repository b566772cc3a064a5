"""What one far end says, decoded in even time."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from media.ear import Ear
from media.encoding import clock_rate_hz, duration_ticks
from media.jitter import FIRST_DEPTH_S, Frame, JitterBuffer, Missing

_JOINED_S = 0.005
"""In which sound passes over what is left out."""
_HELD_S = FIRST_DEPTH_S + 0.02
"""So old is a packet that is due now, at most, where nothing is known of how unevenly they come."""
_MOST_HELD = 32
"""More than come meanwhile, be they as short as can be."""
Pcm = NDArray[np.int16]


class _Held(NamedTuple):
    codec: str
    payload: bytes
    timestamp: int
    ssrc: int
    at: float
    """When it came."""


class Speech:
    """Packets in, samples of one rate out, in order and without holes: between them lies a jitter buffer."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._ready: Pcm = np.empty(0, np.int16)
        self._codec = ""
        self._clock_hz = rate
        self._buffer = JitterBuffer(rate)
        self._ear: Ear | None = None
        self._is_after_spare = False
        self._held: deque[_Held] = deque(maxlen=_MOST_HELD)

    def push(self, codec: str, payload: bytes, *, timestamp: int, ssrc: int, now: float) -> None:
        """Take one packet."""
        if self._held:
            self._go_on(now)
        if codec != self._codec:
            self._codec = codec
            self._clock_hz = clock_rate_hz(codec)
            self._buffer = JitterBuffer(self._clock_hz)
            self._ear = Ear(codec, self._rate)
        ticks = duration_ticks(codec, payload)
        if ticks:
            self._buffer.push(timestamp, ssrc, payload, ticks=ticks, now=now)

    def hold(self, codec: str, payload: bytes, *, timestamp: int, ssrc: int, now: float) -> None:
        """Take one packet while somebody else is heard; when he is through, only the newest still count."""
        self._codec = ""
        self._ear = None
        self._ready = self._ready[:0]
        self._held.append(_Held(codec, payload, timestamp, ssrc, now))

    def _go_on(self, now: float) -> None:
        """Begin anew with what is not too old: it is heard without waiting for more of it."""
        held = list(self._held)
        self._held.clear()
        for each in held:
            if now - each.at < _HELD_S:
                self.push(each.codec, each.payload, timestamp=each.timestamp, ssrc=each.ssrc, now=each.at)

    def pull(self, size: int, now: float) -> Pcm | None:
        """Return the ``size`` samples that are due; None while the far end pauses."""
        if self._held:
            self._go_on(now)
        while len(self._ready) < size:
            samples = self._next_samples(size, now)
            if samples is None:
                return None
            self._ready = np.concatenate((self._ready, samples))
        due, self._ready = self._ready[:size], self._ready[size:]
        return due

    def _next_samples(self, size: int, now: float) -> Pcm | None:
        """Return the samples that follow, as many as there are at once; None in a pause."""
        if self._ear is None:
            return None
        wanted = -(-(size - len(self._ready)) * self._clock_hz // self._rate)
        played = self._buffer.pull(wanted, now)
        if isinstance(played, Missing):
            return self._ear.conceal(played.ticks / self._clock_hz)
        if isinstance(played, Frame):
            return self._joined(self._ear.hear(played.payload), is_spare=played.is_spare)
        return None

    def _joined(self, samples: Pcm, *, is_spare: bool) -> Pcm:
        """Return ``samples``, or of spare ones their beginning alone, faded into by what follows."""
        size = min(round(_JOINED_S * self._rate), len(samples))
        if self._is_after_spare and not is_spare:
            left = self._ready[len(self._ready) - size :]
            if len(left) == size:
                rising = np.arange(size) / size
                joint = (left * (1 - rising) + samples[:size] * rising).astype(np.int16)
                self._ready = np.concatenate((self._ready[:-size], joint))
                samples = samples[size:]
        self._is_after_spare = is_spare
        return samples[:size] if is_spare else samples
