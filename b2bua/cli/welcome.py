"""What to dial from where, for whoever has just started an office."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from b2bua.config.models import Config, Person
from b2bua.routing.explain import summarise
from b2bua.routing.facts import Facts


def welcome(config: Config, *, is_demo: bool) -> str:
    """Return the lines printed at start."""
    lines = ["", f"b2bua is up on {config.sip.listening} ({' and '.join(config.sip.transports)}).", ""]
    lines += _phones(config, is_demo=is_demo)
    lines += _numbers(config)
    if is_demo:
        lines += [
            "Anything that calls from 127.0.0.0/8 without being such a phone comes in as the trunk `demo`.",
            "Calls to numbers outside go to 127.0.0.1:5090.",
            "",
            "First test: dial +48221230007 and hear yourself.",
            f"Without a phone, in another terminal: {_command()} demo",
            f"Recordings, mail and journal are in {config.office.data}/; list the calls: {_command()} calls",
            "",
        ]
    return "\n".join(lines)


def _phones(config: Config, *, is_demo: bool) -> list[str]:
    phones = [(login, person) for person in config.people.values() for login in _logins(person)]
    if not phones:
        return []
    lines = [f"Register phones with {config.sip.listening}:"]
    for login, person in phones:
        password = f"  password {person.password_of(login)}" if is_demo else ""
        lines.append(f"  user {login:<5}{password}  {person.title}")
    return [*lines, ""]


def _logins(person: Person) -> list[str]:
    own = [person.extension] if person.extension and person.sip_password else []
    return [*own, *person.logins]


def _numbers(config: Config) -> list[str]:
    plan = config.plan()
    if not plan.listed:
        return []
    now = Facts(datetime.now(ZoneInfo(config.office.timezone)))
    lines = [f"Dial from such a phone, or call in through a trunk; at this hour ({now.at:%a %H:%M}):"]
    lines += [
        f"  {number:<14} {summarise(plan, number, now)}" for number in (spec.number for spec in plan.listed)
    ]
    if plan.default_scheme is not None:
        lines.append(f"  {'anything else':<14} {summarise(plan, '', now)}")
    return [*lines, ""]


def _command() -> str:
    """Return how to call this program in this terminal: it need not be on the path."""
    if shutil.which("b2bua"):
        return "b2bua"
    program = Path(sys.argv[0])
    return str(program) if program.name == "b2bua" else "python -m b2bua"
