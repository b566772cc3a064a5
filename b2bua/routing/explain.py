"""Tells in plain words where a call would go if nobody took it, step by step, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

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
    RingMode,
    Say,
    Target,
    Voicemail,
    Webhook,
)
from b2bua.routing.duty import at_duty, in_words
from b2bua.routing.facts import Facts
from b2bua.routing.load import in_words as load_in_words
from b2bua.routing.numbers import normalise
from b2bua.routing.override import OverrideKind
from b2bua.routing.plan import NumberSpec, Plan, Step
from b2bua.routing.prices import number_of, price_of, way_out
from b2bua.routing.schedule import DAYS, Schedule
from b2bua.routing.scheme import (
    Position,
    choose,
    enter,
    follow,
    goes_round,
    in_force,
    number_spec,
    scheme_for,
    scheme_named,
    within_number,
)
from b2bua.routing.sticky import comes_back_to
from b2bua.routing.told import Ask, Assumed, Served, Told
from b2bua.routing.told_menu import tell_menu
from b2bua.routing.turns import of_each_line, who_join
from b2bua.routing.words import clock, duration, listed, rings, short, title, way

NO_PHONE, NO_TRUNK = "no phone is online", "no trunk is up"
CALLING = "it is the one that calls"
AWAY, TALKING = "nobody takes calls then", "nobody is free"


def explain(
    plan: Plan, facts: Facts, number: str, caller: str, *, assumed: Assumed | None = None
) -> list[str]:
    """Return the lines that tell the way of a call that nobody answers, at that time, with those offline."""
    assumed = replace(assumed, keys=assumed.keys.copy()) if assumed else Assumed()
    facts = replace(facts, caller=normalise(caller, country=plan.country))
    lines = [_headline(facts, number, caller), _scheme_line(plan, facts, number)]
    elapsed = 0.0
    position: Position | None = enter(plan, number, facts)
    while position:
        now = facts.after(elapsed)
        told = _tell(plan, position.destination, now, assumed)
        lines += [f"      {line}" for line in _skipped(position)]
        lines += [f"      as {position.because}:"] if position.because else []
        lines += [
            f"{clock(elapsed):>5} {told.line}{_where(position)}",
            *(f"      {line}" for line in told.more),
        ]
        elapsed += told.seconds
        position = _next(plan, position, told, facts.after(elapsed))
    if assumed.keys:
        lines.append(f"      no menu is left in which to press {', '.join(assumed.keys)}")
    return lines


def _next(plan: Plan, position: Position, told: Told, facts: Facts) -> Position | None:
    if told.chosen is None or goes_round(plan, position, told.chosen, facts):
        return follow(plan, position, told.outcome, facts)
    return choose(plan, position, told.chosen, facts)


def summarise(plan: Plan, number: str, facts: Facts) -> str:
    """Return what the number does at that time, in one line: "rings Anna (101) for 20 s; then ..."."""
    scheme = scheme_for(plan, number, facts)
    if scheme is None or not scheme.steps:
        return short(plan, Voicemail(plan.default_mailbox))
    return "; then ".join(gist(plan, step, facts) for step in scheme.steps)


def gist(plan: Plan, step: Step, facts: Facts) -> str:
    """Return what a step does at that time, in a few words: "rings Anna (101) for 20 s"."""
    destination = at_duty(plan, step.destination, facts.at)
    words = short(plan, destination) if destination is not None else "nobody is on duty"
    if isinstance(step.destination, Menu):
        options = plan.menus[step.destination.name].options
        words += f" ({', '.join(f'{digit}: {way(plan, choice)}' for digit, choice in options.items())})"
    return " ".join((words, *(f"({condition})" for condition in _conditions(step))))


def _conditions(step: Step) -> Iterator[str]:
    if isinstance(step.destination, Ring) and step.destination.duties:
        yield f"now, by rota {' and '.join(duty.rota for duty in step.destination.duties)}"
    if step.after is not None:
        yield f"only after {' or '.join(sorted(step.after))}"
    if step.hours:
        yield f"only while {step.hours} is open"
    if step.when:
        yield f"only when {load_in_words(step.when)}"


def _tell(plan: Plan, destination: Destination, facts: Facts, assumed: Assumed) -> Told:
    match destination:
        case Ring():
            return _tell_ring(plan, destination, facts)
        case Queue():
            return _tell_queue(plan, destination, facts)
        case Menu(name):
            return tell_menu(plan, plan.menus[name], assumed)
        case Webhook(name):
            webhook = plan.webhooks[name]
            return _tell_asking(plan, destination, assumed.ask, (webhook.for_seconds, webhook.budget_s))
        case Responsible(for_seconds, _, budget_s, _):
            return _tell_asking(plan, destination, assumed.ask, (for_seconds, budget_s))
        case RingAgain():
            return _tell_again(plan, destination, facts, assumed.party)
        case Say(prompt):
            return Told(short(plan, destination), Outcome.DONE, assumed.seconds_of(prompt))
        case Echo() | Voicemail() | Goto() | Listen() | Feature():
            return Told(short(plan, destination), Outcome.DONE)


def _tell_again(plan: Plan, again: RingAgain, facts: Facts, party: str | None) -> Told:
    target = comes_back_to(plan, party or "")
    if target is not None:
        told = _tell_ring(plan, Ring((target,), for_seconds=again.for_seconds), facts)
        return replace(told, more=("who talked with the caller that day comes first", *told.more))
    why = "nobody, if they are new today" if party is None else "nobody of ours has, that day"
    return Told(f"{short(plan, again)}; {why}: goes on at once", Outcome.OFFLINE)


def _tell_ring(plan: Plan, ring: Ring, facts: Facts) -> Told:
    on_duty = tuple(in_words(plan, ring, facts.at))
    why_not = {target: why for target in ring.targets if (why := _why_not(plan, target, facts))}
    left = [target for target in ring.targets if target not in why_not]
    skips = (f"{title(plan, target)} {why.words} and is skipped" for target, why in why_not.items())
    details = (*on_duty, *skips)
    if not left:
        names = listed([title(plan, target) for target in why_not])
        outcome = Outcome.BUSY if any(why.is_busy for why in why_not.values()) else Outcome.OFFLINE
        line = f"would ring {names}, but {_nobody(why_not.values())}: goes on at once"
        has_one_reason = {why.reason for why in why_not.values()} in ({NO_PHONE}, {NO_TRUNK}, {TALKING})
        return Told(line, outcome, more=on_duty if has_one_reason else details)
    busy = [target for target, why in why_not.items() if why.is_busy]
    coming = [target for target in ring.targets if target in left or target in busy]
    starts, late = who_join(ring, of_each_line(plan, coming), busy=busy)
    left = list(starts)
    details += tuple(f"{title(plan, each)} would join when the step is over already" for each in late)
    seconds = ring.for_seconds * (len(left) if ring.mode is RingMode.IN_TURN else 1)
    if ring.whisper:
        details += (f"whoever answers hears {ring.whisper!r} before the caller is connected",)
    prices = (f"{title(plan, each)}: {said}" for each in left if (said := price_of(plan, each, facts)))
    return Told(rings(plan, ring, starts), Outcome.NO_ANSWER, seconds, (*details, *prices))


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why somebody does not ring."""

    words: str
    """After the name."""
    reason: str
    """In a word, for several together."""
    is_busy: bool = False
    """Whether they can be reached, and talk."""


