"""How long it takes to look over a large office, and to decide where one of its calls goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from b2bua.config.check import lint
from b2bua.config.load import load_config
from b2bua.config.proof import prove
from b2bua.routing.destination import Outcome
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import Position, enter, follow
from bench.table import Row

PEOPLE, SCHEMES, HOURS = 200, 50, 10
CALLS = 20_000
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = """
[office]
timezone = "Europe/Warsaw"
default-scheme = "s0"

[trunk.provider]
host = "192.0.2.1"
accepts-from = ["192.0.2.1"]

[voicemail.office]
emails = ["office@office.example"]
"""


def large_office() -> str:
    """Return 200 people, 50 schemes with 50 numbers, 10 queues, 10 menus and 10 tables of hours."""
    return HEAD + "".join((*_people(), *_hours(), *_lines(), *_schemes(), *_numbers()))


def _people() -> Iterator[str]:
    for index in range(PEOPLE):
        yield (
            f'[person.p{index}]\nname = "Person {index}"\nextension = "{1000 + index}"\n'
            f'password = "secret-{index}"\nmobile = "+4860010{index:04}"\nvoicemail = "office"\n'
        )


def _hours() -> Iterator[str]:
    for index in range(HOURS):
        yield f'[hours.h{index}]\nmon-fri = "{7 + index % 4:02}:00-{15 + index:02}:00"\nholidays = ["PL"]\n'


def _lines() -> Iterator[str]:
    for index in range(10):
        agents = ", ".join(f'"p{each}"' for each in range(index * 20, index * 20 + 20))
        yield f"[queue.q{index}]\nagents = [{agents}]\n"
        yield (
            f'[menu.m{index}]\ngreeting = "menu-demo"\nno-input = {{ queue = "q{index}" }}\n'
            f'invalid = {{ queue = "q{index}" }}\n[menu.m{index}.options]\n1 = {{ queue = "q{index}" }}\n'
            f'2 = {{ ring = ["p{index}"] }}\n3 = {{ dial-extension = true }}\n'
            '0 = { voicemail = "office" }\n'
        )


def _schemes() -> Iterator[str]:
    for index in range(SCHEMES):
        first, step = index * 4, f"[[scheme.s{index}.step]]\n"
        yield f'{step}menu = "m{index % 10}"\n' if index % 3 == 0 else ""
        yield f'{step}ring = ["p{first}", "p{first + 1}"]\n'
        yield f'{step}ring = ["p{first + 2}"]\nhours = "h{index % 10}"\n'
        yield f'{step}queue = "q{index % 10}"\n' if index % 3 else ""
        yield f'{step}ring = ["mobile of p{first}", "mobile of p{first + 3}"]\nfor = "30s"\nconfirm = true\n'
        yield f'{step}voicemail = "office"\n'


def _numbers() -> Iterator[str]:
    for index in range(SCHEMES):
        yield (
            f'[number."+482212{index:05}"]\nschedule = "h{index % 10}"\nin-hours = "s{index}"\n'
            f'off-hours = "s{(index + 1) % SCHEMES}"\n'
        )


def rows() -> Iterator[Row]:
    """Yield one row for the check of the large office and one for a routed call."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "office.toml"
        path.write_text(large_office())
        started = time.process_time()
        config = load_config(path)
        loaded = time.process_time()
        plan = config.plan()
        warnings = len(lint(config))
        linted = time.process_time()
        proof = prove(config, plan, MONDAY)
        proven = time.process_time()
    parts = f"read {loaded - started:.2f}, lint {linted - loaded:.2f}, walk {proven - linted:.2f}"
    remarks = f"{parts}; {proof.cases:,} cases, {len(proof.faults) + warnings} warnings"
    yield Row("check, 200 people, 50 schemes", proven - started, "CPU-s", remarks=remarks)
    yield routed(plan, CALLS)


def routed(plan: Plan, calls: int) -> Row:
    """Route calls at all hours of a week through all their steps, nobody answering; the figure is in µs."""
    numbers, zone = list(plan.numbers), ZoneInfo(plan.timezone)
    facts = [Facts((MONDAY + timedelta(minutes=17 * index)).astimezone(zone)) for index in range(calls)]
    steps = 0
    started = time.process_time()
    for index in range(calls):
        position: Position | None = enter(plan, numbers[index % len(numbers)], facts[index])
        while position is not None:
            steps += 1
            position = follow(plan, position, _vain(position), facts[index])
    spent = time.process_time() - started
    remarks = f"{steps / calls:.1f} steps each, from the number to the voicemail"
    return Row("call routed in that office", 1e6 * spent / calls, "CPU-µs", remarks=remarks)


def _vain(position: Position) -> Outcome:
    """Return an outcome of the step that leads on, or that ends the call at a voicemail."""
    match type(position.destination).__name__:
        case "Ring":
            return Outcome.NO_ANSWER
        case "Queue":
            return Outcome.MAX_WAIT
        case "Menu":
            return Outcome.NO_INPUT
    return Outcome.DONE
