"""Whom a destination can lead to, at whatever hours, and which hours decide about that."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.dead_ends import choices
from b2bua.config.situations import holiday_of, working_hours_of
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
    """Return what decides about callers of a number, in the words of ``situations``."""
    found = {each for name in spec.schemes for each in _hours(plan, Goto(name), frozenset())}
    if spec.schedule:
        found.add(spec.schedule)
        found |= {holiday_of(spec.schedule)} if spec.holiday else set()
    return frozenset(found)


def _hours(plan: Plan, destination: Destination, seen: frozenset[Destination]) -> Iterator[str]:
    if destination in seen:
        return
    seen |= {destination}
    match destination:
        case Goto(name):
            scheme = plan.schemes[name]
            yield from [working_hours_of(name)] if scheme.works else []
            yield from _hours(plan, Goto(scheme.otherwise), seen) if scheme.otherwise else []
            for step in scheme.steps:
                yield from [step.hours] if step.hours else []
                yield from _hours(plan, step.destination, seen)
        case Menu(name):
            for choice in choices(plan, plan.menus[name]):
                yield from _hours(plan, choice, seen)
