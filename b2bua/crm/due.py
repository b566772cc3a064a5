"""When something is due that has to be done in working hours. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from b2bua.routing.schedule import Schedule

FARTHEST = timedelta(days=30)
"""Hours that are closed for longer are no working hours."""
MINUTE = timedelta(minutes=1)


def due_at(moment: datetime, after_s: float, schedule: Schedule | None, zone: tzinfo) -> datetime:
    """Return when ``after_s`` seconds of open time have passed since ``moment``; None: it is always open.

    Looks at each minute until then: not for the event loop.
    """
    now, left = moment.astimezone(UTC), timedelta(seconds=after_s)  # in which a minute is a minute
    plain, farthest = now + left, now + FARTHEST
    if schedule is None:
        return plain
    while now < farthest:
        following = now.replace(second=0, microsecond=0) + MINUTE
        if schedule.is_open(now.astimezone(zone)):
            if now + left <= following:
                return now + left
            left -= following - now
        now = following
    return plain
