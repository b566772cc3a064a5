"""``[rota.x]``: who is on duty when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from b2bua.config.tables.base import Named
from b2bua.config.values import Seconds, Texts
from b2bua.routing.schedule import parse_minute

DAY_S = 86400.0
A_MONDAY = date(2024, 1, 1)


def _read_minute(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a time of day such as 09:00")
    return parse_minute(value)


class Rota(Named):
    """Members take turns, are named by a calendar, or have days of their own."""

    members: Texts = ()
    """Whom to ring, each as in ``ring``, in the order of their turns; with a calendar: who may be named."""
    turn: Seconds = Field(default=7 * DAY_S, ge=DAY_S, multiple_of=DAY_S)
    """How long each is on duty, whole days."""
    since: date = A_MONDAY
    """The day on which the first of the members is on duty."""
    handover: Annotated[int, BeforeValidator(_read_minute)] = 0
    """Minutes after midnight at which the next one takes over."""
    calendar: str | None = None
    """Its events name who is on duty."""
    dates: Mapping[str, Texts] = {}
    """Days of a member, such as ``12-24`` or ``2026-12-24..2026-12-26``."""
    otherwise: Texts = ()
    """For when nobody else is on duty."""

    @model_validator(mode="after")
    def _has_somebody(self) -> Self:
        if not (self.members or self.dates or self.calendar):
            raise ValueError("a rota needs members, a calendar or dates")
        return self
