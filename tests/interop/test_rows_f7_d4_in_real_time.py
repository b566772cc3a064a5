"""Rows F7, F9, F22, D3 and D4 in real time: every kind of target, every number that is shown, one office."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.product import CallLine, Product, until
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

EXACT_S = 0.5
TOGETHER_S = 0.1
BUSY_MACHINE_S = 0.5
LONGEST_S = 90
RINGS, ANSWERS, LOSES = (
    "phone-rings-cancelled.xml",
    "phone-answers.xml",
    "phone-hears-it-was-answered-elsewhere.xml",
)
LEAVES_MESSAGE, TALKS, IS_HUNG_UP, HANGS_UP = (
    "trunk-leaves-voicemail.xml",
    "trunk-calls-answered.xml",
    "trunk-is-hung-up.xml",
    "trunk-cancels-ringing-487.xml",
)
CALLER, OWN = "+48500600700", "+48221230001"
PEOPLE = ("901", "902", "903", "904", "905", "906", "907", "908")
DESK = """
[person.phone-908.device.desk]
password = "demo-908-desk"
"""
POLICIES = {"own": "+48600100801", "caller": "+48600100802", "asserted": "+48600100803"}
LANDLINE = "22 555 66 77"


@dataclass(frozen=True, slots=True)
class Target:
    """One number of the office, and what its scheme does first."""

    number: str
    steps: str
    """TOML in which ``[[step]]`` are the steps before the voicemail."""
    caller: str
    """Scenario of whoever calls it."""
    tables: str = ""
    """TOML beside it."""

    def configuration(self) -> str:
        scheme = f"target-{self.number[-2:]}"
        steps = f'{self.steps}\n[[step]]\nvoicemail = "sales"\n'
        steps = steps.replace("[[step]]", f"[[scheme.{scheme}.step]]")
        return f'[number."{self.number}"]\nscheme = "{scheme}"\n{steps}\n{self.tables}\n'


def _ring(*targets: str, seconds: int, more: str = "") -> str:
    listed = ", ".join(f'"{target}"' for target in targets)
    return f'[[step]]\nring = [{listed}]\nfor = "{seconds}s"\n{more}\n'


TARGETS = {
    "person": Target("+48221240801", _ring("phone-901", seconds=5), LEAVES_MESSAGE),
    "group": Target(
        "+48221240802",
        _ring("pair", seconds=10),
        TALKS,
        '[group.pair]\nmembers = ["phone-902", "903"]\n',
    ),
    "queue": Target("+48221240803", '[[step]]\nqueue = "line"\n', TALKS, '[queue.line]\nagents = ["904"]\n'),
    "scheme": Target(
        "+48221240804",
        '[[step]]\nscheme = "inner"\n' + _ring("906", seconds=10),
        TALKS,
        '[[scheme.inner.step]]\nring = ["905"]\nfor = "3s"\n',
    ),
    "landline": Target("+48221240805", _ring(LANDLINE, seconds=3), LEAVES_MESSAGE),
    "promise": Target("+48221240806", _ring("907", seconds=10), IS_HUNG_UP),
    "device": Target("+48221240807", _ring("desk of phone-908", seconds=9), HANGS_UP),
    "all devices": Target("+48221240808", _ring("908", seconds=9), HANGS_UP),
} | {
    policy: Target(
        f"+4822124081{index}", _ring(number, seconds=3, more=f'caller-id = "{policy}"'), LEAVES_MESSAGE
    )
    for index, (policy, number) in enumerate(POLICIES.items())
}


def whole(office: str) -> str:
    """Return the office on a trunk that lets calls ring for long, with all targets and people."""
    people = "".join(
        f'[person.phone-{each}]\nname = "Phone {each}"\nextension = "{each}"\npassword = "demo-{each}"\n'
        for each in PEOPLE
    )
    patient = office.replace('max-unanswered = "5s"', 'max-unanswered = "60s"')
    return patient + "\n".join([*(target.configuration() for target in TARGETS.values()), people, DESK])


@dataclass(frozen=True, slots=True)
class Played:
    """What is left when all calls are over."""

    devices: list[Sipp]
    """The three phones of one person."""
    desk: Sipp
    """One of two phones of another, which has a login of its own."""
    phones: dict[str, Sipp]
    callers: dict[str, Sipp]
    outside: Sipp
    calls: dict[str, CallLine]
    promised_by: list[str]
    """Who has promised a call back."""

    def call(self, target: str) -> CallLine:
        return self.calls[TARGETS[target].number]


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let all calls come in; return what waits for their end."""
    office = stack.enter_context(Product.running(folder, change=whole))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    devices = [cast.phone(RINGS, "901") for _ in range(3)]
    desk = cast.phone(RINGS, "908-desk", calls=2)
    phones = {
        "902": cast.phone(LOSES, "902"),
        "903": cast.phone(ANSWERS, "903", "-d", "1500"),
        "904": cast.phone(ANSWERS, "904", "-d", "500"),
        "905": cast.phone(RINGS, "905"),
        "906": cast.phone(ANSWERS, "906", "-d", "500"),
        "907": cast.phone("phone-refreshes.xml", "907", "-d", "300"),
        "908": cast.phone(RINGS, "908"),
    }
    outside = cast.carrier(RINGS, office.outside_port, "-m", str(1 + len(POLICIES)))
    callers = {name: cast.trunk(target.caller, target.number) for name, target in TARGETS.items()}
    until(lambda: phones["907"].times("ACK"), within=20, what="a colleague talks")
    code = cast.calling_phone("phone-calls.xml", "907", "*47")  # another device of the same person

    def end() -> Played:
        for each in (code, *devices, desk, *phones.values(), outside, *callers.values()):
            each.wait()
        calls = {call.dialled: call for call in office.finished_calls(at_least=len(TARGETS) + 1)}
        promised_by = [owner for (owner,) in office.rows("select owner from promises where owner != ''")]
        office.assert_log_is_clean()
        return Played(devices, desk, phones, callers, outside, calls, promised_by)

    return end


