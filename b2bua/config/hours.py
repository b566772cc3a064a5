"""``[hours.x]``: a table whose keys are days, read into a ``Schedule``."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, InstanceOf

from b2bua.routing.schedule import ClosedDays, Schedule, Span, parse_days, parse_spans


def read_hours(table: object) -> object:
    """Return the schedule of a table such as ``{"mon-fri": "09:00-18:00", "holidays": ["12-25"]}``.

    Raises:
        ValueError: a day or a time is not understood.
    """
    if isinstance(table, Schedule):
        return table
    if not isinstance(table, dict):
        raise ValueError('expected a table of days, for example mon-fri = "09:00-18:00"')
    week: dict[int, tuple[Span, ...]] = {}
    special: dict[date, tuple[Span, ...]] = {}
    for key, value in table.items():
        if key == "holidays":
            continue
        if not isinstance(value, str):
            raise ValueError(f'{key}: expected times such as "09:00-18:00", or "closed"')
        if key[:1].isdigit():
            special[_date(key)] = parse_spans(value)
        else:
            week |= dict.fromkeys(parse_days(key), parse_spans(value))
    days = tuple(week.get(day, ()) for day in range(7))
    return Schedule(days, special, _holidays(table.get("holidays", [])))


def _holidays(value: object) -> tuple[ClosedDays, ...]:
    if not isinstance(value, list):
        raise ValueError('holidays: expected a list of days, for example ["12-25", "2026-04-06"]')
    return tuple(ClosedDays.parse(str(day)) for day in value)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'{text!r} is no date, expected for example "2026-12-24"') from None


Hours = Annotated[InstanceOf[Schedule], BeforeValidator(read_hours)]
