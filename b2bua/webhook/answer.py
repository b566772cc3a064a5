"""What a handler may answer, and what it means in this office. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from b2bua.http.client import Answer
from b2bua.http.failures import Fault, NoAnswerError
from b2bua.routing.destination import (
    Destination,
    External,
    Goto,
    Menu,
    Mobile,
    Person,
    Queue,
    Ring,
    SipAddress,
    Target,
    Voicemail,
    Webhook,
)
from b2bua.routing.numbers import DIALLABLE, normalise, part_post_dial
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import number_spec

LONGEST_NAME = 200
"""Characters of what a handler names."""
SIP_ADDRESS = re.compile(r"sips?:[^@\s<>\"]+@[^\s<>\"]+")
KINDS = ("number", "sip", "person", "scheme")
"""What a handler may name."""


def names_somebody(answer: Answer) -> bool:
    """Return whether it says where the caller goes.

    Raises:
        NoAnswerError: it cannot be read.
    """
    return bool(_named(answer)[1])


def destination_of(answer: Answer, plan: Plan, *, for_seconds: float) -> Destination:
    """Return where the caller goes; whoever is named rings for ``for_seconds``.

    Raises:
        NoAnswerError: it names nobody, what is not there, or cannot be read.
    """
    kind, name = _named(answer)
    if not name:
        others = _other_keys(answer)
        raise _bad(f"sent {others} in JSON, without any of {', '.join(KINDS)}" if others else "named nobody")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise _bad("sent what is no name")
    readers = _READERS if kind is None else {kind: _READERS[kind]}
    found = {each: read(name, plan) for each, read in readers.items()}
    meanings = {each: destination for each, destination in found.items() if destination is not None}
    if not meanings:
        raise _bad(f"named {name!r}, which is {_not_there(kind)}")
    if len(set(meanings.values())) > 1:
        forms = " or ".join(f"{each}:{name}" for each in meanings)
        raise _bad(f"named {name!r}, which means more than one thing here; expected {forms}")
    destination = next(iter(meanings.values()))
    if own := _own_number(destination, plan):
        raise _bad(f"named {own}, a number of this office; expected the scheme that it leads to")
    return replace(destination, for_seconds=for_seconds) if isinstance(destination, Ring) else destination


def _other_keys(answer: Answer) -> str:
    """Return the keys of an answer that names nobody by those which mean something; empty: it has none."""
    try:
        found = json.loads(answer.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ""
    keys = sorted(str(key) for key in found) if isinstance(found, Mapping) else []
    others = ", ".join(keys)
    is_told = bool(set(keys) & set(KINDS)) or len(others) > LONGEST_NAME or not others.isprintable()
    return "" if is_told else others


def _named(answer: Answer) -> tuple[str | None, str]:
    """Return kind (None: not told) and name of what the handler named."""
    try:
        text = answer.body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise _bad("sent what is neither text nor JSON") from None
    if answer.content_type.endswith("json") or text.startswith(("{", '"', "[")):
        return _named_in_json(text) if text else (None, "")
    return _named_in_text(text)


def _named_in_text(text: str) -> tuple[str | None, str]:
    kind, colon, name = text.partition(":")
    if colon and kind.lower() in KINDS and not SIP_ADDRESS.fullmatch(text):
        return kind.lower(), name.strip()
    return None, text


def _named_in_json(text: str) -> tuple[str | None, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad("sent JSON that cannot be read") from None
    if found is None or (isinstance(found, str | int) and not isinstance(found, bool)):
        return _named_in_text(str(found or "").strip())
    if not isinstance(found, Mapping):
        raise _bad(f"sent JSON without any of {', '.join(KINDS)}")
    named = {kind: found[kind] for kind in KINDS if found.get(kind) is not None}
    if len(named) > 1:
        raise _bad(f"named {' and '.join(named)}; expected one of them")
    kind, name = next(iter(named.items()), (None, ""))
    if not isinstance(name, str | int):
        raise _bad(f"sent a {kind} that is no text")
    return kind, str(name).strip()


def _own_number(destination: Destination, plan: Plan) -> str | None:
    """Return the number of the office that would be rung: such a call comes in again, and goes round."""
    targets = destination.targets if isinstance(destination, Ring) else ()
    numbers = (target.number for target in targets if isinstance(target, External))
    return next((number for number in numbers if number_spec(plan, number)), None)


def _number(name: str, plan: Plan) -> Destination | None:
    written, post_dial = part_post_dial(name)
    number = normalise(written, country=plan.country)
    if not number.startswith("+") or not DIALLABLE.fullmatch(number):
        return None
    return Ring((External(number, post_dial),))


def _sip(name: str, plan: Plan) -> Destination | None:
    """Return the phones that log in by that name: ``101``, ``sip:101``, or an address elsewhere."""
    if SIP_ADDRESS.fullmatch(name):
        return Ring((SipAddress(name),))
    device = plan.device(name)
    return Ring((device,)) if device is not None else plan.extensions.get(name)


def _person(name: str, plan: Plan) -> Destination | None:
    """Return the phones of somebody by key, extension or full name, whatever letters are capitals."""
    if name in plan.people:
        return Ring((Person(name),))
    wanted = name.casefold()
    people = [
        person.name
        for person in plan.people.values()
        if wanted in (person.name.casefold(), person.display.casefold(), person.extension)
    ]
    return Ring((Person(people[0]),)) if len(people) == 1 else None


def _scheme(name: str, plan: Plan) -> Destination | None:
    return Goto(name) if name in plan.schemes else None


_READERS: Mapping[str, Callable[[str, Plan], Destination | None]] = {
    "number": _number,
    "sip": _sip,
    "person": _person,
    "scheme": _scheme,
}


def _not_there(kind: str | None) -> str:
    match kind:
        case "number":
            return "no telephone number"
        case "sip":
            return "no extension and no SIP address"
        case "person" | "scheme":
            return f"no {kind} of this office"
        case _:
            return "no number, extension, person or scheme"


def _bad(why: str) -> NoAnswerError:
    return NoAnswerError(why, Fault.BAD)


def in_words(plan: Plan, destination: Destination) -> str:
    """Return what was named, as people of the office call it."""
    match destination:
        case Ring(targets):
            return " and ".join(_title(plan, target) for target in targets)
        case Goto(name) | Queue(name) | Menu(name) | Voicemail(name) | Webhook(name):
            return f"the {type(destination).__name__.lower().replace('goto', 'scheme')} {name}"
        case _:
            return f"an extension that leads to {type(destination).__name__.lower()}"


def _title(plan: Plan, target: Target) -> str:
    match target:
        case Person(name) | Mobile(name):
            return plan.people[name].display
        case External(name) | SipAddress(name):
            return name