def test_row_f7_d3_a_person_is_rung_at_all_three_contacts(played: Played) -> None:
    began = [phone.times("INVITE")[0] for phone in played.devices]
    stopped = [phone.times("CANCEL")[0] for phone in played.devices]
    assert max(began) - min(began) < TOGETHER_S + BUSY_MACHINE_S
    assert [at - min(began) for at in stopped] == pytest.approx([5] * 3, abs=EXACT_S)
    assert played.call("person").story.startswith("rang Phone 901 5 s, no answer; ")


def test_row_f7_d3_one_phone_of_a_person_is_rung_alone_by_its_name_and_with_the_others_by_theirs(
    played: Played,
) -> None:
    calls = [played.callers[target].times("INVITE", kind="sent")[0] for target in ("device", "all devices")]
    desk, [own] = played.desk.times("INVITE"), played.phones["908"].times("INVITE")
    assert [at - called for at, called in zip(desk, sorted(calls), strict=True)] == pytest.approx(
        [0, 0], abs=EXACT_S + BUSY_MACHINE_S
    )
    assert own - calls[1] == pytest.approx(0, abs=EXACT_S + BUSY_MACHINE_S)
    assert "rang Phone 908 (desk) 1 s" in played.call("device").story
    assert "rang Phone 908 1 s" in played.call("all devices").story


def test_row_f7_a_group_rings_and_the_others_are_told_that_one_answered(played: Played) -> None:
    rung = [played.phones[extension].times("INVITE")[0] for extension in ("902", "903")]
    assert abs(rung[0] - rung[1]) < TOGETHER_S + BUSY_MACHINE_S
    assert "talked with Phone 903" in played.call("group").story
    [cancel] = [one for one in played.phones["902"].messages() if one.startswith("CANCEL")]
    assert re.findall(r"^Reason: *(.+?)\r?$", cancel, re.MULTILINE) == [
        'SIP;cause=200;text="Call completed elsewhere"'
    ]


@pytest.mark.parametrize(
    ("target", "story"),
    [
        ("queue", "talked with Phone 904"),
        ("scheme", "rang Phone 905 3 s, no answer; talked with Phone 906"),
    ],
)
def test_row_f7_a_queue_and_another_scheme_are_targets(played: Played, target: str, story: str) -> None:
    assert played.call(target).outcome == "talked"
    assert story in played.call(target).story


def test_row_f9_a_landline_is_rung_for_3_s_by_its_whole_number(played: Played) -> None:
    [rung] = played.outside.times("INVITE sip:+48225556677")
    [stopped] = played.outside.times("CANCEL sip:+48225556677")
    assert stopped - rung == pytest.approx(3, abs=EXACT_S)


@pytest.mark.parametrize(
    ("policy", "shown", "asserted"),
    [("own", OWN, OWN), ("caller", CALLER, OWN), ("asserted", OWN, CALLER)],
)
def test_row_d4_each_policy_shows_its_number(played: Played, policy: str, shown: str, asserted: str) -> None:
    number = POLICIES[policy]
    [invite] = [one for one in played.outside.messages() if one.startswith(f"INVITE sip:{number}@")]
    headers = dict(re.findall(r"^([\w-]+): *(.+?)\r?$", invite, re.MULTILINE))
    assert f"<sip:{shown}@" in headers["From"]
    assert f"sip:{asserted}@" in headers["P-Asserted-Identity"]
    assert ("Diversion" in headers, "History-Info" in headers) == (policy == "caller",) * 2


def test_row_f22_a_code_during_the_call_opens_a_promise_of_whoever_dialled_it(played: Played) -> None:
    assert "Phone 907 promised to call back; talked with Phone 907" in played.call("promise").story
    assert played.promised_by == ["phone-907"]
