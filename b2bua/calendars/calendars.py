"""Every calendar of the office, as far as it is known now; read again in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from b2bua.calendars.errors import UnreadableCalendarError
from b2bua.calendars.ics import Contents, Period, read_ics
from b2bua.calendars.source import Copies, fetch
from b2bua.config.models import Config
from b2bua.config.tables import Calendar as CalendarTable
from b2bua.http.client import HttpClient
from b2bua.routing.calendar import Calendar, Event

log = structlog.get_logger("office")

DAYS_BACK, DAYS_AHEAD = 2, 400
"""The time that is looked at; it moves on with each reading."""
FIRST_RETRY_S = 60.0
"""After a failure; doubled with each further one, up to the time after which it is read anyway."""
MOST_DOUBLINGS = 12


def period(now: datetime, zone: ZoneInfo) -> Period:
    """Return the time that is looked at."""
    return Period(now - timedelta(days=DAYS_BACK), now + timedelta(days=DAYS_AHEAD), zone)


@dataclass(slots=True)
class Kept:
    """How things stand with one calendar."""

    table: CalendarTable
    """Where it is."""
    calendar: Calendar
    """What is known of it; nothing at first."""
    due: float = 0.0
    """When it is read next, on the loop's clock."""
    failures: int = 0
    """One after another, up to now."""
    has_looked: bool = False
    """The copy of the last good text was looked for."""


class Calendars:
    """Reads calendars, and answers out of what it has. Call ``load``, then let ``run`` run."""

    def __init__(self, config: Config, http: HttpClient, clock: Callable[[], datetime]) -> None:
        self._zone = ZoneInfo(config.office.timezone)
        self._http = http
        self._clock = clock
        self._copies = Copies(config.office.data / "calendars")
        self._kept: dict[str, Kept] = {}
        self._is_changed = asyncio.Event()
        self.on_change: list[Callable[[], None]] = []
        """Told whenever another thing is known of a calendar than before."""
        self.change(config)

    # --- what is known -------------------------------------------------------------------------------------

    @property
    def known(self) -> Mapping[str, Calendar]:
        """Return what is known of every calendar; empty without any."""
        return {name: kept.calendar for name, kept in self._kept.items()}

    def events(self, name: str, start: datetime, end: datetime) -> tuple[Event, ...]:
        """Return the events of a calendar of which a part lies in that time, by their start.

        A calendar that is not configured, or could never be read, has none. Known are those from two days ago
        to more than a year ahead.
        """
        kept = self._kept.get(name)
        return tuple(kept.calendar.between(start, end)) if kept else ()

    # --- reading -------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Know what was read last, so that an office that starts without the internet has its calendars."""
        for kept in list(self._kept.values()):
            if not kept.has_looked:
                await self._load(kept)

    async def run(self) -> None:
        """Read each calendar when its time has come, until cancelled."""
        while True:
            self._is_changed.clear()
            await self.load()
            for kept in list(self._kept.values()):
                if kept.due <= self._now():
                    await self._refresh(kept)
            await self._wait()

    def change(self, config: Config) -> None:
        """Follow another configuration: what is new in it is read soon."""
        zone, known = ZoneInfo(config.office.timezone), self._kept
        if zone != self._zone:  # days are others then
            self._zone, known = zone, {}
        tables = config.calendars
        same = {name: kept for name, kept in known.items() if tables.get(name) == kept.table}
        self._kept = {name: same.get(name) or Kept(table, Calendar(name)) for name, table in tables.items()}
        self._is_changed.set()

    async def _load(self, kept: Kept) -> None:
        kept.has_looked = True
        copy = await asyncio.to_thread(self._copies.find, kept.table)
        if copy is None:
            return
        try:
            self._put(kept, await self._understand(copy.text))
        except UnreadableCalendarError as error:  # of another version of this program
            log.warning("the copy of a calendar cannot be used", calendar=kept.table.name, why=str(error))

    async def _refresh(self, kept: Kept) -> None:
        try:
            text = await fetch(kept.table, self._http)
            contents = await self._understand(text)
        except UnreadableCalendarError as error:
            self._failed(kept, error)
            return
        if kept.failures:
            log.info("a calendar is read again", calendar=kept.table.name)
        kept.failures, kept.due = 0, self._now() + kept.table.every_s
        self._put(kept, contents)
        try:
            await asyncio.to_thread(self._copies.keep, kept.table, text)
        except OSError as error:
            log.warning("a calendar cannot be kept for a restart", calendar=kept.table.name, why=str(error))

    async def _understand(self, text: bytes) -> Contents:
        return await asyncio.to_thread(read_ics, text, period(self._clock(), self._zone))

    def _put(self, kept: Kept, contents: Contents) -> None:
        calendar = Calendar.of(kept.table.name, contents.events)
        if calendar != kept.calendar and self._kept.get(kept.table.name) is kept:
            kept.calendar = calendar
            for tell in self.on_change:
                tell()

    def _failed(self, kept: Kept, error: UnreadableCalendarError) -> None:
        wait_s = min(FIRST_RETRY_S * 2**kept.failures, kept.table.every_s)
        kept.due = self._now() + wait_s
        if not kept.failures:
            has = "with what it knows of it" if kept.calendar.events else "without it"
            log.warning(
                f"a calendar cannot be read: the office goes on {has}",
                calendar=kept.table.name,
                why=str(error),
            )
        kept.failures = min(kept.failures + 1, MOST_DOUBLINGS)

    async def _wait(self) -> None:
        """Wait until a calendar is due, or others are configured."""
        due = min((kept.due for kept in self._kept.values()), default=None)
        try:
            async with asyncio.timeout_at(due):
                await self._is_changed.wait()
        except TimeoutError:
            return

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
