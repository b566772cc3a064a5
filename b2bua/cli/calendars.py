"""The calendars of an office that need not run: as they were read last, or as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from b2bua import __version__
from b2bua.calendars.calendars import DAYS_AHEAD, period
from b2bua.calendars.errors import UnreadableCalendarError
from b2bua.calendars.ics import Contents, read_ics
from b2bua.calendars.source import Copies, fetch, read_file
from b2bua.config.models import Config
from b2bua.config.origin import Fault
from b2bua.config.tables import Calendar as CalendarTable
from b2bua.errors import Problem
from b2bua.http.client import HttpClient
from b2bua.routing.calendar import Calendar

BUDGET_S = 10.0
"""For one calendar: somebody waits."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of the calendars without asking anybody."""

    calendars: dict[str, Calendar]
    """By key; those of which nothing is known have no events."""
    unknown: tuple[str, ...]
    """Keys of those."""


def kept_calendars(config: Config, at: datetime, *, days_ahead: int = DAYS_AHEAD) -> Kept:
    """Return the calendars as files and the running office have them, from a moment on."""
    found: dict[str, Calendar] = {}
    unknown = []
    for name, table in config.calendars.items():
        try:
            time = period(at, ZoneInfo(config.office.timezone), days_ahead=days_ahead)
            contents = read_ics(_kept_text(config, table), time)
        except UnreadableCalendarError:
            contents = Contents(())
            unknown.append(name)
        found[name] = Calendar.of(name, contents.events)
    return Kept(found, tuple(unknown))


def _kept_text(config: Config, table: CalendarTable) -> bytes:
    if table.file is not None:
        return read_file(table.file)
    copy = Copies(config.office.data / "calendars").find(table)
    if copy is None:
        raise UnreadableCalendarError("was never read")
    return copy.text


async def unreadable_calendars(config: Config) -> tuple[Problem, ...]:
    """Return what is wrong with the calendars, each of which is read now."""
    http = HttpClient(f"b2bua/{__version__}")
    try:
        async with asyncio.TaskGroup() as group:
            looks = [group.create_task(_look(table, config, http)) for table in config.calendars.values()]
    finally:
        await http.close()
    return config.origin.problems(fault for look in looks for fault in look.result())


async def _look(table: CalendarTable, config: Config, http: HttpClient) -> tuple[Fault, ...]:
    path = ("calendar", table.name, "url" if table.url else "file")
    try:
        text = await fetch(table, http, budget_s=BUDGET_S)
        zone = ZoneInfo(config.office.timezone)
        contents = await asyncio.to_thread(read_ics, text, period(datetime.now(UTC), zone))
    except UnreadableCalendarError as error:
        return (Fault(path, f"{error}{_instead(config, table)}", is_warning=True),)
    found = tuple(_nameless(config, table, contents))
    if contents.has_broken:
        found += (Fault(path, "has events that cannot be understood: they are left out", is_warning=True),)
    return found


def _nameless(config: Config, table: CalendarTable, contents: Contents) -> Iterator[Fault]:
    """Yield the rotas in which events of the calendar are to say who is on duty, and some do not."""
    for rota in config.plan().rotas.values():
        if rota.calendar is None or rota.calendar.name != table.name:
            continue
        nameless = [event for event in contents.events if not rota.named_in(event.title)]
        if nameless:
            event = nameless[0]
            titles = f"{event.title!r} at {event.start:%Y-%m-%d %H:%M}"
            titles += f" and {len(nameless) - 1} more" if nameless[1:] else ""
            who = " and ".join(rota.otherwise) or "nobody"
            why = f"names no member in {titles}: {who} is on duty then"
            yield Fault(("rota", rota.name, "calendar"), why, is_warning=True)


def _instead(config: Config, table: CalendarTable) -> str:
    copy = Copies(config.office.data / "calendars").find(table) if table.url else None
    if copy is None:
        return "; it is as if it had no events"
    read_at = copy.read_at.astimezone(ZoneInfo(config.office.timezone))
    return f"; the office goes on with what it read at {read_at:%Y-%m-%d %H:%M}"
