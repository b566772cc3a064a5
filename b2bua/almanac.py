"""Puts what is known of the calendars into the configuration in force, whenever that is something new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from b2bua.calendars.calendars import Calendars
from b2bua.edition import Editions
from b2bua.http.client import HttpClient


def keep_calendars(editions: Editions, http: HttpClient, clock: Callable[[], datetime]) -> Calendars:
    """Return the calendars of the office, of which the next call will know what they know."""
    calendars = Calendars(editions.current.config, http, clock)

    def put_in_force() -> None:
        editions.put_in_force(replace(editions.current, calendars=calendars.known))

    calendars.on_change.append(put_in_force)
    return calendars
