"""What somebody is by their own word and by their calendar. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from b2bua.people.status import UNSAID, Availability, Source, Status
from b2bua.routing.calendar import Calendar

AHEAD = timedelta(days=400)
"""No calendar is known further."""


def status_at(said: Status | None, diary: Calendar | None, at: datetime) -> Status:
    """Return what somebody is who ``said`` that last and whose calendar is ``diary``.

    Their word comes first: who says that they do not take calls is so whatever the calendar has, and who
    says that they do is so until another event begins. Else an event in which they are busy is a meeting.
    """
    is_said = said is not None and said.holds(at)
    if said is not None and is_said and not said.is_available:
        return said
    spoke_at = said.since if said is not None and is_said else None
    meeting = _meeting(diary, at, spoke_at) if diary is not None else None
    return meeting or (said if said is not None and is_said else UNSAID)


def _meeting(diary: Calendar, at: datetime, spoke_at: datetime | None) -> Status | None:
    """Return the meeting of ``at``, of events that begin after they ``spoke_at`` something else."""
    events = [event for event in diary.at(at) if event.is_busy]
    running = [event for event in events if spoke_at is None or event.start > spoke_at]
    if not running:
        return None
    since, until = min(event.start for event in running), max(event.end for event in running)
    return Status(Availability.MEETING, since, until, source=Source.CALENDAR)


def edges(diary: Calendar, at: datetime) -> Iterator[datetime]:
    """Yield the ends of the events that run, and when the next one begins."""
    for event in diary.between(at, at + AHEAD):
        if event.start > at:
            yield event.start
            return
        yield event.end