def _why_not(plan: Plan, target: Target, facts: Facts) -> WhyNot | None:
    match target:
        case Person(name) | Mobile(name) if absence := facts.absence(name):
            return WhyNot(f"is {absence}", AWAY)
        case Person(name) if {name, str(target)} & facts.offline:
            return WhyNot("is offline", NO_PHONE)
        case Person(name) if name in facts.busy:
            return WhyNot("is busy", TALKING, is_busy=True)
        case External() | Mobile() if facts.caller and number_of(plan, target) == facts.caller:
            return WhyNot("is the one that calls", CALLING)
        case External() | Mobile() if facts.down and way_out(plan, facts) is None:
            return WhyNot("cannot be called, as no trunk is up,", NO_TRUNK)
    return None


def _nobody(why_not: Iterable[WhyNot]) -> str:
    reasons = {why.reason for why in why_not}
    if TALKING in reasons:
        return TALKING
    return AWAY if AWAY in reasons else " and ".join(sorted(reasons))


def _tell_queue(plan: Plan, queue: Queue, facts: Facts) -> Told:
    spec = plan.queues[queue.name]
    online = [agent for agent in spec.agents if facts.is_there(agent)]
    absent = {agent: why for agent in spec.agents if (why := facts.absence(agent))}
    details = tuple(f"{title(plan, Person(agent))} is {why}" for agent, why in absent.items())
    if not online:
        what = "offline or away" if absent else "offline"
        line = f"queue {queue.name}: all its agents are {what}, goes on at once"
        return Told(line, Outcome.OFFLINE, more=details)
    seconds = spec.max_wait_s if queue.for_seconds is None else queue.for_seconds
    names = listed([title(plan, Person(agent)) for agent in online])
    line = f"waits in queue {queue.name} for {names}, {duration(seconds)} at most"
    if spec.whispers_wait:
        details += ("who takes the call is told first how long the caller has waited",)
    if spec.offers_call_back:
        details += ("who presses 1 need not wait and is owed a call back",)
    return Told(line, Outcome.MAX_WAIT, seconds, details)


