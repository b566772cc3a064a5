"""How targets and times are called in what people read. Pure."""

from __future__ import annotations

from b2bua.routing.destination import (
    Confirm,
    External,
    Mobile,
    Person,
    Ring,
    RingMode,
    SipAddress,
    Target,
)
from b2bua.routing.plan import Plan

CONFIRMS = {
    Confirm.KEY: " (who has to press 1 to take it)",
    Confirm.VOICE: " (who takes it by saying hello, or has to press 1 if that is not clear)",
}


def rings(plan: Plan, ring: Ring, targets: list[Target]) -> str:
    names = [title(plan, target) for target in targets]
    if len(names) == 1:
        return f"rings {names[0]} for {duration(ring.for_seconds)}"
    match ring.mode:
        case RingMode.TOGETHER:
            return f"rings {listed(names)} together for {duration(ring.for_seconds)}"
        case RingMode.IN_TURN:
            return f"rings {', then '.join(names)}, each for {duration(ring.for_seconds)}"
        case RingMode.STAGGERED:
            every, whole = duration(ring.stagger_seconds), duration(ring.for_seconds)
            return f"rings {', then also '.join(names)}, one more every {every}, {whole} in all"


def title(plan: Plan, target: Target) -> str:
    match target:
        case Person(name, device) if device:
            person = plan.people[name]
            return f"the {device} of {person.display} ({person.devices[device]})"
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
    return CONFIRMS[target.confirm] if target.confirm else ""


def listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest:g} s"
    return f"{minutes:g} min {rest:g} s" if rest else f"{minutes:g} min"


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
