"""Whom a destination can lead to, at whatever hours, and which hours decide about that."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.dead_ends import choices
from b2bua.routing.destination import Destination, Goto, Menu, Person, Queue, Ring, Target
from b2bua.routing.plan import NumberSpec, Plan


def rung(
    plan: Plan, destination: Destination, seen: frozenset[Destination] = frozenset()
) -> Iterator[tuple[Target, ...]]:
    """Yield who is rung at each place that a destination can lead to."""
    if destination in seen:
        return
    seen |= {destination}
    match destination:
        case Ring(targets):
            yield targets
        case Queue(name):
            yield tuple(Person(agent) for agent in plan.queues[name].agents)
        case Goto(scheme):
            for step in plan.schemes[scheme].steps:
                yield from rung(plan, step.destination, seen)
        case Menu(name):
            for choice in choices(plan, plan.menus[name]):
                yield from rung(plan, choice, seen)


def hours_of(plan: Plan, spec: NumberSpec) -> frozenset[str]:
    """Return the keys of all hours that decide about callers of a number."""
    entries = [Goto(name) for name in (spec.in_hours, spec.off_hours) if name]
    found = {hours for entry in entries for hours in _hours(plan, entry, frozenset())}
    return frozenset(found | ({spec.schedule} if spec.schedule else set()))


def _hours(plan: Plan, destination: Destination, seen: frozenset[Destination]) -> Iterator[str]:
    if destination in seen:
        return
    seen |= {destination}
    match destination:
        case Goto(scheme):
            for step in plan.schemes[scheme].steps:
                yield from [step.hours] if step.hours else []
                yield from _hours(plan, step.destination, seen)
        case Menu(name):
            for choice in choices(plan, plan.menus[name]):
                yield from _hours(plan, choice, seen)
