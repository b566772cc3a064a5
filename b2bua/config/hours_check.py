"""Two lines of ``[hours.x]`` that say different things of one day, and times that nobody can have meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import combinations

from b2bua.config.models import Config
from b2bua.config.origin import Fault
from b2bua.routing.days import DayRange
from b2bua.routing.schedule import DAYS, Span, parse_days

Line = tuple[str, tuple[Span, ...]]
"""A key, and its times."""
LEAP_YEAR = 2024
"""Has every day that a year can have."""


def contradictory_hours(config: Config) -> Iterator[Fault]:
    """Yield each line that says of some day otherwise than a line above it, and is no exception to that.

    An exception has some of the other's days, and is written below: ``mon-fri`` and then ``fri``. Dates are
    exceptions to days of the week, and those of one year to those of every year.
    """
    for name, table in config.hours.items():
        lines = list(table.times.items())
        kinds: dict[str, list[Line]] = {"week": [], "yearly": [], "dated": []}
        for line in lines:
            kinds[_kind(line[0])].append(line)
        yield from _among(config, name, kinds["week"], _weekdays)
        for kind in ("yearly", "dated"):
            yield from _among(config, name, kinds[kind], _dates)


def unusual_hours(config: Config) -> Iterator[Fault]:
    """Yield each line of which two times overlap, and each table that is never open."""
    for name, table in config.hours.items():
        for key, times in table.times.items():
            for first, then in combinations(sorted(times, key=lambda span: span.start), 2):
                if then.start < first.end:
                    why = f"{first} and {then} overlap: is one of them mistyped?"
                    yield Fault(("hours", name, key), why, is_warning=True)
        if not table.open_by and not any(table.times.values()):
            why = 'is never open; say when it is, for example mon-fri = "09:00-18:00"'
            yield Fault(("hours", name), why, is_warning=True)


def _kind(key: str) -> str:
    if not key[:1].isdigit():
        return "week"
    return "yearly" if DayRange.parse(key).is_yearly else "dated"


def _among(
    config: Config, name: str, lines: list[Line], days_of: Callable[[str], dict[str, None]]
) -> Iterator[Fault]:
    for (upper, upper_times), (lower, times) in combinations(lines, 2):
        above, below = days_of(upper), days_of(lower)
        both = [day for day in below if day in above]
        if not both or times == upper_times or len(both) == len(below) < len(above):
            continue
        _, line = config.origin.locate(("hours", name, upper))
        why = (
            f"says {_in_words(times)} for {both[0]}, but {upper} in line {line} says {_in_words(upper_times)}"
            f": this line counts, being below; write exceptions last, or leave {both[0]} out of one"
        )
        yield Fault(("hours", name, lower), why, is_warning=True)


def _weekdays(key: str) -> dict[str, None]:
    return dict.fromkeys(DAYS[day] for day in parse_days(key))


def _dates(key: str) -> dict[str, None]:
    """Return the days, as they are written and in their order."""
    days = DayRange.parse(key)
    year, month, day = days.first
    at, found = date(year or LEAP_YEAR, month, day), dict[str, None]()
    while at in days and (text := f"{at:%m-%d}" if days.is_yearly else f"{at:%Y-%m-%d}") not in found:
        found[text] = None
        at += timedelta(days=1)
    return found


def _in_words(times: tuple[Span, ...]) -> str:
    return ", ".join(map(str, times)) or "closed"
