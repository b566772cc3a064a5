"""Who is being offered a call, talks or is in wrap-up: leases, which end by themselves and cannot stick."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from b2bua.errors import WrongState

FEW = 64
"""So many deadlines are not worth a look whether they still matter."""


class Engagement(StrEnum):
    """What keeps a person from the next call."""

    OFFERED = "offered"
    TALKING = "talking"
    WRAP_UP = "wrap-up"


@dataclass(slots=True, eq=False)
class Lease:
    """One reservation of one person; it ends at ``until`` unless extended, and at once when released."""

    person: str
    """Name of the person in the configuration."""
    engagement: Engagement
    """Why the person is not free."""
    until: float
    """End of the reservation, in the seconds of the caller's ``now``."""
    _occupancy: Occupancy = field(repr=False)
    _is_over: bool = False

    def is_live(self, now: float) -> bool:
        """Whether the reservation still holds at ``now``."""
        return not self._is_over and now < self.until

    def extend(self, until: float, now: float, engagement: Engagement | None = None) -> None:
        """Hold the person until ``until`` (earlier than before is allowed), from now on for ``engagement``.

        Raises:
            WrongState: the lease has ended; the person may be somebody else's by now.
        """
        if not self.is_live(now):
            raise WrongState(f"the lease on {self.person} has ended")
        self.until = until
        self.engagement = engagement or self.engagement
        self._occupancy.reschedule(self)

    def release(self, now: float) -> None:
        """Free the person; releasing twice, or after the end, is no error."""
        if not self._is_over:
            self._occupancy.end(self, now)

    def mark_over(self, now: float) -> None:
        """Note that the occupancy has dropped this lease."""
        self._is_over = True
        if self.engagement is not Engagement.OFFERED:
            self._occupancy.note_talk(self.person, until=min(now, self.until))


class Occupancy:
    """The live leases of everybody.

    A person may hold several (call waiting rings whoever talks already) and is free when none is live.
    Nothing here waits: ``is_free`` is right at any ``now``, and whoever drives it calls ``expire`` at
    ``next_expiry`` so that the callbacks of ``on_freed`` come at once.
    """

    def __init__(self) -> None:
        self._leases: dict[str, list[Lease]] = {}
        self._deadlines: list[tuple[float, int, Lease]] = []
        self._most_noted = FEW
        self._order = itertools.count()
        self._on_freed: list[Callable[[str], None]] = []
        self._talked_until: dict[str, float] = {}

    def on_freed(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call ``callback`` with the name of everybody who becomes free; return what ends that."""
        self._on_freed.append(callback)
        return lambda: self._on_freed.remove(callback) if callback in self._on_freed else None

    def offer(
        self, person: str, until: float, now: float, engagement: Engagement = Engagement.OFFERED
    ) -> Lease:
        """Reserve ``person`` until ``until``."""
        lease = Lease(person, engagement, until, self)
        self._drop_ended(person, now)
        self._leases.setdefault(person, []).append(lease)
        self.reschedule(lease)
        return lease

    def is_free(self, person: str, now: float) -> bool:
        """Whether nobody has a live lease on ``person``."""
        return self.engagement(person, now) is None

    def engagement(self, person: str, now: float) -> Engagement | None:
        """What ``person`` is engaged in; talking counts more than anything else. ``None``: free."""
        live = {lease.engagement for lease in self._leases.get(person, ()) if lease.is_live(now)}
        order = (Engagement.TALKING, Engagement.OFFERED, Engagement.WRAP_UP)
        return next((engagement for engagement in order if engagement in live), None)

    def talked_until(self, person: str) -> float:
        """Return when ``person`` last talked, or was in wrap-up after it; those who never did come first."""
        return self._talked_until.get(person, float("-inf"))

    def note_talk(self, person: str, *, until: float) -> None:
        """Note that a talk of ``person`` is over, with what came after it."""
        self._talked_until[person] = max(until, self.talked_until(person))

    def engaged(self, now: float) -> dict[str, Engagement]:
        """Return everybody who is not free, and what they are engaged in."""
        found = {person: self.engagement(person, now) for person in self._leases}
        return {person: engagement for person, engagement in found.items() if engagement is not None}

    @property
    def next_expiry(self) -> float | None:
        """When ``expire`` has something to do next, if nothing changes; ``None`` when everybody is free."""
        while self._deadlines and not self._is_current(*self._deadlines[0]):
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def expire(self, now: float) -> None:
        """Drop the leases that ended by ``now`` and tell who became free."""
        while (deadline := self.next_expiry) is not None and deadline <= now:
            self.end(heapq.heappop(self._deadlines)[2], now)

    def end(self, lease: Lease, now: float) -> None:
        """Drop ``lease``; the callbacks run when it was the last live one of its person."""
        lease.mark_over(now)
        leases = self._leases.get(lease.person, [])
        if lease in leases:
            leases.remove(lease)
        self._drop_ended(lease.person, now)
        if lease.person not in self._leases:
            for callback in tuple(self._on_freed):
                callback(lease.person)

    def reschedule(self, lease: Lease) -> None:
        """Note the present end of ``lease``; what was noted before is ignored from now on."""
        heapq.heappush(self._deadlines, (lease.until, next(self._order), lease))
        if len(self._deadlines) > self._most_noted:
            self._forget_past()

    def _forget_past(self) -> None:
        """Drop what was noted of leases that are over: talks that may last for hours mostly do not."""
        self._deadlines = [noted for noted in self._deadlines if self._is_current(*noted)]
        heapq.heapify(self._deadlines)
        self._most_noted = 2 * len(self._deadlines) + FEW

    def _is_current(self, deadline: float, _order: int, lease: Lease) -> bool:
        return deadline == lease.until and lease in self._leases.get(lease.person, ())

    def _drop_ended(self, person: str, now: float) -> None:
        live = [lease for lease in self._leases.get(person, ()) if lease.is_live(now)]
        for lease in self._leases.get(person, ()):
            if lease not in live:
                lease.mark_over(now)
        if live:
            self._leases[person] = live
        else:
            self._leases.pop(person, None)
