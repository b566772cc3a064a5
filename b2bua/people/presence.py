"""Who takes calls: what people said of themselves survives restarts, and ends by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from b2bua.people.diary import edges, status_at
from b2bua.people.status import UNSAID, Availability, Source, Status
from b2bua.people.vigil import Vigil
from b2bua.routing.calendar import Calendar
from b2bua.store.statuses import KeptStatus, KeptStatuses


@dataclass(frozen=True, slots=True)
class Diaries:
    """The calendars of people, as far as they have any."""

    owners: Callable[[], Iterable[str]] = tuple
    """Who has one."""
    of: Callable[[str], Calendar | None] = lambda _: None
    """What is known of that of a person; None: they have none."""


class Presence:
    """The status of everybody. ``vigil.run`` in a task notices ends when they come."""

    def __init__(
        self,
        kept: KeptStatuses,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[str, Status], None],
        diaries: Diaries | None = None,
    ) -> None:
        """``on_change`` is told who has another status now, and which."""
        self._diaries = diaries or Diaries()
        self._kept = kept
        self._clock = clock
        self._on_change = on_change
        self._said: dict[str, Status] = {}
        self._told: dict[str, Status] = {}
        self.vigil = Vigil(clock, load=self.load, tell=self._tell, ends=self._ends)

    def status(self, person: str) -> Status:
        """Return what ``person`` is at this moment."""
        return status_at(self._said.get(person), self._diaries.of(person), self._clock())

    async def say(self, person: str, status: Status) -> bool:
        """Let ``person`` be so from now on; True once that is on disk, False when it cannot be."""
        self._said[person] = status
        self._tell()
        self.vigil.news()
        return await self._kept.keep([to_row(person, status)])

    async def load(self) -> None:
        """Take over what is on disk, where it was said later than what is known here."""
        for row in await self._kept.all():
            known = self._said.get(row.person)
            if known is None or known.since < row.since:
                self._said[row.person] = from_row(row)

    def _ends(self) -> Iterator[datetime | None]:
        """Yield when somebody's status may change by itself."""
        yield from (said.until for said in self._said.values())
        now = self._clock()
        for person in self._diaries.owners():
            if diary := self._diaries.of(person):
                yield from edges(diary, now)

    def _tell(self) -> None:
        """Tell of everybody whose status differs from what was told last."""
        for person in {**self._said, **dict.fromkeys(self._diaries.owners()), **self._told}:
            status = self.status(person)
            if status != self._told.get(person, UNSAID):
                self._told[person] = status
                self._on_change(person, status)


def to_row(person: str, status: Status) -> KeptStatus:
    """Return the status in plain values."""
    return KeptStatus(
        person, status.state.value, status.reason, status.since, status.until, status.source.value
    )


def from_row(row: KeptStatus) -> Status:
    """Return what ``to_row`` made plain."""
    return Status(Availability(row.state), row.since, row.until, row.reason, Source(row.source))
