"""The public holidays of Ukraine: the ``holidays`` package has none for as long as martial law suspends them.

Source: Labour Code of Ukraine (322-VIII), article 73 as amended by the laws 3107-IX of 29 May 2023 (8 May)
and 3258-IX of 14 July 2023, and article 67, by which a day off that falls on a holiday is taken on the next
working day. Law 2136-IX, article 6, suspends both under martial law: holidays are working days then, unless
the employer closes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

FIXED = {
    (1, 1): "New Year's Day",
    (3, 8): "International Women's Day",
    (5, 1): "Labour Day",
    (5, 8): "Day of Remembrance and Victory over Nazism",
    (6, 28): "Constitution Day",
    (7, 15): "Statehood Day",
    (8, 24): "Independence Day",
    (10, 1): "Defenders' Day",
    (12, 25): "Christmas Day",
}
TRINITY_AFTER_EASTER = timedelta(days=49)


def ukrainian_holidays(years: Iterable[int]) -> dict[date, str]:
    """Return the holidays of these years, 2024 or later, and the days off in place of those at a weekend."""
    found: dict[date, str] = {}
    for year in years:
        holidays = _holidays(year)
        found |= holidays
        for day, name in sorted(holidays.items()):
            if day.weekday() >= 5:
                found[_next_working_day(day, found)] = f"{name} (day off instead)"
    return found


def _holidays(year: int) -> dict[date, str]:
    from dateutil.easter import EASTER_ORTHODOX, easter

    # Fixed feasts are kept by the new calendar since 2023, Easter still by the Julian one.
    sunday = easter(year, EASTER_ORTHODOX)
    fixed = {date(year, month, day): name for (month, day), name in FIXED.items()}
    return {**fixed, sunday: "Easter", sunday + TRINITY_AFTER_EASTER: "Trinity"}


def _next_working_day(day: date, taken: dict[date, str]) -> date:
    while day.weekday() >= 5 or day in taken:
        day += timedelta(days=1)
    return day
