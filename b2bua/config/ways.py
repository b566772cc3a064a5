"""The ways of a caller as a graph: where each step can lead, in one situation of the opening hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from b2bua.config.dead_ends import NOT_CHOSEN, NOT_QUEUED, NOT_RUNG
from b2bua.routing.destination import (
    Destination,
    Echo,
    External,
    Feature,
    Goto,
    Listen,
    Menu,
    Mobile,
    Outcome,
    Person,
    Queue,
    Responsible,
    Ring,
    RingAgain,
    Say,
    SipAddress,
    Voicemail,
    Webhook,
)
from b2bua.routing.facts import Facts
from b2bua.routing.plan import DialExtension, MenuSpec, Plan
from b2bua.routing.scheme import Position, choose, enter, follow

Key = tuple[object, ...]
"""What tells one position from another."""
OUTSIDE = "outside"
"""Stands for whoever is reached through a trunk."""


@dataclass(frozen=True, slots=True)
class Way:
    """One position, and what follows it."""

    position: Position
    """Where the caller stands."""
    rings: frozenset[str]
    """Keys of the people whose phones can be rung there; ``OUTSIDE`` where numbers are."""
    asks_outside: bool = False
    """Whether a server of somebody else decides there."""
    next: dict[Outcome, Key | None] = field(default_factory=dict)
    """Where each outcome leads; None: the call is over."""
    choices: list[Key] = field(default_factory=list)
    """Where the keys of a menu lead."""

    @property
    def may_drop(self) -> bool:
        """Whether an outcome of it lets a caller go whom nobody has served; a farewell is an end."""
        return None in self.next.values() and not isinstance(self.position.destination, Say)


@dataclass(frozen=True, slots=True)
class Ways:
    """All that can become of a caller."""

    first: Key
    """Where they start."""
    all: Mapping[Key, Way]
    """By position."""


def ways(plan: Plan, number: str, facts: Facts) -> Ways:
    """Return all ways of a caller of ``number``, whoever can be reached; hours stay as they are at ``facts``.

    What menus lead to is walked as well, extensions that are typed there by one example.
    """
    start = enter(plan, number, facts)
    found: dict[Key, Way] = {}
    todo = [start]
    while todo:
        position = todo.pop()
        if _key(position) in found:
            continue
        way = Way(
            position,
            _rung(plan, position.destination),
            isinstance(position.destination, Webhook | Responsible),
        )
        found[_key(position)] = way
        for outcome in _outcomes(position.destination):
            after = follow(plan, position, outcome, facts)
            way.next[outcome] = _key(after) if after else None
            todo += [after] if after else []
        for choice in _choices(plan, position.destination):
            chosen = choose(plan, position, choice, facts)
            way.choices.append(_key(chosen))
            todo.append(chosen)
    return Ways(_key(start), found)


def _key(position: Position) -> Key:
    """Return what tells positions apart without comparing the steps that lie below them."""
    frames = tuple((id(frame.steps), frame.following) for frame in position.frames)
    match position.destination:  # the last resort, and who is on duty; all others are in the plan
        case Voicemail() | Ring(duties=(_, *_)):
            made_anew = True
        case _:
            made_anew = False
    return position.key, position.destination if made_anew else id(position.destination), frames


def _outcomes(destination: Destination) -> frozenset[Outcome]:
    """Return the outcomes after which something follows, or ought to."""
    match destination:
        case Ring() | Responsible():
            return NOT_RUNG
        case Queue():
            return NOT_QUEUED
        case Menu():
            return NOT_CHOSEN | {Outcome.NO_INPUT, Outcome.INVALID}
        case Say():
            return frozenset({Outcome.DONE})
        case RingAgain():
            return frozenset({Outcome.NO_ANSWER})
        case Webhook():
            return frozenset({Outcome.ERROR})
        case Voicemail() | Echo() | Listen() | Feature() | Goto():
            return frozenset()


def _rung(plan: Plan, destination: Destination) -> frozenset[str]:
    match destination:
        case Ring(targets):
            people = {target.name for target in targets if isinstance(target, Person)}
            is_outside = any(isinstance(target, External | Mobile | SipAddress) for target in targets)
            return frozenset(people | ({OUTSIDE} if is_outside else set()))
        case Queue(name):
            return frozenset(plan.queues[name].agents)
    return frozenset()


def _choices(plan: Plan, destination: Destination) -> Iterator[Destination]:
    if not isinstance(destination, Menu):
        return
    menu = plan.menus[destination.name]
    yield from (option for option in menu.options.values() if not isinstance(option, DialExtension))
    yield from _example_of_an_extension(plan, menu)


def _example_of_an_extension(plan: Plan, menu: MenuSpec) -> Iterator[Destination]:
    if menu.dials_extensions or any(isinstance(option, DialExtension) for option in menu.options.values()):
        rings = (found for found in plan.extensions.values() if isinstance(found, Ring))
        yield from (found for found in [next(rings, None)] if found is not None)
