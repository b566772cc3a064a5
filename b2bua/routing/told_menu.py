"""Tells what a menu does with who presses nothing, or what they are assumed to press."""

from __future__ import annotations

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


def _tell_keys(plan: Plan, menu: MenuSpec, assumed: Assumed, greeting_s: float) -> Told:
    pressed = assumed.keys.popleft()
    line, option = f"menu {menu.name}: the caller presses {pressed}", menu.options.get(pressed)
    extensions = plan.extensions if menu.dials_extensions else {}
    chosen: Destination | None
    if isinstance(option, DialExtension):
        greeting_s += assumed.seconds_of("enter-extension")
        dialled = assumed.keys.popleft() if assumed.keys else ""
        line += f", is asked for an extension, and dials {dialled or 'nothing'}"
        chosen = plan.extensions.get(dialled)
        outcome, said = (Outcome.INVALID, "extension-unknown") if dialled else (Outcome.NO_INPUT, "no-input")
    else:
        chosen, outcome, said = option or extensions.get(pressed), Outcome.INVALID, "invalid"
    if chosen is not None:
        return Told(line, outcome, greeting_s, (f"that is: {short(plan, chosen)}",), chosen)
    after = menu.invalid if outcome is Outcome.INVALID else menu.no_input
    more = f"that leads nowhere; after {menu.tries} such tries: {short(plan, after)}, as follows"
    silence_s = menu.input_seconds if outcome is Outcome.NO_INPUT else 0.0
    seconds = menu.tries * (greeting_s + silence_s + assumed.seconds_of(said))
    return Told(line, outcome, min(seconds, menu.for_seconds), (more,))
