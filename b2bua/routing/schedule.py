"""Opening hours: weekly times, days that differ, and closed days. Wall-clock time of the office."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from b2bua.routing.calendar import Calendar
from b2bua.routing.days import DayRange, PublicHolidays

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Span:
    """Open from a minute of the day until before another; past midnight when ``end`` exceeds a day."""

    start: int
    """Minutes after midnight."""
    end: int
    """Minutes after the midnight on which the span's day began; up to two days' worth."""

    @classmethod
    def parse(cls, text: str) -> Span:
        """Return the span of ``"09:00-18:00"``; ``"22:00-06:00"`` ends on the next day.

        Raises:
            ValueError: it is not of that form, or ends when it begins.
        """
        start, dash, end = text.strip().partition("-")
        if not dash:
            example = '"09:00-18:00", or "closed"'
            raise ValueError(f"{text.strip()!r} is no span of time, expected for example {example}")
        first, last = parse_minute(start), parse_minute(end)
        if first % MINUTES_A_DAY == last % MINUTES_A_DAY and not (first == 0 and last == MINUTES_A_DAY):
            raise ValueError(f'{text.strip()!r} ends when it begins; for the whole day write "24h"')
        return cls(first, last if last > first else last + MINUTES_A_DAY)

    def __str__(self) -> str:
        end = self.end if self.end <= MINUTES_A_DAY else self.end - MINUTES_A_DAY
        return f"{_clock(self.start)}-{_clock(end)}"

    def holds(self, minute: int) -> bool:
        """Return whether the minute, counted from the midnight of the span's day, is inside."""
        return self.start <= minute < self.end


MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is open."""

    week: tuple[tuple[Span, ...], ...]
    """Seven days' spans, Monday first."""
    special: tuple[tuple[DayRange, tuple[Span, ...]], ...] = ()
    """Days that have other spans than their weekday; the first that holds the day wins over all below."""
    worked: tuple[DayRange, ...] = ()
    """Holidays on which it is open as on any other such weekday."""
    closed: tuple[DayRange, ...] = ()
    """Own holidays."""
    public: tuple[PublicHolidays, ...] = ()
    """Public holidays."""
    closed_by: tuple[Calendar, ...] = ()
    """Calendars in whose events it is closed."""
    open_by: tuple[Calendar, ...] = ()
    """Calendars in whose events it is open: these win over everything else."""

    @property
    def calendars(self) -> frozenset[str]:
        """Return the calendars that it asks."""
        return frozenset(calendar.name for calendar in (*self.closed_by, *self.open_by))

    def with_calendars(self, known: Mapping[str, Calendar]) -> Schedule:
        """Return it with what is known of its calendars now."""
        return replace(
            self,
            closed_by=tuple(known.get(calendar.name, calendar) for calendar in self.closed_by),
            open_by=tuple(known.get(calendar.name, calendar) for calendar in self.open_by),
        )

    def is_open(self, at: datetime) -> bool:
        """Return whether it is open at that office-local time; a span of yesterday may still be running.

        A span is one run of time, also in the night in which the clock is put back: it begins and ends when
        the clock shows that time first.
        """
        if any(any(calendar.at(at)) for calendar in self.open_by):
            return True
        if any(any(calendar.at(at)) for calendar in self.closed_by):
            return False
        wall = _before_repeat_ends(at) if at.fold else at
        minute, today = wall.hour * 60 + wall.minute, wall.date()
        if any(span.holds(minute) for span in self.spans_on(today)):
            return True
        return any(span.holds(minute + MINUTES_A_DAY) for span in self.spans_on(today - timedelta(days=1)))

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """Return the spans that start on that day."""
        special = self._special(day)
        if special is not None:
            return special
        return () if self.holiday(day) is not None else self.week[self._weekday(day)]

    def is_holiday(self, day: date) -> bool:
        """Return whether that day is a public or an own holiday, or closed by a line of its own.

        One with hours of its own is still a holiday: ask ``is_open`` first.
        """
        return self.holiday(day) is not None or self._special(day) == ()

    def holiday(self, day: date) -> str | None:
        """Return what the day is called when it is a public or an own holiday, else None."""
        if any(day in worked for worked in self.worked):
            return None
        for calendar in self.closed_by:
            for event in calendar.all_day(day):
                return event.title or "a holiday"
        if name := next((public.names[day] for public in self.public if day in public.names), None):
            return name
        return "a holiday" if any(day in closed for closed in self.closed) else None

    def _special(self, day: date) -> tuple[Span, ...] | None:
        return next((spans for days, spans in self.special if day in days), None)

    def _weekday(self, day: date) -> int:
        return next((public.workdays[day] for public in self.public if day in public.workdays), day.weekday())


def _before_repeat_ends(at: datetime) -> datetime:
    """Return the last minute of the hour that the clock shows again at ``at``, after it was put back."""
    following = at + timedelta(minutes=1)
    while following.replace(fold=1).utcoffset() != following.replace(fold=0).utcoffset():
        at, following = following, following + timedelta(minutes=1)
    return at


def around_the_clock(days: Collection[int]) -> Schedule:
    """Return what is open all day on these weekdays (Monday is 0)."""
    return Schedule(tuple((Span(0, MINUTES_A_DAY),) if day in days else () for day in range(7)))


def parse_spans(text: str) -> tuple[Span, ...]:
    """Return the spans of ``"09:00-13:00, 14:00-18:00"``, ``"24h"`` or ``"closed"``.

    Raises:
        ValueError: one of them is not understood.
    """
    match text.strip():
        case "closed":
            return ()
        case "24h":
            return (Span(0, MINUTES_A_DAY),)
        case spans:
            return tuple(Span.parse(part) for part in spans.split(","))


def parse_days(text: str) -> tuple[int, ...]:
    """Return the weekdays (Monday is 0) of ``mon``, ``mon-fri``, ``sat-mon`` or ``daily``.

    Raises:
        ValueError: it names no day.
    """
    if text == "daily":
        return tuple(range(7))
    first, _, last = text.partition("-")
    if first not in DAYS or (last and last not in DAYS):
        meant = "-".join(part.strip()[:3].lower() for part in text.split("-"))
        is_day = all(part in DAYS for part in meant.split("-"))
        hint = (
            f"; did you mean {meant}?" if is_day else ", expected for example mon, mon-fri, sat-sun or daily"
        )
        raise ValueError(f"{text!r} is no day of the week{hint}")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return tuple((start + offset) % 7 for offset in range((end - start) % 7 + 1))


def parse_minute(text: str) -> int:
    """Return the minutes after midnight of ``09:00``; ``24:00`` is the midnight that follows.

    Raises:
        ValueError: it is no time of day.
    """
    text = text.strip()
    if text == "24:00":
        return MINUTES_A_DAY
    try:
        hours, minutes = text.split(":")
        at = time(int(hours), int(minutes))
    except ValueError:
        raise ValueError(f"{text!r} is no time of day, expected for example 09:00") from None
    return at.hour * 60 + at.minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
