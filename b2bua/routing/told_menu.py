"""Tells what a menu does with who presses nothing, or what they are assumed to press."""

from __future__ import annotations

from dataclasses import dataclass

from b2bua.routing.destination import Destination, Outcome
from b2bua.routing.plan import DialExtension, MenuSpec, Plan
from b2bua.routing.told import Assumed, Told
from b2bua.routing.words import short, way


def tell_menu(plan: Plan, menu: MenuSpec, assumed: Assumed) -> Told:
    """Return what happens in the menu, and how long it takes; keys pressed there are no longer assumed."""
    greeting_s = sum(map(assumed.seconds_of, menu.greeting))
    if assumed.keys:
        return _tell_keys(plan, menu, assumed, greeting_s)
    options = [f"{digit}: {way(plan, each)}" for digit, each in menu.options.items()]
    if menu.dials_extensions and plan.extensions:
        options.append(f"extensions can be dialled at once: {', '.join(sorted(plan.extensions))}")
    options.append(f"invalid: {short(plan, menu.invalid)}")
    options.append(f"nothing pressed: {short(plan, menu.no_input)}, as follows")
    line = f"menu {menu.name}, played {menu.tries} times at most"
    seconds = menu.tries * (greeting_s + menu.input_seconds + assumed.seconds_of("no-input"))
    return Told(line, Outcome.NO_INPUT, min(seconds, menu.for_seconds), tuple(options))


@dataclass(frozen=True, slots=True)
class _Try:
    """What the caller does when the menu is played once."""

    words: str
    """After "the caller"."""
    chosen: Destination | None
    """Where that leads; None: nowhere."""
    seconds: float
    """How long it takes."""
    outcome: Outcome = Outcome.INVALID
    """How the menu ends if there is no other try."""


def _tell_keys(plan: Plan, menu: MenuSpec, assumed: Assumed, greeting_s: float) -> Told:
    tries = [_try(plan, menu, assumed, greeting_s)]
    while tries[-1].chosen is None and assumed.keys and len(tries) < menu.tries:
        tries.append(_try(plan, menu, assumed, greeting_s))
    last, seconds = tries[-1], sum(each.seconds for each in tries)
    line = f"menu {menu.name}: the caller {', then '.join(each.words for each in tries)}"
    if last.chosen is not None:
        return Told(line, last.outcome, seconds, (f"that is: {short(plan, last.chosen)}",), last.chosen)
    after = menu.invalid if last.outcome is Outcome.INVALID else menu.no_input
    more = f"that leads nowhere; after {menu.tries} such tries: {short(plan, after)}, as follows"
    seconds += (menu.tries - len(tries)) * last.seconds
    return Told(line, last.outcome, min(seconds, menu.for_seconds), (more,))


def _try(plan: Plan, menu: MenuSpec, assumed: Assumed, greeting_s: float) -> _Try:
    pressed = assumed.keys.popleft()
    words, option = f"presses {pressed}", menu.options.get(pressed)
    if isinstance(option, DialExtension):
        greeting_s += assumed.seconds_of("enter-extension")
        return _dial(plan, menu, assumed, words, greeting_s)
    chosen = option or (plan.extensions.get(pressed) if menu.dials_extensions else None)
    return _Try(words, chosen, greeting_s + (0.0 if chosen else assumed.seconds_of("invalid")))


def _dial(plan: Plan, menu: MenuSpec, assumed: Assumed, words: str, greeting_s: float) -> _Try:
    """Return what the caller does who is asked for an extension."""
    dialled = assumed.keys.popleft() if assumed.keys else ""
    words += f", is asked for an extension, and dials {dialled or 'nothing'}"
    if not dialled:
        seconds = greeting_s + menu.input_seconds + assumed.seconds_of("no-input")
        return _Try(words, None, seconds, Outcome.NO_INPUT)
    chosen = plan.extensions.get(dialled)
    return _Try(words, chosen, greeting_s + (0.0 if chosen else assumed.seconds_of("extension-unknown")))
