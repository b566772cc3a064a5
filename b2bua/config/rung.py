"""Whom a destination can lead to, at whatever hours and load, and what of these decides about that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from b2bua.config.dead_ends import choices
from b2bua.config.duties import gap_of
from b2bua.config.situations import holiday_of, working_hours_of
from b2bua.routing.destination import Destination, Goto, Menu, Person, Queue, Ring, Target
from b2bua.routing.plan import NumberSpec, Plan

MOST_COMBINED = 4
"""Conditions on the load, of which all combinations are looked at."""


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
    found = set[str]()
    for destination in destinations_of(plan, spec):
        if isinstance(destination, Goto):
            scheme = plan.schemes[destination.scheme]
            found |= {working_hours_of(scheme.name)} if scheme.works else set()
            found |= {step.hours for step in scheme.steps if step.hours}
        elif isinstance(destination, Ring):
            found |= {gap_of(duty.rota) for duty in destination.duties}
    if spec.schedule:
        found.add(spec.schedule)
        found |= {holiday_of(spec.schedule)} if spec.holiday else set()
    return frozenset(found)


def loads(plan: Plan, spec: NumberSpec) -> list[frozenset[str]]:
    """Return which conditions on the load may hold together, for callers of a number, by their texts.

    Each may or may not, whatever the others do; of many, those cases are left out in which some but not all
    but one, and not only one, do.
    """
    found = set[str]()
    for destination in destinations_of(plan, spec):
        if isinstance(destination, Goto):
            scheme = plan.schemes[destination.scheme]
            found |= {condition.text for step in scheme.steps for condition in step.when}
            found |= {condition.text for condition in scheme.when}
    texts = sorted(found)
    if len(texts) <= MOST_COMBINED:
        sizes: Sequence[int] = range(len(texts) + 1)
    else:
        sizes = sorted({0, 1, len(texts) - 1, len(texts)})
    return [frozenset(each) for size in sizes for each in combinations(texts, size)]


def destinations_of(plan: Plan, spec: NumberSpec) -> Iterator[Destination]:
    """Yield all that can be done with callers of a number, each once."""
    yield from destinations_from(plan, [Goto(name) for name in spec.schemes])


def destinations_from(plan: Plan, first: Sequence[Destination]) -> Iterator[Destination]:
    """Yield all that ``first`` can lead to, itself included, each once."""
    seen = set[Destination]()
    todo = list(first)
    while todo:
        destination = todo.pop()
        if destination in seen:
            continue
        seen.add(destination)
        yield destination
        if isinstance(destination, Menu):
            todo += choices(plan, plan.menus[destination.name])
        elif isinstance(destination, Goto):
            scheme = plan.schemes[destination.scheme]
            todo += [step.destination for step in scheme.steps]
            todo += [Goto(scheme.otherwise)] if scheme.otherwise else []
