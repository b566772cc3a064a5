"""Tells in plain words where a call would go if nobody took it, step by step, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from b2bua.money import money
from b2bua.routing.destination import (
    Destination,
    Echo,
    External,
    Goto,
    Listen,
    Menu,
    Mobile,
    Outcome,
    Person,
    Queue,
    Ring,
    RingAgain,
    RingMode,
    Say,
    SipAddress,
    Target,
    Voicemail,
    Webhook,
)
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Choice, DialExtension, MenuSpec, Plan, Step, WebhookSpec
from b2bua.routing.rates import WayOut
from b2bua.routing.schedule import DAYS, Schedule
from b2bua.routing.scheme import (
    Position,
    choose,
    enter,
    follow,
    goes_round,
    number_spec,
    scheme_for,
)

Ask = Callable[[str], Destination | str]
"""Asks a webhook where the caller goes; a text says why it brought nothing."""

EXAMPLE_S = 180.0
"""How long a talk is whose price is told."""


def explain(plan: Plan, facts: Facts, number: str, caller: str, *, ask: Ask | None = None) -> list[str]:
    """Return the lines that tell the way of a call that nobody answers, at that time, with those offline.

    Servers outside are asked by ``ask``; None: as if they did not answer.
    """
    lines = [_headline(facts, number, caller), _scheme_line(plan, facts, number)]
    elapsed = 0.0
    position: Position | None = enter(plan, number, facts)
    while position:
        now = facts.after(elapsed)
        told = _tell(plan, position.destination, now, ask)
        lines += [f"      {line}" for line in _skipped(position)]
        lines += [
            f"{_clock(elapsed):>5} {told.line}{_where(position)}",
            *(f"      {line}" for line in told.more),
        ]
        elapsed += told.seconds
        position = _next(plan, position, told, facts.after(elapsed))
    return lines


def _next(plan: Plan, position: Position, told: Told, facts: Facts) -> Position | None:
    if told.chosen is None or goes_round(plan, position, told.chosen):
        return follow(plan, position, told.outcome, facts)
    return choose(plan, position, told.chosen, facts)


def summarise(plan: Plan, number: str, facts: Facts) -> str:
    """Return what the number does at that time, in one line: "rings Anna (101) for 20 s; then ..."."""
    scheme = scheme_for(plan, number, facts)
    if scheme is None:
        return _short(plan, Voicemail(plan.default_mailbox))
    return "; then ".join(_gist(plan, step) for step in scheme.steps)


def _gist(plan: Plan, step: Step) -> str:
    gist = _short(plan, step.destination)
    if isinstance(step.destination, Menu):
        options = plan.menus[step.destination.name].options
        gist += f" ({', '.join(f'{digit}: {_choice(plan, choice)}' for digit, choice in options.items())})"
    return gist if step.after is None else f"{gist} (only after {' or '.join(sorted(step.after))})"


@dataclass(frozen=True, slots=True)
class Told:
    """What happens at one position when nobody takes the call."""

    line: str
    """In words."""
    outcome: Outcome
    """How it ends."""
    seconds: float = 0.0
    """How long it takes."""
    more: tuple[str, ...] = ()
    """Details."""
    chosen: Destination | None = None
    """Where a server outside sends the caller."""


def _tell(plan: Plan, destination: Destination, facts: Facts, ask: Ask | None) -> Told:
    match destination:
        case Ring():
            return _tell_ring(plan, destination, facts)
        case Queue():
            return _tell_queue(plan, destination, facts)
        case Menu(name):
            return _tell_menu(plan, plan.menus[name])
        case Webhook(name):
            return _tell_webhook(plan, plan.webhooks[name], ask)
        case RingAgain():
            line = f"{_short(plan, destination)}; nobody, if they are new today: goes on at once"
            return Told(line, Outcome.OFFLINE)
        case Say() | Echo() | Voicemail() | Goto() | Listen():
            return Told(_short(plan, destination), Outcome.DONE)


def _tell_ring(plan: Plan, ring: Ring, facts: Facts) -> Told:
    why_not = {target: why for target in ring.targets if (why := _why_not(plan, target, facts))}
    left = [target for target in ring.targets if target not in why_not]
    details = tuple(f"{_title(plan, target)} {why.words} and is skipped" for target, why in why_not.items())
    if not left:
        names = _listed([_title(plan, target) for target in why_not])
        is_busy = any(why.is_busy for why in why_not.values())
        reason = "nobody is free" if is_busy else _nobody(list(why_not))
        outcome = Outcome.BUSY if is_busy else Outcome.OFFLINE
        is_mixed = len({why.words for why in why_not.values()}) > 1
        return Told(f"would ring {names}, but {reason}: goes on at once", outcome, more=details * is_mixed)
    seconds = ring.for_seconds * (len(left) if ring.mode is RingMode.IN_TURN else 1)
    return Told(_rings(plan, ring, left), Outcome.NO_ANSWER, seconds, (*details, *_prices(plan, left, facts)))


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why somebody does not ring."""

    words: str
    """After the name."""
    is_busy: bool = False
    """Whether they can be reached, and talk."""


