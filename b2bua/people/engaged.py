"""Leases of everybody one ringing offers a call to: the answerer's becomes a talk, the others' end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType

from b2bua.people.occupancy import Engagement, Lease, Occupancy

LONGEST_TALK_S = 12 * 3600.0
"""A lease must end by itself; no conversation of an office is longer."""
LATE_S = 0.005
"""Timers of some loops fire up to a millisecond early; by then a lease must be over."""
MARGIN_S = 2.0
"""An offer's lease outlives its ringing by so much, then frees by itself whatever went wrong."""


class Offered:
    """``with`` block around one ringing; leaving it frees everybody, the answerer after ``wrap_up_s``."""

    __slots__ = ("_leases", "_now", "_occupancy", "_talking", "_wrap_up_s")

    def __init__(
        self, occupancy: Occupancy, people: Iterable[str], *, seconds: float, wrap_up_s: float = 0.0
    ) -> None:
        self._occupancy = occupancy
        self._wrap_up_s = wrap_up_s
        self._now = asyncio.get_running_loop().time
        until = self._now() + seconds + MARGIN_S
        self._leases = {person: occupancy.offer(person, until, self._now()) for person in people}
        self._talking: Lease | None = None

    def __enter__(self) -> Offered:
        return self

    def answered(self, person: str | None) -> None:
        """Note who took the call (None: somebody who is none of ours) and free the others at once."""
        now = self._now()
        self._talking = self._leases.pop(person, None) if person is not None else None
        if self._talking is not None and self._talking.is_live(now):
            self._talking.extend(now + LONGEST_TALK_S, now, Engagement.TALKING)
        self._free_others(now)

    def _free_others(self, now: float) -> None:
        for lease in self._leases.values():
            lease.release(now)
        self._leases.clear()

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Free everybody; a second time does nothing more."""
        now = self._now()
        self._free_others(now)
        talk, self._talking = self._talking, None
        if talk is None:
            return
        if self._wrap_up_s > 0 and talk.is_live(now):
            talk.extend(now + self._wrap_up_s, now, Engagement.WRAP_UP)
            asyncio.get_running_loop().call_at(now + self._wrap_up_s + LATE_S, self._expire)
        else:
            talk.release(now)

    def _expire(self) -> None:
        self._occupancy.expire(self._now())


def talking(occupancy: Occupancy, person: str) -> Offered:
    """Return a block within which ``person`` talks with somebody."""
    engaged = Offered(occupancy, [person], seconds=LONGEST_TALK_S)
    engaged.answered(person)
    return engaged
