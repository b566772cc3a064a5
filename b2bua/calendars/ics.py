"""From the text of a calendar to its events, each occurrence by itself (RFC 5545)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from b2bua.calendars.errors import UnreadableCalendarError
from b2bua.routing.calendar import Event

if TYPE_CHECKING:
    from icalendar import Component
    from icalendar import Event as Occurrence

log = logging.getLogger(__name__)

MOST_EVENTS = 20_000
"""Occurrences: more than fifty a day for a year."""
WITHOUT_END = re.compile(rb"^RRULE.*FREQ=(?:SECONDLY|MINUTELY)", re.MULTILINE | re.IGNORECASE)
WINDOW = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Period:
    """The time that is looked at, and where its midnights are."""

    start: datetime
    """Aware."""
    end: datetime
    """Aware; not included."""
    zone: ZoneInfo
    """Of the office: whole days, and times without a zone, are read in it."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a calendar says about a period."""

    events: tuple[Event, ...]
    """Occurrences with a part in the period."""
    has_broken: bool = False
    """Some of its events cannot be understood and are left out."""


def read_ics(text: bytes, period: Period) -> Contents:
    """Return the events of a calendar; takes its time, for a thread.

    Raises:
        UnreadableCalendarError: it is no calendar, or has too many events.
    """
    if WITHOUT_END.search(text):
        raise UnreadableCalendarError("repeats an event every minute, or faster")
    calendar = _parse(text)
    try:
        return Contents(_events(calendar, period, skips_broken=False))
    except UnreadableCalendarError:
        raise
    except Exception:  # one event is broken, in one of many ways: the others still count
        log.debug("an event of a calendar cannot be understood", exc_info=True)
    calendar.subcomponents = [part for part in calendar.subcomponents if _has_start(part)]
    try:
        return Contents(_events(calendar, period, skips_broken=True), has_broken=True)
    except UnreadableCalendarError:
        raise
    except Exception as error:
        raise UnreadableCalendarError(f"is no calendar ({_short(error)})") from error


def _has_start(part: Component) -> bool:
    return part.name != "VEVENT" or "DTSTART" in part


def _parse(text: bytes) -> Component:
    import icalendar

    try:
        calendar = icalendar.Calendar.from_ical(text)
    except Exception as error:  # strangers write it
        raise UnreadableCalendarError(f"is no calendar ({_short(error)})") from error
    if calendar.name != "VCALENDAR":
        raise UnreadableCalendarError(f"is no calendar but a {calendar.name}")
    return calendar


def _events(calendar: Component, period: Period, *, skips_broken: bool) -> tuple[Event, ...]:
    import recurring_ical_events

    query = recurring_ical_events.of(calendar, skip_bad_series=skips_broken)
    found: dict[Event, None] = {}
    for start, end in _windows(period):
        for occurrence in query.between(start, end):
            if str(occurrence.get("STATUS", "")).upper() != "CANCELLED":
                found[_event(occurrence, period.zone)] = None
        if len(found) > MOST_EVENTS:
            raise UnreadableCalendarError(f"has more than {MOST_EVENTS} events in the time that is looked at")
    return tuple(event for event in found if event.start < period.end and event.end > period.start)


def _windows(period: Period) -> Iterator[tuple[datetime, datetime]]:
    """Yield the period in parts: it is known after each how many events there are."""
    start = period.start
    while start < period.end:
        end = min(start + WINDOW, period.end)
        yield start, end
        start = end


def _event(occurrence: Occurrence, zone: ZoneInfo) -> Event:
    start, end = occurrence.start, occurrence.end
    is_all_day = not isinstance(start, datetime)
    if is_all_day and end <= start:  # some programs name the last day itself, not the one after it
        end = start + timedelta(days=1)
    return Event(
        start=_moment(start, zone),
        end=_moment(end, zone),
        title=" ".join(str(occurrence.get("SUMMARY", "")).split()),
        is_all_day=is_all_day,
        is_busy=str(occurrence.get("TRANSP", "")).upper() != "TRANSPARENT",
    )


def _moment(found: date, zone: ZoneInfo) -> datetime:
    """Return the moment in the office's zone."""
    if not isinstance(found, datetime):
        return datetime.combine(found, time(), zone)
    return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)


def _short(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 80 else f"{words[:79]}…"