def _tell_asking(
    plan: Plan, asked: Webhook | Responsible, ask: Ask | None, seconds: tuple[float, float]
) -> Told:
    """Tell of a server outside; ``seconds`` is how long whoever it names rings, and what it has to answer."""
    line, (rings_s, budget_s) = short(plan, asked), seconds
    if ask is None:
        more = f"whoever it names rings for {duration(rings_s)}; below is what follows without an answer"
        return Told(line, Outcome.ERROR, budget_s, (more,))
    found = ask(asked)
    if isinstance(found, str):
        return Told(line, Outcome.ERROR, budget_s, (f"asked now, it {found}",))
    if isinstance(found, Served):
        return Told(line, Outcome.DONE, more=(f"asked now, it has the caller hear {found.words}",))
    return Told(line, Outcome.ERROR, more=(f"asked now, it says: {short(plan, found)}",), chosen=found)


def _headline(facts: Facts, number: str, caller: str) -> str:
    at = facts.at
    return f"{DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M}, {caller or 'somebody'} calls {number}"


def _scheme_line(plan: Plan, facts: Facts, number: str) -> str:
    spec, name = number_spec(plan, number), scheme_named(plan, number, facts)
    if name is None:
        return "this number is not listed and there is no default scheme: voicemail"
    instead = _instead(plan, name, number, facts)
    if why := _why_decided(plan, spec, facts):
        return f"scheme {name}, because {why}{instead}"
    if spec is None:
        return f"this number is not listed: default scheme {name}{instead}"
    of_range = f" (for all of {spec.number})" if spec.number not in plan.numbers else ""
    if spec.schedule is None:
        works_on = plan.schemes[name].works_on
        always = f", which works {works_on}" if works_on else ", at any time"
        return f"scheme {name}{instead or always}{of_range}"
    why = f"because {spec.schedule} is {_state(plan.hours[spec.schedule], facts)}"
    return f"scheme {name}, {why}{instead}{of_range}"


def _why_decided(plan: Plan, spec: NumberSpec | None, facts: Facts) -> str:
    """Return who decided against hours and schemes; empty: nobody."""
    until = _until(facts)
    if facts.decided is OverrideKind.BACKUP and plan.backup_scheme is not None:
        return f"somebody sends all calls to the backup{until}"
    if facts.is_closed and spec and spec.schedule and spec.off_hours:
        is_open = plan.hours[spec.schedule].is_open(facts.at)
        return f"somebody has closed the office{until}" if is_open else ""
    return ""


def _until(facts: Facts) -> str:
    end = facts.override.until if facts.override else None
    return f" until {DAYS[end.weekday()]} {end:%Y-%m-%d %H:%M}" if end else ""


def _instead(plan: Plan, name: str, number: str, facts: Facts) -> str:
    """Return what is in force when the scheme does not work then; empty: it does."""
    here = within_number(plan, number, facts)
    named, scheme = plan.schemes[name], in_force(plan, name, here)
    if scheme is named:
        return ""
    instead = f"scheme {scheme.name} instead" if scheme.steps else "voicemail"
    is_open = named.works is not None and named.works.is_open(facts.at)
    closed = f", but somebody has closed the office{_until(facts)}" if here.is_closed and is_open else ""
    return f", which works {named.works_on}{closed}: {instead}"


def _state(schedule: Schedule, facts: Facts) -> str:
    """Return ``open then``, or ``closed then`` and what day it is when that is a holiday."""
    if schedule.is_open(facts.at):
        return "open then"
    holiday = schedule.holiday(facts.at.date())
    return f"closed then: it is {holiday}" if holiday else "closed then"


def _skipped(position: Position) -> Iterator[str]:
    for step in position.skipped:
        why = f"{step.hours} is closed then" if step.hours else "it does not follow this outcome"
        why = "somebody has closed the office" if step.hours and step.is_closed_by_hand else why
        why = "nobody is on duty then" if step.has_nobody_on_duty else why
        why = f"it is not so that {step.load}" if step.load else why
        yield f"skips {step.key}: {why}"


def _where(position: Position) -> str:
    return f"  [{position.key}]" if position.key else "  [last resort]"
