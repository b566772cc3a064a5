"""Rows F4, F20 and R12 in real time: many calls by SIPp to a server that hangs, fails or talks nonsense.

``MANY_CALLS`` sets how many; a thousand take 100 s and want a machine that does little else.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

import pytest

from tests.harness.product import Product
from tests.harness.sipp import Cast, Sipp
from tests.harness.web_server import HANGS, web_server

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

CALLS, PER_SECOND = int(os.environ.get("MANY_CALLS", "200")), 10
BUDGET_S = 1.5
EXACT_S = 0.5
BUSY_MACHINE_S = 2.0
"""What it may add to the longest of so many waits: SIPp itself is held up for so long at times."""
WRITTEN_S = 0.05
"""SIPp writes the time of a message down when it has sent it: the next phone may ring by then."""
LONGEST_S = 60 + CALLS // PER_SECOND
NUMBER = "+48221240521"
PHONES = ("951", "952")
MOODS: tuple[str | int, ...] = (
    HANGS,
    500,
    "<html>It works!</html>",
    "",
    '{"number": ',
    404,
    "nobody-of-ours",
)
SCHEME = f"""
[number."{NUMBER}"]
scheme = "many"
[[scheme.many.step]]
webhook = "moody"
[[scheme.many.step]]
ring = ["951", "952"]
mode = "in-turn"
for = "2s"
backup = true
[[scheme.many.step]]
echo = true
""" + "".join(f'[person.phone-{each}]\nextension = "{each}"\npassword = "demo-{each}"\n' for each in PHONES)


@dataclass(frozen=True, slots=True)
class Rung:
    """One phone being rung for one caller."""

    began: float
    """When its INVITE came, in seconds of the clock."""
    ended: float
    """When its final response left."""


@dataclass(frozen=True, slots=True)
class Played:
    """What is left of the calls."""

    called: dict[str, float]
    """When each caller called."""
    rung: dict[str, list[Rung]]
    """Who was rung for each, in order."""
    answered: int
    """Callers who were answered."""
    outcomes: Counter[str | None]
    """What the journal has."""
    report: list[str]
    """What ``b2bua missed`` tells."""


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let the calls come in, some a second; return what waits for their end."""
    turn = count()
    server = stack.enter_context(web_server(lambda _: MOODS[next(turn) % len(MOODS)]))
    webhook = f'[webhook.moody]\nurl = "{server.url}"\n'
    office = stack.enter_context(Product.running(folder, extra=SCHEME + webhook, change=_roomy))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    phones = [cast.phone("phone-rings-cancelled.xml", each, calls=CALLS) for each in PHONES]
    callers = [f"+48500{number:06}" for number in range(CALLS)]
    trunk = cast.many_callers([(caller, NUMBER) for caller in callers], per_second=PER_SECOND)

    def end() -> Played:
        for each in (trunk, *phones):
            each.wait()
        assert len(server.asked) == CALLS
        office.finished_calls(of=NUMBER, at_least=CALLS)
        office.assert_log_is_clean()
        called, answered = _called(trunk)
        report = office.command("missed", str(office.config)).splitlines()
        return Played(called, _rung(phones), answered, Counter(office.outcomes(NUMBER)), report)

    return end


def _roomy(office: str) -> str:
    """Return the office on a patient trunk, with more ports: 30 pairs are taken a second, and rest later."""
    office = office.replace('max-unanswered = "5s"', 'max-unanswered = "60s"')
    return re.sub(r'^ports = "[\d-]+"', 'ports = "4000-9998"', office, flags=re.MULTILINE)


def _called(trunk: Sipp) -> tuple[dict[str, float], int]:
    """Return when each caller called, and how many were answered."""
    sent = trunk.traced("INVITE", kind="sent")
    answers = [message for _, message in trunk.traced("SIP/2.0 200") if " INVITE" in message]
    return {_caller(message): at for at, message in reversed(sent)}, len(set(answers))


def _rung(phones: list[Sipp]) -> dict[str, list[Rung]]:
    found: dict[str, list[Rung]] = defaultdict(list)
    for phone in phones:
        finals = {_call_id(message): at for at, message in reversed(phone.traced("SIP/2.0 487", kind="sent"))}
        begun = {_call_id(message): (at, message) for at, message in reversed(phone.traced("INVITE"))}
        for call_id, (at, message) in begun.items():
            found[_caller(message)].append(Rung(at, finals[call_id]))
    return {caller: sorted(rings, key=lambda rung: rung.began) for caller, rings in found.items()}


def _caller(message: str) -> str:
    return re.findall(r"^From:.*?(\+48500\d+)", message, re.MULTILINE)[0]


def _call_id(message: str) -> str:
    return re.findall(r"^Call-ID: *(\S+)", message, re.MULTILINE)[0]


def test_row_f4_of_many_calls_none_rings_two_phones_at_once(played: Played) -> None:
    assert len(played.rung) == CALLS
    for caller, rings in played.rung.items():
        assert len(rings) == len(PHONES), caller
        for earlier, later in pairwise(rings):
            assert later.began > earlier.ended - WRITTEN_S, (caller, rings)


def test_row_r12_of_many_calls_none_waits_longer_than_the_budget_for_the_next_step(played: Played) -> None:
    waited = sorted(played.rung[caller][0].began - at for caller, at in played.called.items())
    assert len(waited) == CALLS
    assert waited[CALLS // 2] < EXACT_S
    assert waited[CALLS * 95 // 100] < BUDGET_S + EXACT_S
    assert waited[-1] < BUDGET_S + BUSY_MACHINE_S
    assert sum(each > BUDGET_S - 0.1 for each in waited) >= CALLS // len(MOODS)  # those whose question hung


def test_row_r12_every_one_of_many_callers_is_answered_in_the_end(played: Played) -> None:
    assert played.answered == CALLS
    assert played.outcomes == {"self-served": CALLS}


def test_row_f20_the_report_of_many_calls_is_what_the_phones_have_seen(played: Played) -> None:
    rang = {
        who: sum(len(rings) > index for rings in played.rung.values()) for index, who in enumerate(PHONES)
    }
    assert set(rang.values()) == {CALLS}
    assert played.report[0] == (f"{CALLS} calls from outside; {CALLS} reached a backup, which took 0 of them")
    assert [line.split() for line in played.report[1:]] == [
        [f"Phone-{who}", "missed", str(count), "calls"] for who, count in rang.items()
    ]
