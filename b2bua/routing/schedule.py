"""Opening hours: weekly times, days that differ, and closed days. Wall-clock time of the office."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

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
            ValueError: it is not of that form.
        """
        start, dash, end = text.strip().partition("-")
        if not dash:
            raise ValueError(f'{text.strip()!r} is no span of time, expected for example "09:00-18:00"')
        first, last = _minute(start), _minute(end)
        return cls(first, last if last > first else last + MINUTES_A_DAY)

    def __str__(self) -> str:
        end = self.end if self.end <= MINUTES_A_DAY else self.end - MINUTES_A_DAY
        return f"{_clock(self.start)}-{_clock(end)}"

    def holds(self, minute: int) -> bool:
        """Return whether the minute, counted from the midnight of the span's day, is inside."""
        return self.start <= minute < self.end


MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """A run of days on which the office is closed, of one year or of every year."""

    first: tuple[int | None, int, int]
    """Year (None: every year), month, day."""
    last: tuple[int | None, int, int]
    """Same form; included."""

    @classmethod
    def parse(cls, text: str) -> ClosedDays:
        """Return the days of ``2026-12-24``, ``12-25`` (every year) or ``2026-12-24..2027-01-02``.

        Raises:
            ValueError: it is not of that form, ends before it starts or mixes both forms.
        """
        start, _, end = text.partition("..")
        first = _day(start)
        last = _day(end) if end else first
        if (first[0] is None) != (last[0] is None):
            raise ValueError(f"{text!r}: give a year on both sides of the dots, or on neither")
        if first[0] is not None and last < first:
            raise ValueError(f"{text!r} ends before it starts")
        return cls(first, last)

    def __contains__(self, day: date) -> bool:
        if self.first[0] is not None:
            return self.first <= (day.year, day.month, day.day) <= self.last
        first, today, last = self.first[1:], (day.month, day.day), self.last[1:]
        if first <= last:
            return first <= today <= last
        return today >= first or today <= last  # over New Year


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is open."""

    week: tuple[tuple[Span, ...], ...]
    """Seven days' spans, Monday first."""
    special: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    """Days that have other spans than their weekday; they win over closed days."""
    closed: tuple[ClosedDays, ...] = ()
    """Days that are closed all day."""

    def is_open(self, at: datetime) -> bool:
        """Return whether it is open at that office-local time; a span of yesterday may still be running."""
        minute, today = at.hour * 60 + at.minute, at.date()
        if any(span.holds(minute) for span in self.spans_on(today)):
            return True
        return any(span.holds(minute + MINUTES_A_DAY) for span in self.spans_on(today - timedelta(days=1)))

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """Return the spans that start on that day."""
        if day in self.special:
            return self.special[day]
        if any(day in closed for closed in self.closed):
            return ()
        return self.week[day.weekday()]


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
        raise ValueError(
            f"{text!r} is no day of the week, expected for example mon, mon-fri, sat-sun or daily"
        )
    start, end = DAYS.index(first), DAYS.index(last or first)
    return tuple((start + offset) % 7 for offset in range((end - start) % 7 + 1))


def _minute(text: str) -> int:
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


def _day(text: str) -> tuple[int | None, int, int]:
    parts = text.strip().split("-")
    try:
        numbers = [int(part) for part in parts]
        # 2000 was a leap year: 02-29 is a day of "every year"
        year = numbers[0] if len(numbers) == 3 else 2000
        month, day = numbers[-2:]
        date(year, month, day)
    except ValueError:
        raise ValueError(
            f'{text.strip()!r} is no day, expected for example "2026-12-24" or "12-25"'
        ) from None
    return (year if len(numbers) == 3 else None, month, day)
