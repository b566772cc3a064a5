"""``[hours.x]``: a table whose keys are days."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict

from b2bua.config.tables.base import Table
from b2bua.config.values import Texts
from b2bua.routing.schedule import Span, parse_spans


def _read_times(value: object) -> object:
    if isinstance(value, dict):  # TOML reads 31.12 as a table 31
        raise ValueError("expected a day of the week or a date; a date is month and day, such as 12-31")
    if not isinstance(value, str):
        raise ValueError('expected times such as "09:00-18:00", "24h" or "closed"')
    return parse_spans(value)


def _read_holidays(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise ValueError('expected a country or a list of days, for example "PL" or ["PL", "12-24"]')
    return tuple(str(day) if isinstance(day, date) else day for day in value)


Times = Annotated[tuple[Span, ...], BeforeValidator(_read_times)]


class Hours(Table):
    """When something is open: times by day of the week or by date."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Times]

    holidays: Annotated[Texts, BeforeValidator(_read_holidays)] = ()
    """Countries whose public holidays are closed, own closed days, and ``!`` before days that are worked."""

    closed_by: Texts = ()
    """Calendars in whose events it is closed."""
    open_by: Texts = ()
    """Calendars in whose events it is open, whatever else is said."""

    @property
    def times(self) -> dict[str, tuple[Span, ...]]:
        """Return the times by day as it is written: ``mon-fri``, ``12-24`` or ``2026-12-24``."""
        return self.__pydantic_extra__
