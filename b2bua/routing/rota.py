"""Who is on duty when: by date, by a calendar, or in turn. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from b2bua.routing.calendar import Calendar
from b2bua.routing.days import DayRange

NO_WORD = re.compile(r"[^\w+]+")


@dataclass(frozen=True, slots=True)
class Rota:
    """Members are those texts of the configuration that say whom to ring, e.g. ``anna``."""

    name: str
    """Key of the rota."""
    turns: tuple[str, ...] = ()
    """Members who take turns, the first of whom began at ``since``."""
    turn_days: int = 7
    """How long a turn is."""
    since: date = date(2024, 1, 1)
    """First day of the first turn; a Monday."""
    handover: int = 0
    """Minutes after midnight at which a day of duty begins; it ends then on the next day."""
    dates: tuple[tuple[DayRange, tuple[str, ...]], ...] = ()
    """Members of particular days; the first that holds the day wins over everything else."""
    calendar: Calendar | None = None
    """Its events name who is on duty while they run."""
    names: tuple[tuple[str, str], ...] = ()
    """How the calendar may call each member: words in small letters, and the member."""
    otherwise: tuple[str, ...] = ()
    """Members for when nobody else is on duty."""

    def on_duty(self, at: datetime) -> tuple[str, ...]:
        """Return the members who are on duty at that office-local time; nobody, in a gap."""
        day = (at.replace(tzinfo=None) - timedelta(minutes=self.handover)).date()
        for days, members in self.dates:
            if day in days:
                return members
        return self._by_calendar(at) or self._in_turn(day) or self.otherwise

    def named_in(self, title: str) -> tuple[str, ...]:
        """Return the members whom the title of an event names, in the order in which they stand there."""
        words = f" {_words(title)} "
        places: dict[str, int] = {}
        for name, member in self.names:
            place = words.find(f" {name} ")
            if place >= 0:
                places[member] = min(place, places.get(member, place))
        return tuple(sorted(places, key=places.__getitem__))

    def with_calendars(self, known: Mapping[str, Calendar]) -> Rota:
        """Return it with what is known of its calendar now."""
        if self.calendar is None:
            return self
        return replace(self, calendar=known.get(self.calendar.name, self.calendar))

    def _by_calendar(self, at: datetime) -> tuple[str, ...]:
        events = self.calendar.at(at) if self.calendar else ()
        return tuple(dict.fromkeys(member for event in events for member in self.named_in(event.title)))

    def _in_turn(self, day: date) -> tuple[str, ...]:
        passed = (day - self.since).days
        if not self.turns or passed < 0:
            return ()
        return (self.turns[passed // self.turn_days % len(self.turns)],)


def as_name(text: str) -> str:
    """Return a name as ``Rota.names`` has it."""
    return _words(text)


def _words(text: str) -> str:
    return NO_WORD.sub(" ", text).strip().casefold()
