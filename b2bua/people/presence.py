"""Who takes calls: what people said of themselves survives restarts, and ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from b2bua.people.status import Availability, Source, Status
from b2bua.people.vigil import Vigil
from b2bua.store.statuses import KeptStatus, KeptStatuses

UNSAID = Status(Availability.AVAILABLE, since=datetime.min.replace(tzinfo=UTC))
"""Of who has never said anything, or whose word has ended."""


class Presence:
    """The status of everybody. ``vigil.run`` in a task notices ends when they come."""

    def __init__(
        self,
        kept: KeptStatuses,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[str, Status], None],
    ) -> None:
        """``on_change`` is told who has another status now, and which."""
        self._kept = kept
        self._clock = clock
        self._on_change = on_change
        self._said: dict[str, Status] = {}
        self._told: dict[str, Status] = {}
        self.vigil = Vigil(
            clock,
            load=self.load,
            tell=self._tell,
            ends=lambda: [said.until for said in self._said.values()],
        )

    def status(self, person: str) -> Status:
        """Return what ``person`` is at this moment."""
        said = self._said.get(person)
        return said if said is not None and said.holds(self._clock()) else UNSAID

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

    def _tell(self) -> None:
        """Tell of everybody whose status differs from what was told last."""
        for person in self._said:
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
