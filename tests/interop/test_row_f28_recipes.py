"""Row F28 in real time: each recipe as `b2bua new` writes it, called by SIPp; row D1 by a carrier of 60 s."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.harness.product import CallLine, Product
from tests.harness.recipes import ALWAYS, BACKUP, MOBILE_A, MOBILE_B, NEVER, NUMBER, started_recipe
from tests.harness.sipp import Cast, Sipp
from tests.harness.web_server import web_server

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

EXACT_S = 0.5
BUSY_MACHINE_S = 0.5
LONGEST_S = 160
BUDGET_S = 1.5
CARRIER_LIMIT_S = 60
RINGS, ANSWERS = "phone-rings-cancelled.xml", "phone-answers.xml"
LEAVES_MESSAGE, TALKS = "trunk-leaves-voicemail.xml", "trunk-calls-answered.xml"
WAITS = "trunk-waits-for-the-voicemail.xml"
PBX = f"127.77.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
"""The other PBX, which is called at port 5060."""
NAMED = "+48600111222"
"""Whom the server of the recipe ``webhook`` names."""


@dataclass(slots=True)
class Scene:
    """One recipe with its caller and whom it rings."""

    caller: str
    """Scenario of the caller."""
    arguments: tuple[str, ...] = ()
    """Its further arguments."""
    phones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Scenario and further arguments of each phone, by extension."""
    outside: tuple[str, ...] = ()
    """Scenario and further arguments of the mobiles, all played by one."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What the recipe is told."""
    hours: str = ALWAYS
    """When the office is open."""
    change: str = ""
    """What else is changed, as ``started_recipe`` has it."""


BOTH_RING = {"201": (RINGS,), "202": (RINGS,)}
GIVES_UP = ("trunk-gives-up-unanswered.xml", ("-recv_timeout", str(CARRIER_LIMIT_S * 1000)))
SCENES = {
    "one-by-one": Scene(*GIVES_UP, phones=BOTH_RING, outside=(RINGS,)),
    "all-at-once": Scene(LEAVES_MESSAGE, phones=BOTH_RING, outside=(RINGS, "-m", "3")),
    "other-pbx": Scene(
        LEAVES_MESSAGE,
        outside=(RINGS,),
        told={"pbx": PBX, "pbx-user": "b2bua", "pbx-password": "secret", "pbx-number": "300"},
    ),
    "webhook": Scene(WAITS, ("-d", "17000"), outside=(RINGS, "-m", "2")),  # answered at 59 s, mailbox at 75 s
    "crm": Scene(LEAVES_MESSAGE, phones=BOTH_RING, outside=(RINGS, "-m", "3"), told={"token": "secret"}),
    "queue": Scene(TALKS, phones={"201": (ANSWERS, "-d", "500")}),
    "menu": Scene("trunk-menu-rfc4733-digit.xml", phones={"201": (ANSWERS, "-d", "300")}),
    "holiday": Scene(
        TALKS,
        outside=("carrier-presses-a-key.xml", "-d", "500", "-key", "keys", "1"),
        hours=NEVER,
        change='sat-sun = "10:00-18:00" -> daily = "24h"',
    ),
}


@dataclass(frozen=True, slots=True)
class Played:
    """What is left of one recipe's call."""

    caller: Sipp
    phones: Mapping[str, Sipp]
    outside: Sipp | None
    pbx: Sipp | None
    call: CallLine

    @property
    def began(self) -> float:
        return self.caller.times("INVITE", kind="sent")[0]

    @property
    def answered(self) -> float:
        """Return when the caller was answered, as all times here in seconds after the call came."""
        return self.caller.times("SIP/2.0 200")[0] - self.began

    def rung(self, extension: str) -> list[float]:
        """Return when a phone was rung and when it was told to stop."""
        phone = self.phones[extension]
        return [phone.times(method)[0] - self.began for method in ("INVITE", "CANCEL")]

    def rung_outside(self, number: str) -> list[float]:
        """Return the same of a number outside."""
        assert self.outside is not None
        return [self.outside.times(f"{what} sip:{number}")[0] - self.began for what in ("INVITE", "CANCEL")]


def begin(folder: Path, stack: ExitStack) -> Callable[[], dict[str, Played]]:
    """Let a call come to the office of each recipe; return what waits for their end."""
    server = stack.enter_context(
        web_server(lambda path: 500 if "api" in path else f'{{"number": "{NAMED}"}}')
    )
    endings = {name: _begin_one(folder / name, stack, name, url=server.url) for name in SCENES}
    return lambda: {name: end() for name, end in endings.items()}


