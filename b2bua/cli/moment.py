"""Moments as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FORM = re.compile(r"(?:(?P<day>[a-z]{3})[a-z]*\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})")


def parse_moment(text: str, *, now: datetime) -> datetime:
    """Return the moment: ``now``, ``21:00`` today, ``sat 21:00`` (the next one), or an ISO date and time.

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
    if match["day"] is None:
        return moment
    if match["day"] not in DAYS:
        raise ValueError(f"{match['day']!r} is no day; use {', '.join(DAYS)}")
    return moment + timedelta(days=(DAYS.index(match["day"]) - now.weekday()) % 7)


def _iso(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f'{text!r} is no moment; use "now", "21:00", "sat 21:00" or "2026-12-24 12:00"'
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
