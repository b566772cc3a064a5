"""Moments as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FORM = re.compile(r"(?:(?P<day>[a-z]+)\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})")


def parse_moment(text: str, *, now: datetime) -> datetime:
    """Return the moment that is meant; ``sat 21:00`` is the next one, and a time alone is today's.

    It is ``now``, ``21:00``, ``tomorrow 21:00``, ``sat 21:00``, or an ISO date and time.

    Raises:
        ValueError: it is none of these.
    """
    wanted = text.strip().lower()
    if wanted in ("", "now"):
        return now
    match = FORM.fullmatch(wanted)
    if match is None:
        return _iso(wanted, now)
    if int(match["hour"]) > 23 or int(match["minute"]) > 59:
        raise ValueError(f"{text!r} is no time of a day")
    moment = now.replace(hour=int(match["hour"]), minute=int(match["minute"]), second=0, microsecond=0)
    return moment + timedelta(days=_days_ahead(match["day"] or "today", now))


def _days_ahead(day: str, now: datetime) -> int:
    if day in ("today", "tomorrow"):
        return ("today", "tomorrow").index(day)
    if day[:3] not in DAYS:
        raise ValueError(f"{day!r} is no day; use {', '.join(DAYS)}, today or tomorrow")
    return (DAYS.index(day[:3]) - now.weekday()) % 7


def _iso(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f'{text!r} is no moment; use "now", "21:00", "sat 21:00", "tomorrow 9:00" or "2026-12-24 12:00"'
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
