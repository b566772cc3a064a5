"""The packets of one far end in their places on a time line that others share."""

from __future__ import annotations

from media.encoding import clock_rate_hz
from media.rtp import timestamp_delta
from media.soundfile import TICKS_PER_SECOND, Spoken, has_come

_MAX_ERROR = 2 * TICKS_PER_SECOND
"""Ticks a timestamp may be off the time of its arrival before it counts as a new beginning."""


class Track:
    """One channel of a conversation. Its packets begin where they arrive and go on by their timestamps.

    What comes twice, or behind what followed it, changes nothing; nothing else is ever left out.
    """

    def __init__(self) -> None:
        self._pending: dict[int, Spoken] = {}
        self._settled = 0
        """Before that tick everything was handed over."""
        self.end = 0
        """The tick behind the last packet of the stream."""
        self._origin = self._origin_tick = 0
        self._stream = (-1, 0)
        """SSRC and clock of what comes."""

    def begin_anew(self) -> None:
        """Let the next packet begin where it arrives: it comes from somebody else, or after a break."""
        self._stream = (-1, 0)

    def write(self, codec: str, payload: bytes, *, timestamp: int, ssrc: int, arrived: int) -> None:
        """Take the audio of a packet that ``arrived`` at that tick."""
        tick = self._place(timestamp, (ssrc, clock_rate_hz(codec)), arrived)
        spoken = Spoken(tick, codec, payload)
        is_repeated = tick < self.end and has_come(spoken, self._pending.values())
        if tick >= self._settled and not is_repeated:
            self._pending[tick] = spoken
            self.end = max(self.end, spoken.end)

    def _place(self, timestamp: int, stream: tuple[int, int], arrived: int) -> int:
        ahead = timestamp_delta(timestamp, self._origin)
        tick = self._origin_tick + ahead * TICKS_PER_SECOND // stream[1]
        is_new = stream != self._stream or abs(tick - arrived) > _MAX_ERROR
        is_overtaken = self.end <= tick < self._settled  # all that comes is late, and would be for ever
        if is_new or is_overtaken:
            tick = max(arrived, self._settled)
            self._stream, self.end = stream, tick
            self._origin, self._origin_tick = timestamp, tick
        return tick

    def settle(self, until: int) -> list[Spoken]:
        """Return the packets that begin before ``until``, in order; whatever else comes for then is late."""
        due = [self._pending.pop(tick) for tick in sorted(self._pending) if tick < until]
        self._settled = max(self._settled, until, due[-1].end if due else 0)
        return due
