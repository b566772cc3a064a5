"""Who would take calls of a number at any moment of some days. Pure: it walks the schemes at each change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from b2bua.routing.calendar import Calendar
from b2bua.routing.destination import (
    Destination,
    Echo,
    External,
    Menu,
    Mobile,
    Outcome,
    Person,
    Queue,
    Ring,
    Say,
    SipAddress,
    Target,
    Voicemail,
    Webhook,
)
from b2bua.routing.facts import Facts
from b2bua.routing.plan import DialExtension, Plan
from b2bua.routing.schedule import Schedule
from b2bua.routing.scheme import Position, choose, enter, follow, scheme_for
from b2bua.routing.turns import of_each_line, who_join

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Taker:
    """One step of the way of a call that nobody takes."""

    words: str
    """What it is besides people, e.g. ``queue sales``; empty: their phones ring."""
    people: tuple[str, ...] = ()
    """Who can answer there."""

    def __str__(self) -> str:
        people = ", ".join(self.people)
        return f"{self.words} ({people})" if self.words and people else self.words or people


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the same people take the calls of a number."""

    start: datetime
    """Office-local."""
    end: datetime
    """Office-local; not included."""
    scheme: str
    """Which is in force; empty: none."""
    takers: tuple[Taker, ...]
    """In the order in which a call comes to them."""

    @property
    def is_gap(self) -> bool:
        """Return whether nobody can answer."""
        return not any(taker.people for taker in self.takers)


def timeline(plan: Plan, number: str, facts: Facts, end: datetime) -> tuple[Stretch, ...]:
    """Return who takes calls of the number from ``facts.at`` until ``end``, without a hole in between."""
    found: list[Stretch] = []
    moments = changes(plan, facts, end)
    for moment, following in zip(moments, [*moments[1:], end], strict=True):
        now = replace(facts, at=moment)
        scheme = scheme_for(plan, number, now)
        name = scheme.name if scheme is not None and scheme.steps else ""
        stretch = Stretch(moment, following, name, tuple(_takers(plan, number, now)))
        if found and (found[-1].scheme, found[-1].takers) == (stretch.scheme, stretch.takers):
            found[-1] = replace(found[-1], end=following)
        else:
            found.append(stretch)
    return tuple(found)


def changes(plan: Plan, facts: Facts, end: datetime) -> list[datetime]:
    """Return the start and every moment before ``end`` at which hours, duties or decisions may change."""
    zone = facts.at.tzinfo
    assert zone is not None
    found = {facts.at, *_by_hours(plan, zone, facts.at.date() - A_DAY, end.date()), *_decided(facts)}
    found |= set(_by_calendars(plan)) | set(_clock_changes(facts.at, end))
    instants = {moment.timestamp() for moment in found if facts.at <= moment < end}
    return [datetime.fromtimestamp(instant, zone) for instant in sorted(instants)]


def _by_hours(plan: Plan, zone: tzinfo, first: date, last: date) -> Iterator[datetime]:
    schedules = [*plan.hours.values(), *(scheme.works for scheme in plan.schemes.values() if scheme.works)]
    day = first
    while day <= last:
        minutes = {0, *(rota.handover for rota in plan.rotas.values())}
        minutes |= {minute for schedule in schedules for minute in _minutes(schedule, day)}
        for minute in minutes:
            wall = datetime.combine(day, time(), zone) + timedelta(minutes=minute)
            yield from (wall, wall.replace(fold=1))
        day += A_DAY


def _minutes(schedule: Schedule, day: date) -> Iterator[int]:
    for span in schedule.spans_on(day):
        yield from (span.start, span.end)


def _by_calendars(plan: Plan) -> Iterator[datetime]:
    calendars: list[Calendar] = [rota.calendar for rota in plan.rotas.values() if rota.calendar]
    calendars += [
        each for schedule in plan.hours.values() for each in (*schedule.closed_by, *schedule.open_by)
    ]
    for calendar in calendars:
        for event in calendar.events:
            yield from (event.start, event.end)


def _decided(facts: Facts) -> Iterator[datetime]:
    """Yield when what people said and decided ends by itself."""
    ends = [absence.until for absence in facts.absences.values()]
    ends += [facts.override.until] if facts.override else []
    yield from (until for until in ends if until is not None)


def _clock_changes(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the hours at which the clock is put forward or back."""
    hour = start.replace(minute=0, second=0, microsecond=0).timestamp()
    while hour < end.timestamp():
        before, after = (datetime.fromtimestamp(hour + step, start.tzinfo) for step in (-1, 0))
        if before.utcoffset() != after.utcoffset():
            yield after
        hour += 3600


# --- who takes a call at one moment ------------------------------------------------------------------------


def _takers(plan: Plan, number: str, facts: Facts) -> Iterator[Taker]:
    """Yield the steps of a call that nobody takes; one that has nothing to do at that time is left out."""
    position: Position | None = enter(plan, number, facts)
    while position is not None:
        taker = _taker(plan, position, facts)
        if str(taker):
            yield taker
        position = follow(plan, position, _outcome(position.destination, taker), facts)


def _outcome(destination: Destination, taker: Taker) -> Outcome:
    match destination:
        case Ring():
            return Outcome.NO_ANSWER if taker.people else Outcome.OFFLINE
        case Queue():
            return Outcome.MAX_WAIT if taker.people else Outcome.OFFLINE
        case Menu():
            return Outcome.NO_INPUT
        case Say() | Voicemail() | Echo():
            return Outcome.DONE
        case Webhook():
            return Outcome.ERROR
    return Outcome.OFFLINE


def _taker(plan: Plan, position: Position, facts: Facts) -> Taker:
    match position.destination:
        case Ring() as ring:
            there = [target for target in ring.targets if _is_there(target, facts)]
            joining, _ = who_join(ring, of_each_line(plan, there))
            return Taker("", _names(plan, joining))
        case Queue(name):
            agents = (Person(agent) for agent in plan.queues[name].agents if facts.is_there(agent))
            people = _names(plan, agents)
            return Taker(f"queue {name}", people) if people else Taker("")
        case Menu(name):
            return Taker(f"menu {name}", tuple(dict.fromkeys(_behind(plan, name, position, facts))))
        case Voicemail(box):
            return Taker(f"voicemail {box}")
        case Say(prompt):
            return Taker(f"says {prompt}")
        case Echo():
            return Taker("echo")
        case Webhook(name):
            return Taker(f"webhook {name}")
    return Taker("")


def _behind(plan: Plan, menu: str, position: Position, facts: Facts) -> Iterator[str]:
    """Yield whom callers reach by a key of the menu; a menu below it is not looked into."""
    for option in plan.menus[menu].options.values():
        if not isinstance(option, DialExtension):
            chosen = choose(plan, position, option, facts)
            if not isinstance(chosen.destination, Menu):
                yield from _taker(plan, chosen, facts).people


def _is_there(target: Target, facts: Facts) -> bool:
    match target:
        case Person(name):
            return facts.is_there(name)
        case Mobile(name):
            return not facts.absence(name)
    return True


def _names(plan: Plan, targets: Iterable[Target]) -> tuple[str, ...]:
    return tuple(_name(plan, target) for target in targets)


def _name(plan: Plan, target: Target) -> str:
    match target:
        case Person(name, device):
            return f"the {device} of {plan.people[name].display}" if device else plan.people[name].display
        case Mobile(name):
            return f"the mobile of {plan.people[name].display}"
        case External(number):
            return number
        case SipAddress(uri):
            return uri
