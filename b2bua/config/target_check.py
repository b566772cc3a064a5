"""Whom schemes ring by telephone, and which steps nobody comes to: what can be seen before the first call."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.dead_ends import failures
from b2bua.config.models import Config
from b2bua.config.origin import Fault, KeyPath
from b2bua.config.rung import destinations_of
from b2bua.routing.destination import Destination, External, Goto, Menu, Mobile, Outcome, Ring
from b2bua.routing.numbers import is_emergency, is_whole, normalise
from b2bua.routing.plan import DialExtension, NumberSpec, Plan, Scheme
from b2bua.routing.scheme import number_spec

Place = tuple[type[Goto | Menu], str] | Destination
"""A scheme or a menu, or what an extension leads to."""


def find_ways_round(config: Config, plan: Plan) -> tuple[Fault, ...]:
    """Return what rings a number of the office by which callers come to the same place again."""
    found = (fault for fault in _numbers_rung(config, plan) if not fault.is_warning)
    return tuple(found)


def target_warnings(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield numbers that cannot be right, those that lead back into the office, and steps that never come."""
    yield from _mobiles(plan)
    yield from _numbers_rung(config, plan)
    for scheme in plan.schemes.values():
        for index, step in enumerate(scheme.steps):
            if why := _why_never_entered(plan, scheme, index):
                path = ("scheme", scheme.name, "step", index)
                yield Fault((*path, "after") if step.after else path, why, is_warning=True)


def _numbers_rung(config: Config, plan: Plan) -> Iterator[Fault]:
    for path, place, destination in places(config, plan):
        for target in destination.targets if isinstance(destination, Ring) else ():
            if isinstance(target, External) and (why := _why_incomplete(target.number)):
                yield Fault((*path, "ring"), why, is_warning=True)
            if isinstance(target, External) and is_emergency(target.number, country=plan.country):
                why = f"rings {target.number}: callers of the office would be given to the emergency services"
                yield Fault((*path, "ring"), why, is_warning=True)
            number = _number(plan, target) if isinstance(target, External | Mobile) else None
            if number and (spec := _of_the_office(config, plan, number)):
                yield _leads_back(plan, (*path, "ring"), place, spec)


def places(config: Config, plan: Plan) -> Iterator[tuple[KeyPath, Place, Destination]]:
    """Yield what steps, menus and extensions do with callers, with the key and the place where it stands."""
    for scheme in plan.schemes.values():
        for index, step in enumerate(scheme.steps):
            yield ("scheme", scheme.name, "step", index), (Goto, scheme.name), step.destination
    for name, menu in plan.menus.items():
        yield ("menu", name, "no-input"), (Menu, name), menu.no_input
        yield ("menu", name, "invalid"), (Menu, name), menu.invalid
        for digit, option in menu.options.items():
            if not isinstance(option, DialExtension):
                yield ("menu", name, "options", digit), (Menu, name), option
    for extension in config.extensions:
        destination = plan.extensions[extension]
        yield ("extension", extension), destination, destination


def _mobiles(plan: Plan) -> Iterator[Fault]:
    for name, person in plan.people.items():
        if person.mobile and (why := _why_incomplete(person.mobile)):
            yield Fault(("person", name, "mobile"), why, is_warning=True)


def _why_incomplete(number: str) -> str | None:
    """Return what is odd about a number: most often a digit was forgotten, or typed twice."""
    if not number.startswith("+") or is_whole(number):
        return None
    return f"{number} is no number that its country gives out: is there a digit too few or too many?"


def _number(plan: Plan, target: External | Mobile) -> str | None:
    return target.number if isinstance(target, External) else plan.people[target.person].mobile


def _of_the_office(config: Config, plan: Plan, number: str) -> NumberSpec | None:
    """Return what is configured for a number of the office; None: it is none."""
    if found := number_spec(plan, number):
        return found
    own = {normalise(trunk.number, country=plan.country) for trunk in config.trunks.values() if trunk.number}
    return NumberSpec(number, plan.default_scheme) if number in own and plan.default_scheme else None


def _leads_back(plan: Plan, path: KeyPath, place: Place, spec: NumberSpec) -> Fault:
    """Return what is wrong with ringing a number of the office: an error where callers come here again."""
    way = "a number of this office: such a call goes out to the provider and comes in again"
    is_circle = any(place in (_place_of(each), each) for each in destinations_of(plan, spec))
    if is_circle:
        why = f"rings {way}, to this place; callers would go round for ever, on two more channels each time"
    else:
        why = f'rings {way}, on two channels; name what it leads to, such as scheme = "{spec.in_hours}"'
    return Fault(path, why, is_warning=not is_circle)


def _place_of(destination: Destination) -> Place | None:
    match destination:
        case Goto(name) | Menu(name):
            return type(destination), name
    return None


def _why_never_entered(plan: Plan, scheme: Scheme, index: int) -> str | None:
    before, step = scheme.steps[:index], scheme.steps[index]
    causes: set[Outcome] = {Outcome.OFF_HOURS} if any(each.hours for each in before) else set()
    for earlier in before:
        ends = failures(plan, earlier.destination)
        is_nested = isinstance(earlier.destination, Goto)  # behind which a last step is mere caution
        if not (ends or is_nested or earlier.after or earlier.hours or earlier.when):
            return "nobody comes here: a step before it takes every caller"
        causes |= ends
    if step.follows(frozenset(causes)):
        return None
    found = f"only with {', '.join(sorted(causes))}" if causes else "with nothing, for there is none"
    return f"nobody comes here: what is before it ends {found}"
