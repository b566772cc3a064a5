"""Every calendar of the office, as far as it is known now; read again in the background."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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

DAYS_BACK, DAYS_AHEAD = 2, 60
"""The time that is looked at; it moves on from day to day."""
LONGEST_START_S = 5.0
"""An office that starts does not wait longer for what it knows of its calendars."""
FIRST_RETRY_S = 60.0
"""After a failure; doubled with each further one, up to the time after which it is read anyway."""
MOST_DOUBLINGS = 12
LOOKS_AT_CLOCK_EVERY_S = 10.0
A_DAY_S = 86400.0
"""A clock that is set by more may show a day of which nothing is known."""


def period(now: datetime, zone: ZoneInfo, *, days_ahead: int = DAYS_AHEAD) -> Period:
    """Return the time that is looked at."""
    return Period(now - timedelta(days=DAYS_BACK), now + timedelta(days=days_ahead), zone)


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
    understood: tuple[bytes, date] | None = None
    """Of what text, by its digest, the events are known, and on which day that was."""


class Calendars:
    """Reads calendars, and answers out of what it has. Call ``load``, then let ``run`` run."""

    def __init__(self, config: Config, http: HttpClient, clock: Callable[[], datetime]) -> None:
        self._zone = ZoneInfo(config.office.timezone)
        self._http = http
        self._clock = clock
        self._copies = Copies(config.office.data / "calendars")
        self._kept: dict[str, Kept] = {}
        self._is_changed = asyncio.Event()
        self._ahead_s: float | None = None
        """By what the wall clock is ahead of the loop's; None: nobody has looked."""
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
        to two months ahead.
        """
        kept = self._kept.get(name)
        return tuple(kept.calendar.between(start, end)) if kept else ()

    # --- reading -------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Know what was read last, so that an office that starts without the internet has its calendars."""
        try:
            async with asyncio.timeout(LONGEST_START_S):
                await self._load_all()
        except TimeoutError:
            log.warning("calendars take long to be understood: the office starts before they are known")

    async def _load_all(self) -> None:
        for kept in list(self._kept.values()):
            if not kept.has_looked:
                await self._load(kept)
                kept.has_looked = True

    async def run(self) -> None:
        """Read each calendar when its time has come, until cancelled."""
        while True:
            self._is_changed.clear()
            await self._load_all()
            self._notice_other_days()
            for kept in list(self._kept.values()):
                if kept.due <= self._now():
                    await self._refresh(kept)
            await self._wait()

    def _notice_other_days(self) -> None:
        """Let all be read again if the clock was set, as that of a machine without a battery is."""
        ahead_s = self._clock().timestamp() - self._now()
        if self._ahead_s is not None and abs(ahead_s - self._ahead_s) > A_DAY_S:
            for kept in self._kept.values():
                kept.due = self._now()
        self._ahead_s = ahead_s

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
        copy = await asyncio.to_thread(self._copies.find, kept.table)
        if copy is None:
            return
        try:
            await self._understand(kept, copy.text)
        except UnreadableCalendarError as error:  # of another version of this program
            log.warning("the copy of a calendar cannot be used", calendar=kept.table.name, why=str(error))

    async def _refresh(self, kept: Kept) -> None:
        try:
            text = await fetch(kept.table, self._http)
            is_new = await self._understand(kept, text)
        except UnreadableCalendarError as error:
            self._failed(kept, error)
            if kept.understood is not None and kept.understood[1] != self._today():
                await self._load(kept)  # for its events of the days that have come nearer
            return
        if kept.failures:
            log.info("a calendar is read again", calendar=kept.table.name)
        kept.failures, kept.due = 0, self._now() + kept.table.every_s
        if not is_new:
            return
        try:
            await asyncio.to_thread(self._copies.keep, kept.table, text)
        except OSError as error:
            log.warning("a calendar cannot be kept for a restart", calendar=kept.table.name, why=str(error))

    async def _understand(self, kept: Kept, text: bytes) -> bool:
        """Know the events of a text; return whether it, or the day, is another one than the last time.

        Raises:
            UnreadableCalendarError: it is no calendar.
        """
        mark = (hashlib.sha256(text).digest(), self._today())
        if mark == kept.understood:
            return False
        contents = await asyncio.to_thread(read_ics, text, period(self._clock(), self._zone))
        kept.understood = mark
        self._put(kept, contents)
        return True

    def _today(self) -> date:
        return self._clock().astimezone(self._zone).date()

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
        """Wait until a calendar is due, others are configured, or it is time to look at the clock."""
        look = self._now() + LOOKS_AT_CLOCK_EVERY_S
        due = min((min(kept.due, look) for kept in self._kept.values()), default=None)
        try:
            async with asyncio.timeout_at(due):
                await self._is_changed.wait()
        except TimeoutError:
            return

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
