"""What one far end says, as samples in order, for whoever looks for something in it while it comes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media.encoding import clock_rate_hz, duration_ticks
from media.soundfile import TICKS_PER_SECOND
from media.stereofile import Side
from media.track import Track

Pcm = NDArray[np.int16]

RATE = TICKS_PER_SECOND
"""Of the samples, whatever the codec."""
IN_ORDER_TICKS = 320
"""So much behind the newest packet a late one can still take its place."""
IDLE_S = 0.08
"""So long behind the end of what came last, what there is counts as all."""


class Hearing:
    """Packets of one leg, decoded; lost ones are made up."""

    def __init__(self, now: float) -> None:
        self._began = self._ends_at = now
        """The latter: when the clock is where the sound that came last ends."""
        self._track = Track()
        self._side = Side(RATE, 0)
        self._given = 0

    def listen(self, codec: str, payload: bytes, timestamp: int, ssrc: int, now: float) -> None:
        """Take the audio of one packet."""
        self._ends_at = now + duration_ticks(codec, payload) / clock_rate_hz(codec)
        arrived = int((now - self._began) * RATE)
        self._track.write(codec, payload, timestamp=timestamp, ssrc=ssrc, arrived=arrived)

    def new_samples(self, now: float, *, with_silence: bool = False) -> Pcm:
        """Return what came since; ``with_silence``: time in which nothing comes is silence, and comes too."""
        end = self._end(now, with_silence=with_silence)
        if end <= self._given:
            return np.empty(0, np.int16)
        self._given = end
        return self._side.render(self._track.settle(end), end)

    def _end(self, now: float, *, with_silence: bool) -> int:
        if now - self._ends_at <= IDLE_S:
            return self._track.end - IN_ORDER_TICKS
        if not with_silence:
            return self._track.end
        return max(self._track.end, int((now - self._began - IDLE_S) * RATE))
