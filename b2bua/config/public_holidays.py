"""The public holidays of countries that a configuration names, looked up year by year."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from b2bua.config.ukraine import ukrainian_holidays
from b2bua.routing.days import PublicHolidays

if TYPE_CHECKING:
    from holidays import HolidayBase

LANGUAGE = "en_US"
NO_DAY_OFF_KNOWN = 0
"""A worked weekend whose day off is not told is as a Monday."""

Known = TypeVar("Known")


class _Days(Mapping[date, Known]):
    """What is known of days, looked up for a whole year when somebody asks for a day of it.

    When a configuration is read nobody can tell for which: a machine without a battery is years behind then.
    """

    def __init__(self, of_year: Callable[[int], Mapping[date, Known]]) -> None:
        self._of_year = of_year
        self._known: dict[int, Mapping[date, Known]] = {}

    def __getitem__(self, day: date) -> Known:
        if day.year not in self._known:
            self._known[day.year] = self._of_year(day.year)
        return self._known[day.year][day]

    def __iter__(self) -> Iterator[date]:
        """Yield the days of the years that somebody asked for."""
        return chain.from_iterable(self._known.values())

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))


def public_holidays(region: str) -> PublicHolidays:
    """Return the public holidays of ``PL``, or of a part of a country such as ``DE-BY``.

    Days off in place of a holiday at a weekend are among them, and so are those that a government moves.

    Raises:
        ValueError: there is no such country or part of it.
    """
    found = _found(*region.partition("-")[::2])
    found.names.get(datetime.now(UTC).date())  # what that needs is in memory before anybody calls
    return found


def _found(country: str, part: str) -> PublicHolidays:
    country = country.upper()
    if country == "UA":
        if part:
            raise ValueError("UA has the same holidays everywhere")
        return PublicHolidays(country, _Days(_in_ukraine))
    _check(country, part)
    return PublicHolidays(
        f"{country}-{part}" if part else country,
        _Days(lambda year: _looked_up(country, part, year)[0]),
        _Days(lambda year: _looked_up(country, part, year)[1]),
    )


def _in_ukraine(year: int) -> dict[date, str]:
    return _of_year(year, ukrainian_holidays(_around(year)))


@lru_cache(maxsize=64)
def _looked_up(country: str, part: str, year: int) -> tuple[dict[date, str], dict[date, int]]:
    """Return the holidays of a year, and its days at weekends that are worked; it takes a millisecond."""
    import holidays  # takes 15 MB: only who names a country has it in memory

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of years for which a country has not said anything
        found = holidays.country_holidays(
            country, subdiv=part or None, years=_around(year), language=LANGUAGE
        )
    return _of_year(year, found), _of_year(year, _worked(found))


def _around(year: int) -> range:
    """Return the years that may have something to do with a day of this one, such as a day off instead."""
    return range(year - 1, year + 2)


def _of_year(year: int, found: Mapping[date, Known]) -> dict[date, Known]:
    return {day: known for day, known in found.items() if day.year == year}


def _check(country: str, part: str) -> None:
    """Raise ValueError when there is no such country or part."""
    import holidays

    try:
        known = holidays.country_holidays(country)  # loads that country alone, which takes no time
    except NotImplementedError:
        known = None
    if known is None or len(country) != 2:
        raise ValueError(f'the holidays of {country!r} are not known, expected a country such as "PL"')
    parts = [*map(str, known.subdivisions), *getattr(known, "subdivisions_aliases", {})]
    if part and part not in parts:
        raise ValueError(f"{country} has no part {part!r}{_meant(country, part, parts)}")


def _meant(country: str, part: str, parts: list[str]) -> str:
    close = get_close_matches(part.upper(), parts, n=1)
    if close:
        return f'; did you mean "{country}-{close[0]}"?'
    return f"; it has: {', '.join(parts)}" if parts else " whose holidays differ"


def _worked(found: HolidayBase) -> dict[date, int]:
    """Return the days at weekends that are worked, each with the weekday of the day off it stands for."""
    instead: dict[date, int] = {}
    for year in found.years:
        for entry in _as_entries(getattr(found, "special_public_holidays", {}).get(year, ())):
            if len(entry) >= 4:  # month and day that are off, month, day and perhaps year that are worked
                off = date(year, entry[0], entry[1])
                instead[date(entry[4] if len(entry) > 4 else year, entry[2], entry[3])] = off.weekday()
    return {day: instead.get(day, NO_DAY_OFF_KNOWN) for day in found.weekend_workdays}


def _as_entries(value: tuple[object, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the entries of a year, which stands there bare when it is only one."""
    entries = (value,) if value and isinstance(value[0], int) else value
    return tuple(entry for entry in entries if isinstance(entry, tuple))