def _why_not(plan: Plan, target: Target, facts: Facts) -> WhyNot | None:
    match target:
        case Person(name) if name in facts.offline:
            return WhyNot("is offline")
        case Person(name) if name in facts.busy:
            return WhyNot("is busy", is_busy=True)
        case External() | Mobile() if facts.down and _way_out(plan, facts) is None:
            return WhyNot("cannot be called, as no trunk is up,")
    return None


def _way_out(plan: Plan, facts: Facts) -> WayOut | None:
    """Return the first trunk that places calls and is up."""
    return next((way for way in plan.budget.ways_out if way.trunk not in facts.down), None)


def _nobody(targets: list[Target]) -> str:
    if not any(isinstance(target, Person) for target in targets):
        return "no trunk is up"
    if all(isinstance(target, Person) for target in targets):
        return "no phone is online"
    return "no phone is online and no trunk is up"


def _prices(plan: Plan, targets: list[Target], facts: Facts) -> Iterator[str]:
    """Tell what a talk with each of these costs, by the first trunk that places calls."""
    way = _way_out(plan, facts)
    rates = way.rates if way is not None else None
    if rates is None:
        return
    for target in targets:
        number = _number_of(plan, target)
        rate = rates.rate_of(number) if number else None
        if rate is not None:
            example = money(rate.cost(EXAMPLE_S), rates.currency)
            words = f"{rates.in_words(rate)}; a talk of {_duration(EXAMPLE_S)} costs {example}"
            yield f"{_title(plan, target)}: {words}"
        elif number:
            yield f"{_title(plan, target)}: price list {rates.name} has no price for it"


def _number_of(plan: Plan, target: Target) -> str | None:
    match target:
        case External(number):
            return number
        case Mobile(person):
            return plan.people[person].mobile
    return None


def _rings(plan: Plan, ring: Ring, targets: list[Target]) -> str:
    names = [_title(plan, target) for target in targets]
    if len(names) == 1:
        return f"rings {names[0]} for {_duration(ring.for_seconds)}"
    match ring.mode:
        case RingMode.TOGETHER:
            return f"rings {_listed(names)} together for {_duration(ring.for_seconds)}"
        case RingMode.IN_TURN:
            return f"rings {', then '.join(names)}, each for {_duration(ring.for_seconds)}"
        case RingMode.STAGGERED:
            every, whole = _duration(ring.stagger_seconds), _duration(ring.for_seconds)
            return f"rings {', then also '.join(names)}, one more every {every}, {whole} in all"


def _tell_queue(plan: Plan, queue: Queue, facts: Facts) -> Told:
    spec = plan.queues[queue.name]
    online = [agent for agent in spec.agents if agent not in facts.offline]
    if not online:
        return Told(f"queue {queue.name}: all its agents are offline, goes on at once", Outcome.OFFLINE)
    seconds = spec.max_wait_s if queue.for_seconds is None else queue.for_seconds
    names = _listed([_title(plan, Person(agent)) for agent in online])
    line = f"waits in queue {queue.name} for {names}, {_duration(seconds)} at most"
    details = (
        ("who takes the call is told first how long the caller has waited",) if spec.whispers_wait else ()
    )
    return Told(line, Outcome.MAX_WAIT, seconds, details)


