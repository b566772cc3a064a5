"""Row D10 in real time: a phone dies in the middle of a call; the office has set nothing of what follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip
from tests.harness.product import CallLine, Product, until
from tests.harness.sipp import Cast

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

VOICE_HZ = 440.0
NUMBER = "+48221240402"
LONGEST_S = 100
FREE_WITHIN_S = 35.0
SCHEME = f"""
[number."{NUMBER}"]
scheme = "anna"
[[scheme.anna.step]]
ring = ["101"]
for = "10s"
[[scheme.anna.step]]
voicemail = "sales"
"""


@dataclass(frozen=True, slots=True)
class Played:
    """What is left of the call in which the phone died, and of the next one."""

    over_after: float
    """Seconds from the phone's death to the caller's BYE."""
    calls: list[CallLine]


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let a caller and a phone talk and the phone lose its power; return what waits for the end."""
    office = stack.enter_context(Product.running(folder, extra=SCHEME))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    phone = stack.enter_context(Baresip.registered(folder / "101", extension="101", server_port=office.port))
    caller = cast.trunk("trunk-speaks-until-hung-up.xml", NUMBER)
    until(lambda: phone.heard().seconds_of(VOICE_HZ) > 0.5, within=20, what="the phone hears the caller")
    phone.freeze()
    died = time.time()

    def end() -> Played:
        caller.wait()
        over_after = caller.times("BYE")[0] - died
        phone.thaw()
        until(phone.is_over, within=20, what="the phone hears that it is over")
        cast.trunk("trunk-calls-answered.xml", NUMBER).wait()
        calls = office.finished_calls(of=NUMBER, at_least=2)
        office.assert_log_is_clean()
        return Played(over_after, calls)

    return end


def test_row_d10_the_call_is_over_and_the_agent_free_in_35_s(played: Played) -> None:
    assert 25.0 < played.over_after <= FREE_WITHIN_S
    talks = [call.story.partition(" for ")[0] for call in played.calls]
    assert talks == ["talked with Anna Nowak"] * 2
