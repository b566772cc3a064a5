"""How targets, times and what is done with callers are called in what people read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from b2bua.routing.destination import (
    Confirm,
    Destination,
    Echo,
    External,
    Feature,
    Goto,
    Listen,
    Menu,
    Mobile,
    Person,
    Queue,
    Responsible,
    Ring,
    RingAgain,
    RingMode,
    Say,
    SipAddress,
    Target,
    Voicemail,
    Webhook,
)
from b2bua.routing.plan import Choice, DialExtension, FormSpec, Plan

CONFIRMS = {
    Confirm.KEY: " (who has to press 1 to take it)",
    Confirm.VOICE: " (who takes it by saying hello, or has to press 1 if that is not clear)",
}


def rings(plan: Plan, ring: Ring, starts: Mapping[Target, float]) -> str:
    """Return how who is rung: "rings Anna (101) and Piotr (102) together for 20 s".

    ``starts`` are those, and after how many seconds of a staggered step each joins.
    """
    names = [title(plan, target) for target in starts]
    if len(names) == 1:
        return f"rings {names[0]} for {duration(ring.for_seconds)}"
    match ring.mode:
        case RingMode.TOGETHER:
            return f"rings {listed(names)} together for {duration(ring.for_seconds)}"
        case RingMode.IN_TURN:
            return f"rings {', then '.join(names)}, each for {duration(ring.for_seconds)}"
        case RingMode.STAGGERED:
            every, whole = duration(ring.stagger_seconds), duration(ring.for_seconds)
            if list(starts.values()) == [index * ring.stagger_seconds for index in range(len(starts))]:
                return f"rings {', then also '.join(names)}, one more every {every}, {whole} in all"
            joins = [
                f"{name} after {duration(start)}" for name, start in zip(names, starts.values(), strict=True)
            ]
            return f"rings {', then also '.join([names[0], *joins[1:]])}, {whole} in all"


def in_order(ring: Ring, targets: Iterable[Target]) -> dict[Target, float]:
    """Return when each joins where all of them can be reached."""
    return {target: index * ring.stagger_seconds for index, target in enumerate(dict.fromkeys(targets))}


def title(plan: Plan, target: Target) -> str:
    """Return whom a target reaches: "Anna (101)", "the mobile of Anna"."""
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
    """Return one or more names in a row: "Anna, Piotr and Olena"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def duration(seconds: float) -> str:
    """Return a time as it is configured, not rounded: "1 min 30 s", "90 min"."""
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest:g} s"
    return f"{minutes:g} min {rest:g} s" if rest else f"{minutes:g} min"


def clock(seconds: float) -> str:
    """Return how far into a call something is: "1:05"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def short(plan: Plan, destination: Destination) -> str:
    """Return what is done with a caller, in a few words: "takes a message for mailbox sales"."""
    match destination:
        case Ring(targets):
            return rings(plan, destination, in_order(destination, targets))
        case Queue(name, for_seconds):
            return f"queue {name}" + (f" for {duration(for_seconds)}" if for_seconds is not None else "")
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
        case Webhook() | Responsible():
            return _asks(plan, destination)
        case RingAgain() | Listen() | Feature():
            return _before_any_scheme(plan, destination)


def way(plan: Plan, choice: Choice) -> str:
    """Return what an option of a menu does, in a few words."""
    return "asks for an extension" if isinstance(choice, DialExtension) else short(plan, choice)


def _before_any_scheme(plan: Plan, destination: RingAgain | Listen | Feature) -> str:
    match destination:
        case Listen(person):
            return f"plays the messages of {plan.people[person].display}"
        case Feature(person):
            return f"does what {plan.people[person].display} dialled a code for"
        case RingAgain(for_seconds=seconds):
            return f"rings whoever talked with the caller today, for {duration(seconds)}"


def _asks(plan: Plan, asked: Webhook | Responsible) -> str:
    if isinstance(asked, Responsible):
        where = f" ({', then '.join(asked.order)})" if asked.order else ""
        whose = "whose mobile to ring" if asked.on_mobile else "who is responsible"
        return f"asks the CRM {whose}{where}, for {duration(asked.budget_s)} at most"
    webhook = plan.webhooks[asked.name]
    server = urlsplit(webhook.url).hostname
    line = f"asks the webhook {asked.name} at {server}, for {duration(webhook.budget_s)} at most"
    return f"asks for {_digits(webhook.form)}, then {line}" if webhook.form else line


def _digits(form: FormSpec) -> str:
    if form.fewest == form.most:
        return f"{form.most} digit{'' if form.most == 1 else 's'}"
    return f"{form.fewest} to {form.most} digits"
