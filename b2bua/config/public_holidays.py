"""The public holidays of countries, looked up once, when a configuration names them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from b2bua.config.ukraine import ukrainian_holidays
from b2bua.routing.days import PublicHolidays

if TYPE_CHECKING:
    from holidays import HolidayBase

YEARS_BACK = 1
YEARS_AHEAD = 10
"""Holidays are known for so long; a configuration that is read again knows them for as long again."""
LANGUAGE = "en_US"
NO_DAY_OFF_KNOWN = 0
"""A worked weekend whose day off is not told is as a Monday."""


def public_holidays(region: str) -> PublicHolidays:
    """Return the public holidays of ``PL``, or of a part of a country such as ``DE-BY``.

    Days off in place of a holiday at a weekend are among them, and so are those that a government moves.

    Raises:
        ValueError: there is no such country or part of it.
    """
    country, _, part = region.partition("-")
    return _looked_up(country.upper(), part, this_year())


def this_year() -> int:
    """Return the year that it is."""
    return datetime.now(UTC).year


@lru_cache(maxsize=16)
def _looked_up(country: str, part: str, this_year: int) -> PublicHolidays:
    years = range(this_year - YEARS_BACK, this_year + YEARS_AHEAD + 1)
    if country == "UA":
        if part:
            raise ValueError("UA has the same holidays everywhere")
        return PublicHolidays(country, ukrainian_holidays(years))
    _check(country, part)
    import holidays  # takes 15 MB: only who names a country has it in memory

    found = holidays.country_holidays(country, subdiv=part or None, years=years, language=LANGUAGE)
    return PublicHolidays(f"{country}-{part}" if part else country, dict(found), _worked(found, years))


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


def _worked(found: HolidayBase, years: range) -> dict[date, int]:
    """Return the days at weekends that are worked, each with the weekday of the day off it stands for."""
    instead: dict[date, int] = {}
    for year in years:
        for entry in _as_entries(getattr(found, "special_public_holidays", {}).get(year, ())):
            if len(entry) >= 4:  # month and day that are off, month, day and perhaps year that are worked
                off = date(year, entry[0], entry[1])
                instead[date(entry[4] if len(entry) > 4 else year, entry[2], entry[3])] = off.weekday()
    return {day: instead.get(day, NO_DAY_OFF_KNOWN) for day in found.weekend_workdays if day.year in years}


def _as_entries(value: tuple[object, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the entries of a year, which stands there bare when it is only one."""
    entries = (value,) if value and isinstance(value[0], int) else value
    return tuple(entry for entry in entries if isinstance(entry, tuple))
