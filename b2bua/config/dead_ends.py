"""Proves that every outcome of every step leads somewhere, and that no scheme leads back into itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from b2bua.config.origin import Fault, KeyPath
from b2bua.routing.destination import (
    Destination,
    Echo,
    Feature,
    Goto,
    Listen,
    Menu,
    Outcome,
    Queue,
    Responsible,
    Ring,
    RingAgain,
    Say,
    Voicemail,
    Webhook,
)
from b2bua.routing.plan import DialExtension, MenuSpec, Plan, Scheme, Step

NOT_RUNG = frozenset({Outcome.NO_ANSWER, Outcome.BUSY, Outcome.OFFLINE, Outcome.ERROR, Outcome.REJECTED})
NOT_QUEUED = frozenset({Outcome.MAX_WAIT, Outcome.OFFLINE, Outcome.ERROR})
NOT_CHOSEN = frozenset({Outcome.MAX_WAIT, Outcome.ERROR})
NOT_SENT = frozenset(Outcome) - {Outcome.ANSWERED, Outcome.MESSAGE, Outcome.DONE}
"""A webhook may send callers to people, into queues, menus and schemes, which may end in every way."""
START = -1
"""Stands for the index of a step when none is entered at all."""

Node = tuple[str, str]
"""``("scheme" | "menu", key)``."""


def find_dead_ends(plan: Plan) -> tuple[Fault, ...]:
    """Return the cycles of a plan or, when it has none, its dead ends; allowed ones are warnings."""
    cycles = tuple(_cycles(plan))
    if cycles:
        return cycles
    return tuple(fault for scheme in _entered_directly(plan) for fault in _dead_ends_of(plan, scheme))


def _dead_ends_of(plan: Plan, scheme: Scheme) -> Iterator[Fault]:
    if (scheme.works or scheme.when) and not scheme.otherwise:
        yield Fault(("scheme", scheme.name), _describe_rest(scheme), scheme.allows_dead_end)
    for index, outcomes in leaks(plan, scheme.steps).items():
        if index == len(scheme.steps) - 1:
            outcomes -= {Outcome.DONE}  # a farewell may be the end
        if outcomes:
            yield Fault(_path(scheme, index), _describe(index, outcomes, scheme), scheme.allows_dead_end)


def _path(scheme: Scheme, index: int) -> KeyPath:
    return ("scheme", scheme.name) if index == START else ("scheme", scheme.name, "step", index)


def _describe(index: int, outcomes: frozenset[Outcome], scheme: Scheme) -> str:
    ways = ", ".join(sorted(outcomes))
    when = f"when this step ends with {ways}"
    if index == START:
        has_load = any(step.when for step in scheme.steps)
        when = f"outside of the hours {'and conditions ' if has_load else ''}of its steps"
    if scheme.allows_dead_end:
        return f"dead end: {when} the caller is dropped (allow-dead-end is set)"
    add = 'add a last step such as voicemail = "…" without hours, when and after'
    return f"dead end: {when}, nothing follows; {add}"


def _describe_rest(scheme: Scheme) -> str:
    when = f"when it does not work ({scheme.works_on})" if scheme.when else f"outside of {scheme.works_on}"
    if scheme.allows_dead_end:
        return f"dead end: {when} callers go straight to voicemail (allow-dead-end is set)"
    return f'dead end: {when}, nothing follows; add otherwise = "…", the scheme for that time'


def leaks(plan: Plan, steps: tuple[Step, ...]) -> Mapping[int, frozenset[Outcome]]:
    """Return by index of a step the outcomes after which no step follows (``START``: none may be entered)."""
    found: dict[int, frozenset[Outcome]] = {}
    if not _is_caught(steps, frozenset()):
        found[START] = frozenset({Outcome.OFF_HOURS})
    for index, step in enumerate(steps):
        outcomes = failures(plan, step.destination)
        found[index] = frozenset(o for o in outcomes if not _is_caught(steps[index + 1 :], frozenset({o})))
    return {index: outcomes for index, outcomes in found.items() if outcomes}


def _is_caught(steps: Iterable[Step], causes: frozenset[Outcome]) -> bool:
    """Return whether one of the steps is surely entered, whatever the time and the load are."""
    for step in steps:
        if not step.follows(causes):
            continue
        if step.hours is None and not step.when:
            return True
        if step.hours is not None:
            causes |= {Outcome.OFF_HOURS}
    return False


def failures(plan: Plan, destination: Destination) -> frozenset[Outcome]:
    """Return the outcomes of a destination after which somebody still has to take the caller."""
    match destination:
        case Ring():
            return NOT_RUNG
        case Queue():
            return NOT_QUEUED
        case Menu(name):
            chosen = (failures(plan, choice) for choice in choices(plan, plan.menus[name]))
            return NOT_CHOSEN.union(*chosen)
        case Goto(scheme):
            return _leaks_of(plan, plan.schemes[scheme])
        case Say():
            return frozenset({Outcome.DONE})
        case Responsible():
            return NOT_RUNG
        case Webhook():
            return NOT_SENT
        case Voicemail() | Echo() | Listen() | RingAgain() | Feature():
            return frozenset()


def _leaks_of(plan: Plan, scheme: Scheme) -> frozenset[Outcome]:
    """Return the outcomes after which a nested scheme, or the one in its place, has no step left."""
    found = frozenset[Outcome]().union(*leaks(plan, scheme.steps).values())
    if scheme.otherwise:
        return found | _leaks_of(plan, plan.schemes[scheme.otherwise])
    return found | {Outcome.OFF_HOURS} if scheme.works or scheme.when else found


def choices(plan: Plan, menu: MenuSpec) -> Iterator[Destination]:
    """Yield everything that a menu can lead to."""
    yield menu.no_input
    yield menu.invalid
    options = menu.options.values()
    yield from (option for option in options if not isinstance(option, DialExtension))
    if menu.dials_extensions or any(isinstance(option, DialExtension) for option in options):
        # those of schemes and menus end there too, but reaching them again needs the caller's will
        yield from (found for found in plan.extensions.values() if not isinstance(found, Goto | Menu))


def _entered_directly(plan: Plan) -> Iterator[Scheme]:
    """Yield schemes that a call starts with, or that nothing refers to; the others are seen through those.

    Where webhooks are asked, they refer to every scheme.
    """
    first = {
        plan.default_scheme,
        plan.backup_scheme,
        *(name for spec in plan.listed for name in spec.schemes),
    }
    for name in list(first):
        first |= set(_in_place_of(plan, name))
    everywhere = [step.destination for scheme in plan.schemes.values() for step in scheme.steps]
    everywhere += [choice for menu in plan.menus.values() for choice in choices(plan, menu)]
    nested = {found.scheme for found in everywhere if isinstance(found, Goto)}
    if any(isinstance(found, Webhook) for found in (*everywhere, *plan.extensions.values())):
        nested = set(plan.schemes)
    yield from (scheme for name, scheme in plan.schemes.items() if name in first or name not in nested)


def _in_place_of(plan: Plan, name: str | None) -> Iterator[str]:
    """Yield the schemes that are in force while that one does not work."""
    while name is not None and (name := plan.schemes[name].otherwise) is not None:
        yield name


def _cycles(plan: Plan) -> Iterator[Fault]:
    """Yield one fault for each cycle, at the scheme or menu by which the search came into it."""
    done: set[Node] = set()
    for start in (*(("scheme", name) for name in plan.schemes), *(("menu", name) for name in plan.menus)):
        trail = _trail_into_itself(plan, start, (), done)
        if trail:
            way = " -> ".join(f"{kind} {name}" for kind, name in trail)
            yield Fault(trail[0], f"leads back into itself: {way}; callers would go round for ever")


def _trail_into_itself(plan: Plan, node: Node, trail: tuple[Node, ...], done: set[Node]) -> tuple[Node, ...]:
    if node in trail:
        return (*trail[trail.index(node) :], node)
    if node in done:
        return ()
    for neighbour in _leads_to(plan, node):
        if found := _trail_into_itself(plan, neighbour, (*trail, node), done):
            done.update(found)
            return found
    done.add(node)
    return ()


def _leads_to(plan: Plan, node: Node) -> Iterator[Node]:
    kind, name = node
    destinations: Iterable[Destination]
    if kind == "scheme":
        scheme = plan.schemes[name]
        destinations = [step.destination for step in scheme.steps]
        destinations += [Goto(scheme.otherwise)] if scheme.otherwise else []
    else:
        destinations = choices(plan, plan.menus[name])
    for destination in destinations:
        if isinstance(destination, Goto):
            yield ("scheme", destination.scheme)
        elif isinstance(destination, Menu):
            yield ("menu", destination.name)