def _begin_one(folder: Path, stack: ExitStack, name: str, *, url: str) -> Callable[[], Played]:
    scene = SCENES[name]
    told = {**scene.told, **({"url": url} if name in ("webhook", "crm") else {})}

    def change(demo: str) -> str:
        return started_recipe(demo, name, told=told, hours=scene.hours, change=scene.change)

    office = stack.enter_context(Product.running(folder, change=change))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    outside = (
        cast.carrier(scene.outside[0], office.outside_port, *scene.outside[1:]) if scene.outside else None
    )
    pbx = None
    if name == "other-pbx":
        elsewhere = Cast.around(folder / "pbx", office.port, host=PBX, limit_s=LONGEST_S)
        pbx = stack.enter_context(elsewhere).carrier(RINGS, 5060)
    phones = {
        extension: cast.phone(scenario, extension, *more)
        for extension, (scenario, *more) in scene.phones.items()
    }
    caller = cast.trunk(scene.caller, NUMBER, *scene.arguments)

    def end() -> Played:
        for each in (caller, *phones.values(), *filter(None, (outside, pbx))):
            each.wait()
        [call] = office.finished_calls()
        office.assert_log_is_clean()
        return Played(caller, phones, outside, pbx, call)

    return end


def near(*seconds: float) -> object:
    return pytest.approx(list(seconds), abs=EXACT_S)


def test_row_f28_f5_one_by_one_at_0_20_and_40_s(played: dict[str, Played]) -> None:
    play = played["one-by-one"]
    assert play.rung("201") == near(0, 20)
    assert play.rung("202") == near(20, 40)
    assert play.rung_outside(BACKUP) == near(40, 60)


def test_row_d1_f28_a_carrier_that_cancels_after_60_s_finds_the_call_answered_and_it_reaches_the_voicemail(
    played: dict[str, Played],
) -> None:
    play = played["one-by-one"]  # SIPp has failed if it had to wait for 60 s
    assert CARRIER_LIMIT_S - 1.5 < play.answered < CARRIER_LIMIT_S
    assert play.caller.times("CANCEL", kind="sent") == []
    assert "was asked to leave a message (office)" in play.call.story


def test_row_f28_f8_all_phones_then_all_mobiles_then_the_voicemail_at_40_s(played: dict[str, Played]) -> None:
    play = played["all-at-once"]
    phones = [play.rung(extension) for extension in BOTH_RING]
    mobiles = [play.rung_outside(number) for number in (MOBILE_A, MOBILE_B, BACKUP)]
    assert phones == [near(0, 20)] * 2
    assert mobiles == [near(20, 40)] * 3
    for begun in ([at for at, _ in phones], [at for at, _ in mobiles]):
        assert max(begun) - min(begun) < 0.1 + BUSY_MACHINE_S
    assert play.answered == pytest.approx(40, abs=EXACT_S)
    assert play.call.outcome == "message"


def test_row_f28_f11_the_other_pbx_has_30_s_and_then_the_backup(played: dict[str, Played]) -> None:
    play = played["other-pbx"]
    assert play.pbx is not None
    assert [play.pbx.times(what)[0] - play.began for what in ("INVITE", "CANCEL")] == near(0, 30)
    assert play.rung_outside(BACKUP) == near(30, 60)
    assert f"rang sip:300@{PBX} 30 s, no answer" in play.call.story


def test_row_f28_r10_r11_the_server_names_a_number_that_rings_for_45_s_then_the_backup_30_s(
    played: dict[str, Played],
) -> None:
    play = played["webhook"]
    began, stopped = play.rung_outside(NAMED)
    assert began < BUDGET_S  # the office had just been started
    assert stopped - began == pytest.approx(45, abs=EXACT_S)
    assert [at - began for at in play.rung_outside(BACKUP)] == near(45, 75)


def test_row_f28_r9_a_crm_that_fails_costs_no_time(played: dict[str, Played]) -> None:
    play = played["crm"]
    assert [play.rung(extension) for extension in BOTH_RING] == [near(0, 20)] * 2
    assert [play.rung_outside(each) for each in (MOBILE_A, MOBILE_B, BACKUP)] == [near(20, 40)] * 3
    assert "the CRM answered 500" in play.call.story


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("queue", "talked with Anna Nowak"),
        ("menu", "pressed 1 in the menu main; Piotr Zieliński's phone was off; talked with Anna Nowak"),
        ("holiday", "'s mobile +4860010020"),
    ],
)
def test_row_f28_somebody_is_reached(played: dict[str, Played], name: str, words: str) -> None:
    assert played[name].call.outcome == "talked"
    assert words in played[name].call.story