def _tell_menu(plan: Plan, menu: MenuSpec) -> Told:
    options = [f"{digit}: {_choice(plan, choice)}" for digit, choice in menu.options.items()]
    if menu.dials_extensions and plan.extensions:
        options.append(f"extensions can be dialled at once: {', '.join(sorted(plan.extensions))}")
    options.append(f"invalid: {_short(plan, menu.invalid)}")
    options.append(f"nothing pressed: {_short(plan, menu.no_input)}, as follows")
    line = f"menu {menu.name}, played {menu.tries} times at most"
    return Told(line, Outcome.NO_INPUT, menu.tries * menu.input_seconds, tuple(options))


def _tell_webhook(plan: Plan, webhook: WebhookSpec, ask: Ask | None) -> Told:
    line = _short(plan, Webhook(webhook.name))
    if ask is None:
        rings = f"whoever it names rings for {_duration(webhook.for_seconds)}"
        more = f"{rings}; below is what follows without an answer"
        return Told(line, Outcome.ERROR, webhook.budget_s, (more,))
    found = ask(webhook.name)
    if isinstance(found, str):
        return Told(line, Outcome.ERROR, webhook.budget_s, (f"asked now, it {found}",))
    return Told(line, Outcome.ERROR, more=(f"asked now, it says: {_short(plan, found)}",), chosen=found)


def _choice(plan: Plan, choice: Choice) -> str:
    return "asks for an extension" if isinstance(choice, DialExtension) else _short(plan, choice)


def _short(plan: Plan, destination: Destination) -> str:
    match destination:
        case Ring(targets):
            return _rings(plan, destination, list(targets))
        case Queue(name):
            return f"queue {name}"
        case Menu(name):
            return f"menu {name}"
        case Voicemail(box):
            return f"takes a message for mailbox {box}"
        case Echo():
            return "echo: the caller hears themselves until they hang up"
        case Say(prompt):
            return f"says {prompt!r}"
        case Goto(scheme):
            return f"scheme {scheme}"
        case Webhook(name):
            webhook = plan.webhooks[name]
            server = urlsplit(webhook.url).hostname
            return f"asks the webhook {name} at {server}, for {_duration(webhook.budget_s)} at most"
        case RingAgain() | Listen():
            return _before_any_scheme(plan, destination)


def _before_any_scheme(plan: Plan, destination: RingAgain | Listen) -> str:
    if isinstance(destination, Listen):
        return f"plays the messages of {plan.people[destination.person].display}"
    return f"rings whoever talked with the caller today, for {_duration(destination.for_seconds)}"


def _title(plan: Plan, target: Target) -> str:
    match target:
        case Person(name):
            person = plan.people[name]
            return f"{person.display} ({person.extension})" if person.extension else person.display
        case Mobile(name):
            return f"the mobile of {plan.people[name].display}{_asked(target)}"
        case External(number, post_dial):
            return f"{number}{f', pressing {post_dial} behind it' if post_dial else ''}{_asked(target)}"
        case SipAddress(uri):
            return f"{uri}{_asked(target)}"


def _asked(target: External | Mobile | SipAddress) -> str:
    return " (who has to press 1 to take it)" if target.must_confirm else ""


def _headline(facts: Facts, number: str, caller: str) -> str:
    at = facts.at
    return f"{DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M}, {caller or 'somebody'} calls {number}"


def _scheme_line(plan: Plan, facts: Facts, number: str) -> str:
    spec, scheme = number_spec(plan, number), scheme_for(plan, number, facts)
    if scheme is None:
        return "this number is not listed and there is no default scheme: voicemail"
    if spec is None:
        return f"this number is not listed: default scheme {scheme.name}"
    if spec.schedule is None:
        return f"scheme {scheme.name}, at any time"
    return f"scheme {scheme.name}, because {spec.schedule} is {_state(plan.hours[spec.schedule], facts)}"


def _state(schedule: Schedule, facts: Facts) -> str:
    """Return ``open then``, or ``closed then`` and what day it is when that is a holiday."""
    if schedule.is_open(facts.at):
        return "open then"
    holiday = schedule.holiday(facts.at.date())
    return f"closed then: it is {holiday}" if holiday else "closed then"


def _skipped(position: Position) -> Iterator[str]:
    for step in position.skipped:
        why = f"{step.hours} is closed then" if step.hours else "it does not follow this outcome"
        yield f"skips {step.key}: {why}"


def _where(position: Position) -> str:
    return f"  [{position.key}]" if position.key else "  [last resort]"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest:g} s"
    return f"{minutes:g} min {rest:g} s" if rest else f"{minutes:g} min"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
