"""Packets in, in whatever order they come; frames out, in the order in which they were said."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, TypeAlias

from media.rtp import timestamp_delta

FIRST_DEPTH_S = 0.04
"""How long the first packet waits, before it is known how unevenly they come."""
LONGEST_DEPTH_S = 0.2
MOST_WAITING = 200
"""Packets that are held at most: two seconds of the shortest that phones send."""
RESTART_S = 2.0
"""A timestamp so far from all others begins anew."""
PAUSE_S = 0.2
"""Without a packet for so long, the far end has paused (DTX); what comes then waits as the first did."""
_SHRINK_AFTER_S = 1.0
"""How long packets must have come earlier than needed before one is left out."""
_FORGETS = 1 / 400
"""The share of the worst lateness that each packet lets forget: half of it in some 5 s."""
_REMEMBERED = 32
"""Packets that were played and are known again when they come twice."""
_DRIFT_S = 0.00005
"""By how much per packet the clocks of both ends may drift apart."""


class Frame(NamedTuple):
    """One packet's payload, in its turn."""

    payload: bytes
    """What came."""
    is_spare: bool
    """Whether it is to be left out, because everything is later than need be."""


class Missing(NamedTuple):
    """Sound that did not come, and must be made up."""

    ticks: int
    """How long."""


Played: TypeAlias = Frame | Missing | None
"""None: there is nothing to play; the far end pauses, or has not begun."""


class _Waiting(NamedTuple):
    ticks: int
    payload: bytes


class JitterBuffer:
    """Holds packets of one codec as long as their network is uneven, and no longer than `LONGEST_DEPTH_S`."""

    def __init__(self, clock_hz: int) -> None:
        self.late = 0
        """Packets that came after their turn."""
        self.duplicates = 0
        """Packets that came twice."""
        self._clock_hz = clock_hz
        self._ssrc = -1
        self._waiting: dict[int, _Waiting] = {}
        self._played: deque[int] = deque(maxlen=_REMEMBERED)
        self._newest = 0
        """Timestamp of the packet furthest ahead, wraps counted."""
        self._end = 0
        """Where that packet's sound ends."""
        self._base = 0.0
        """The quickest transit of late, in ticks."""
        self._worst = 0.0
        """By how many ticks packets of late were slower than that."""
        self._frame = clock_hz // 50
        self._is_playing = False
        self._play_at = 0.0
        self._next = 0
        """The timestamp whose turn it is."""
        self._starved = 0
        self._owed = 0
        self._least = 0
        self._least_of = 0

    @property
    def depth_s(self) -> float:
        """Seconds by which packets are delayed so that uneven ones still come in time."""
        wanted = self._frame + self._worst if self._is_playing else FIRST_DEPTH_S * self._clock_hz
        return min(wanted / self._clock_hz, LONGEST_DEPTH_S)

    def push(self, timestamp: int, ssrc: int, payload: bytes, *, ticks: int, now: float) -> None:
        """Take a packet of `ticks` that came ``now``."""
        ahead = timestamp_delta(timestamp, self._newest & 0xFFFF_FFFF)
        is_flooded = len(self._waiting) >= MOST_WAITING
        if ssrc != self._ssrc or abs(ahead) > RESTART_S * self._clock_hz or is_flooded:
            self._restart(timestamp, ssrc)
            ahead = 0
        at = self._newest + ahead
        if at in self._waiting or at in self._played:
            self.duplicates += 1
            return
        self._measure(at, now)
        if self._is_playing and at < self._next:
            self._miss(at)
        else:
            if not self._waiting and not self._is_playing:
                self._play_at = now + self.depth_s
            self._waiting[at] = _Waiting(ticks, payload)
            self._frame = ticks or self._frame
            if at + ticks > self._end:
                self._newest, self._end = at, at + ticks

    def _restart(self, timestamp: int, ssrc: int) -> None:
        """Forget another stream; the first packet of this one is its beginning."""
        self._ssrc = ssrc
        self._waiting.clear()
        self._played.clear()
        self._newest = self._end = timestamp
        self._base = float("inf")
        self._worst = 0.0
        self._stop()

    def _stop(self) -> None:
        self._is_playing = False
        self._starved = self._owed = 0

    def _measure(self, at: int, now: float) -> None:
        transit = now * self._clock_hz - at
        self._base = min(transit, self._base + _DRIFT_S * self._clock_hz)
        lateness = min(transit - self._base, LONGEST_DEPTH_S * self._clock_hz)
        self._worst = max(lateness, self._worst * (1 - _FORGETS))

    def _miss(self, at: int) -> None:
        """Count a packet whose turn was over; later ones are to wait longer."""
        self.late += 1
        room = LONGEST_DEPTH_S * self._clock_hz - (self._end - self._next)
        behind = self._next - at
        if behind <= self._worst:
            self._owed = max(self._owed, int(min(behind, room)))

    def pull(self, wanted: int, now: float) -> Played:
        """Return what comes next; what is made up or paused is ``wanted`` ticks, or less."""
        if not self._is_playing and not self._begin(now):
            return None
        if self._owed >= wanted > 0:  # the delay grows, so that the next late packet is in time
            self._owed -= wanted
            return Missing(wanted)
        if not self._waiting:
            return self._starve(wanted)
        first = min(self._waiting)
        self._next += min(first - self._next, self._starved) if first > self._next else 0
        self._starved = 0
        if first - self._next > LONGEST_DEPTH_S * self._clock_hz:
            self._next = first  # what lies behind so long a gap came at once: the speaker's clock has leapt
        if first > self._next:
            missing = min(first - self._next, wanted)
            self._next += missing
            return Missing(missing)
        return self._play(first)

    def _begin(self, now: float) -> bool:
        if not self._waiting or now < self._play_at - 1e-6:
            return False
        self._is_playing = True
        self._next = min(self._waiting)
        self._measure_depth(start=True)
        return True

    def _starve(self, wanted: int) -> Played:
        """Make up for what is late or lost; after a while take it for a pause."""
        self._starved += wanted
        if self._starved > PAUSE_S * self._clock_hz:
            self._stop()
            return None
        return Missing(wanted)

    def _play(self, first: int) -> Frame:
        ticks, payload = self._waiting.pop(first)
        self._played.append(first)
        self._next = max(self._next, first + ticks)
        self._measure_depth()
        has_burst = self._end - self._next > LONGEST_DEPTH_S * self._clock_hz
        return Frame(payload, is_spare=has_burst or self._is_too_deep())

    def _measure_depth(self, *, start: bool = False) -> None:
        """Note the least that was in store since a packet was left out."""
        left = self._end - self._next
        self._least = left if start or not self._least_of else min(self._least, left)
        self._least_of = 0 if start else self._least_of + self._frame

    def _is_too_deep(self) -> bool:
        if self._least_of < _SHRINK_AFTER_S * self._clock_hz:
            return False
        self._least_of = 0
        return self._least > max(self._worst, FIRST_DEPTH_S * self._clock_hz) + self._frame
