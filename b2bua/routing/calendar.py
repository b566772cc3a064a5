"""Events out of a calendar, each occurrence by itself. Values only: who reads calendars is elsewhere."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Event:
    """One occurrence of an event."""

    start: datetime
    """Aware."""
    end: datetime
    """Aware; not included."""
    title: str = ""
    """What the calendar calls it."""
    is_all_day: bool = False
    """It has dates without times; start and end are midnights of the office."""
    is_busy: bool = True
    """Whose calendar it is has no time then (RFC 5545 §3.8.2.7: it is not transparent)."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The occurrences of a calendar in the time that was looked at."""

    name: str
    """Key of the calendar."""
    events: tuple[Event, ...] = ()
    """By their start."""
    _longest: timedelta = field(default=timedelta(0), compare=False)

    @classmethod
    def of(cls, name: str, events: Iterable[Event]) -> Calendar:
        """Return the calendar with these events."""
        ordered = tuple(sorted(events, key=lambda event: (event.start, event.end, event.title)))
        longest = max((event.end - event.start for event in ordered), default=timedelta(0))
        return cls(name, ordered, longest)

    def between(self, start: datetime, end: datetime) -> Iterator[Event]:
        """Yield the events of which a part lies in that time, by their start."""
        first = bisect_left(self.events, start - self._longest, key=_start)
        last = bisect_left(self.events, end, key=_start)
        yield from (event for event in self.events[first:last] if event.end > start)

    def at(self, moment: datetime) -> Iterator[Event]:
        """Yield the events that run at that moment, by their start."""
        first = bisect_left(self.events, moment - self._longest, key=_start)
        last = bisect_right(self.events, moment, key=_start)
        yield from (event for event in self.events[first:last] if event.end > moment)

    def all_day(self, day: date) -> Iterator[Event]:
        """Yield the events of that whole day."""
        if self.events:
            noon = datetime.combine(day, time(12), self.events[0].start.tzinfo)
            yield from (event for event in self.at(noon) if event.is_all_day)


def _start(event: Event) -> datetime:
    return event.start
