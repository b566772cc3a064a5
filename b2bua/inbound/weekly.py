"""Sends the report of each week when it is due, once, also when the office was off then (row O3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from b2bua.config.models import Config
from b2bua.inbound.alerts import office_of
from b2bua.notify.mail import Readers
from b2bua.notify.weekly import weekly_mails, weekly_news
from b2bua.store.calls import CallStory
from b2bua.store.faults import in_words
from b2bua.store.store import Store
from b2bua.store.weekly import WeekReport, week_report

log = structlog.get_logger("office")

NAP_S = 60.0
"""The wall clock may be set, and the configuration changed, meanwhile."""
MOST_CALLS = 1_000_000
DAYS = 7
PART_H = 3
"""So many hours are read at a time: to read two weeks at once holds up who calls."""
CATCH_UP = timedelta(days=2)
"""So long after it was due one is sent that could not be then."""


@dataclass(slots=True)
class WeeklyReports:
    """Writes them."""

    in_force: Callable[[], Config]
    """Who gets them, and when."""
    store: Store
    """Where the calls are, and the outbox."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    _sent: datetime | None = None
    """The moment at which the latest one was due."""

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            config = self.in_force()
            if config.weekly_report is not None:
                due = due_before(self.clock(), config)
                if due != self._sent and self.clock() - due < CATCH_UP:
                    await self._send(config, due)
            await asyncio.sleep(NAP_S)

    async def _send(self, config: Config, due: datetime) -> None:
        table = config.weekly_report
        assert table is not None
        try:
            found = await look_back(config, self.store, due)
            readers = Readers(table.emails, config.office.language, ZoneInfo(config.office.timezone))
            names = {key: person.title for key, person in config.people.items()}
            mails = [*weekly_mails(found, readers=readers, names=names)]
            if table.url is not None:
                mails.append(weekly_news(found, url=table.url, readers=readers, names=names))
            if found.calls.calls or found.calls_before:
                await self.store.outbox.post_once(mails, at=self.clock(), since=due)
            self._sent = due
        except SQLAlchemyError as error:
            log.error("the report of the week cannot be made; trying again", why=in_words(error))


async def look_back(config: Config, store: Store, end: datetime) -> WeekReport:
    """Return the report of the week before ``end``."""
    zone = ZoneInfo(config.office.timezone)
    weeks = [_days_before(end, days, zone) for days in (2 * DAYS, DAYS)]
    stories: list[CallStory] = []
    for hours in range(0, ceil((end - weeks[0]) / timedelta(hours=1)), PART_H):  # calls come meanwhile
        begin = weeks[0] + timedelta(hours=hours)
        until = min(begin + timedelta(hours=PART_H), end)
        stories += await store.journal.calls(limit=MOST_CALLS, since=begin, until=until)
    promises = await store.promises.since(weeks[1])
    return week_report(stories, promises, office_of(config), weeks=(*weeks, end))


def due_before(now: datetime, config: Config) -> datetime:
    """Return the latest moment at which a report was due."""
    table = config.weekly_report
    assert table is not None
    zone = ZoneInfo(config.office.timezone)
    weekday, at = table.at
    local = now.astimezone(zone)
    day = local.date() - timedelta(days=(local.weekday() - weekday) % DAYS)
    due = datetime.combine(day, at, tzinfo=zone)
    return due if due <= now else _days_before(due, DAYS, zone)


def _days_before(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Return the same time of the clock so many days before."""
    local = moment.astimezone(zone)
    return datetime.combine(local.date() - timedelta(days=days), local.time(), tzinfo=zone)
