"""Days that are not as their weekday: runs of dates, and the public holidays of a country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class DayRange:
    """A run of days, of one year or of every year."""

    first: tuple[int | None, int, int]
    """Year (None: every year), month, day."""
    last: tuple[int | None, int, int]
    """Same form; included."""

    @classmethod
    def parse(cls, text: str) -> DayRange:
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

    @property
    def is_yearly(self) -> bool:
        """Return whether it comes every year."""
        return self.first[0] is None

    def __contains__(self, day: date) -> bool:
        if not self.is_yearly:
            return self.first <= (day.year, day.month, day.day) <= self.last
        first, today, last = self.first[1:], (day.month, day.day), self.last[1:]
        if first <= last:
            return first <= today <= last
        return today >= first or today <= last  # over New Year


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """The public holidays of a country or of a part of it, in the years that were looked up."""

    region: str
    """As it is configured, e.g. ``PL`` or ``DE-BY``."""
    names: Mapping[date, str]
    """Name of each, days off in place of another included."""
    workdays: Mapping[date, int] = field(default_factory=dict)
    """Days of a weekend that are worked in place of another day, and the weekday of that (Monday is 0)."""


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
