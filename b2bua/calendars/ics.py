"""From the text of a calendar to its events, each occurrence by itself (RFC 5545)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from b2bua.calendars.errors import UnreadableCalendarError
from b2bua.routing.calendar import Event

if TYPE_CHECKING:
    from icalendar import Component
    from icalendar import Event as Occurrence

log = logging.getLogger(__name__)

MOST_EVENTS = 20_000
"""Occurrences; a calendar that repeats something every minute for a year is a mistake."""


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
    calendar = _parse(text)
    try:
        return Contents(_events(calendar, period, skips_broken=False))
    except UnreadableCalendarError:
        raise
    except Exception:  # one event is broken, in one of many ways: the others still count
        log.debug("an event of a calendar cannot be understood", exc_info=True)
    try:
        return Contents(_events(calendar, period, skips_broken=True), has_broken=True)
    except UnreadableCalendarError:
        raise
    except Exception as error:
        raise UnreadableCalendarError(f"is no calendar ({_short(error)})") from error


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
    return tuple(_within(query.after(period.start), period))


def _within(occurrences: Iterator[Occurrence], period: Period) -> Iterator[Event]:
    """Yield the events up to the end of the period; ``occurrences`` come by their start, perhaps for ever."""
    for count, occurrence in enumerate(occurrences):
        if count == MOST_EVENTS:
            raise UnreadableCalendarError(f"has more than {MOST_EVENTS} events in the time that is looked at")
        event = _event(occurrence, period.zone)
        if event.start >= period.end:
            return
        if str(occurrence.get("STATUS", "")).upper() != "CANCELLED" and event.end > period.start:
            yield event


def _event(occurrence: Occurrence, zone: ZoneInfo) -> Event:
    start, end = occurrence.start, occurrence.end
    return Event(
        start=_moment(start, zone),
        end=_moment(end, zone),
        title=" ".join(str(occurrence.get("SUMMARY", "")).split()),
        is_all_day=not isinstance(start, datetime),
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
