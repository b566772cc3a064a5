"""From ``[hours.x]`` to a ``Schedule``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from b2bua.config.origin import Fault, KeyPath
from b2bua.config.public_holidays import public_holidays
from b2bua.config.similar import did_you_mean
from b2bua.config.tables import Hours
from b2bua.routing.calendar import Calendar
from b2bua.routing.days import DayRange, PublicHolidays
from b2bua.routing.schedule import Schedule, Span, around_the_clock, parse_days

Read = TypeVar("Read")
REGION = re.compile(r"[A-Za-z]{2}(?:-.+)?")


def read_schedule(
    table: Hours, path: KeyPath, calendars: Collection[str] = ()
) -> tuple[Schedule, tuple[Fault, ...]]:
    """Return when it is open, and what is wrong in the table at ``path``; ``calendars`` are all there are."""
    reader = _Reader(path)
    week: dict[int, tuple[Span, ...]] = {}
    special: list[tuple[DayRange, tuple[Span, ...]]] = []
    for key, spans in table.times.items():
        if key[:1].isdigit():
            special[:0] = [
                (days, spans) for days in reader.read(DayRange.parse, key, key)
            ]  # the lower one wins
        else:
            week |= dict.fromkeys((day for days in reader.read(parse_days, key, key) for day in days), spans)
    for index, text in enumerate(table.holidays):
        reader.read_holiday(text, index)
    schedule = Schedule(
        week=tuple(week.get(day, ()) for day in range(7)),
        special=tuple(sorted(special, key=lambda each: each[0].is_yearly)),
        worked=tuple(reader.worked),
        closed=tuple(reader.closed),
        public=tuple(reader.public),
        closed_by=reader.read_calendars("closed-by", table.closed_by, calendars),
        open_by=reader.read_calendars("open-by", table.open_by, calendars),
    )
    return schedule, tuple(reader.faults)


def read_days(texts: Sequence[str], path: KeyPath) -> tuple[Schedule | None, tuple[Fault, ...]]:
    """Return what is open around the clock on these days of the week (None: none is named), and faults."""
    reader = _Reader(path)
    found = {day for i, text in enumerate(texts) for days in reader.read(parse_days, text, i) for day in days}
    return around_the_clock(found) if found else None, tuple(reader.faults)


class _Reader:
    """Reads days and holidays, and keeps what is wrong with them."""

    def __init__(self, path: KeyPath) -> None:
        self._path = path
        self.worked: list[DayRange] = []
        self.closed: list[DayRange] = []
        self.public: list[PublicHolidays] = []
        self.faults: list[Fault] = []

    def read(self, parse: Callable[[str], Read], text: str, *key: str | int) -> tuple[Read, ...]:
        """Return the one thing that ``text`` means, or nothing and a fault at the key."""
        try:
            return (parse(text),)
        except ValueError as error:
            self.faults.append(Fault((*self._path, *key), str(error)))
            return ()

    def read_holiday(self, text: str, index: int) -> None:
        """Add what one element of ``holidays`` means."""
        if text.startswith("!"):
            self.worked += self.read(DayRange.parse, text[1:], "holidays", index)
        elif REGION.fullmatch(text):
            self.public += self.read(public_holidays, text, "holidays", index)
        else:
            self.closed += self.read(_closed_days, text, "holidays", index)

    def read_calendars(self, key: str, names: Sequence[str], known: Collection[str]) -> tuple[Calendar, ...]:
        """Return the calendars of that name, still without events."""
        for index, name in enumerate(names):
            if name not in known:
                why = f"there is no calendar {name!r}{did_you_mean(name, known)}"
                self.faults.append(Fault((*self._path, key, index), why))
        return tuple(Calendar(name) for name in names)


def _closed_days(text: str) -> DayRange:
    try:
        return DayRange.parse(text)
    except ValueError as error:
        if text[:1].isdigit():
            raise
        raise ValueError(f'{error}, or a country such as "PL"') from None
