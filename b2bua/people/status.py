"""What somebody says of themselves: available, away and the like, why, and until when. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_REASON = 100
"""Letters; more does not fit into a line."""


class Availability(StrEnum):
    """Whether calls are given to somebody."""

    AVAILABLE = "available"
    AWAY = "away"
    DO_NOT_DISTURB = "do-not-disturb"
    MEETING = "meeting"
    OFF_DUTY = "off-duty"


class Source(StrEnum):
    """How a status was said."""

    PHONE = "phone"
    COMMAND = "command"
    API = "api"
    CALENDAR = "calendar"


WORDS = {
    Availability.AVAILABLE: "available",
    Availability.AWAY: "away",
    Availability.DO_NOT_DISTURB: "not to be disturbed",
    Availability.MEETING: "in a meeting",
    Availability.OFF_DUTY: "off duty",
}
"""What follows "Anna is"."""


@dataclass(frozen=True, slots=True)
class Status:
    """The word of one person."""

    state: Availability
    """What they are."""
    since: datetime
    """When they said so; aware. Of two words the later one counts."""
    until: datetime | None = None
    """When it ends by itself; None: when they say something else."""
    reason: str = ""
    """Why, in their words."""
    source: Source = Source.PHONE
    """How they said it."""

    def holds(self, at: datetime) -> bool:
        """Return whether it has not ended by itself."""
        return self.until is None or at < self.until

    @property
    def is_available(self) -> bool:
        """Return whether calls are given to who is so."""
        return self.state is Availability.AVAILABLE

    def keeps_from(self, *, colleague: bool) -> bool:
        """Return whether who is so is not rung: by a ``colleague`` who dials their extension, or else.

        Schemes, queues and callers give calls only to who is available. A colleague who wants this very
        person rings them all the same, unless they do not want to be disturbed.
        """
        if colleague:
            return self.state is Availability.DO_NOT_DISTURB
        return not self.is_available

    def in_words(self, zone: tzinfo, now: datetime) -> str:
        """Return what follows "Anna is": ``in a meeting until 15:00 (budget)``, at the clock of ``zone``."""
        until = "" if self.until is None else f" until {moment(self.until, zone, now)}"
        reason = f" ({self.reason})" if self.reason else ""
        return f"{WORDS[self.state]}{until}{reason}"


UNSAID = Status(Availability.AVAILABLE, since=datetime.min.replace(tzinfo=UTC))
"""Of who has never said anything, or whose word has ended."""


def moment(at: datetime, zone: tzinfo, now: datetime) -> str:
    """Return ``15:00``, on another day than ``now`` ``mon 2026-11-30 09:00``, at the clock of ``zone``."""
    local = at.astimezone(zone)
    day = "" if local.date() == now.astimezone(zone).date() else f"{DAYS[local.weekday()]} {local:%Y-%m-%d} "
    return f"{day}{local:%H:%M}"
