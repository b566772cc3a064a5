"""Who takes calls: what people said of themselves survives restarts, and ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from b2bua.people.status import Availability, Source, Status
from b2bua.store.statuses import KeptStatus, KeptStatuses

log = structlog.get_logger("office")

LONGEST_SLEEP_S = 60.0
"""The wall clock may be set meanwhile: it is looked at it again after so long at the latest."""
UNSAID = Status(Availability.AVAILABLE, since=datetime.min.replace(tzinfo=UTC))
"""Of who has never said anything, or whose word has ended."""


class Presence:
    """The status of everybody. ``run`` it in a task, so that ends are noticed when they come."""

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
        self._has_news = asyncio.Event()
        self._must_look = False

    def status(self, person: str) -> Status:
        """Return what ``person`` is at this moment."""
        said = self._said.get(person)
        return said if said is not None and said.holds(self._clock()) else UNSAID

    async def say(self, person: str, status: Status) -> bool:
        """Let ``person`` be so from now on; True once that is on disk, False when it cannot be."""
        self._said[person] = status
        self._tell()
        self._has_news.set()
        return await self._kept.keep([to_row(person, status)])

    async def load(self) -> None:
        """Take over what is on disk, where it was said later than what is known here."""
        for row in await self._kept.all():
            known = self._said.get(row.person)
            if known is None or known.since < row.since:
                self._said[row.person] = from_row(row)

    def look(self) -> None:
        """Notice soon what another program wrote."""
        self._must_look = True
        self._has_news.set()

    async def run(self) -> None:
        """Tell for ever of what others wrote and of what has ended."""
        while True:
            self._has_news.clear()
            if self._must_look:
                self._must_look = False
                await self._look()
            self._tell()
            try:
                async with asyncio.timeout(self._sleep_s()):
                    await self._has_news.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            await self.load()
        except SQLAlchemyError as error:
            log.error("what people said elsewhere cannot be read now", why=str(error))

    def _sleep_s(self) -> float | None:
        """Return for how long nothing ends; None: nothing does."""
        now = self._clock()
        ends = [said.until for said in self._said.values() if said.until is not None and said.until > now]
        return min(LONGEST_SLEEP_S, (min(ends) - now).total_seconds()) if ends else None

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
