"""Row F28 in real time: the flagship from the first ring to the voicemail, played by SIPp alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.product import CallLine, Product
from tests.harness.recipes import MOBILE_A, MOBILE_B, NUMBER, started_recipe
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

EXACT_S = 0.5
BUSY_MACHINE_S = 0.2
WELCOME_S = (1.5, 3.5)
VOICEMAIL_AFTER_S = 112
"""Welcome, a minute of ringing, and twice a second of ringing with 20 s for the key: 106 s."""
LONGEST_S = 180


@dataclass(frozen=True, slots=True)
class Played:
    """Who took part, when all is over."""

    caller: Sipp
    phones: tuple[Sipp, Sipp]
    mobiles: Sipp
    call: CallLine


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let the call come in; return what waits for its end."""
    office = stack.enter_context(
        Product.running(folder, change=lambda demo: started_recipe(demo, "flagship"))
    )
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    mobiles = cast.carrier("carrier-mailbox-greets.xml", office.outside_port, "-d", "1000", "-m", "2")
    phones = tuple(cast.phone("phone-rings-cancelled.xml", extension) for extension in ("201", "202"))
    waits = str(VOICEMAIL_AFTER_S * 1000)
    caller = cast.trunk("trunk-waits-for-the-voicemail.xml", NUMBER, "-d", waits)

    def end() -> Played:
        for each in (caller, *phones, mobiles):
            each.wait()
        [call] = office.finished_calls()
        office.assert_log_is_clean()
        return Played(caller, (phones[0], phones[1]), mobiles, call)

    return end


def test_row_f28_flagship_both_phones_ring_together_for_60_s_after_the_welcome(played: Played) -> None:
    answered = played.caller.times("SIP/2.0 200")[0]
    began = [phone.times("INVITE")[0] for phone in played.phones]
    stopped = [phone.times("CANCEL")[0] for phone in played.phones]
    assert WELCOME_S[0] < began[0] - answered < WELCOME_S[1] + BUSY_MACHINE_S
    assert abs(began[0] - began[1]) < 0.1 + BUSY_MACHINE_S
    assert [at - began[0] for at in stopped] == pytest.approx([60, 60], abs=EXACT_S)


def test_row_f28_flagship_one_mobile_after_the_other_is_asked(played: Played) -> None:
    began = played.phones[0].times("INVITE")[0]
    [first] = played.mobiles.times(f"INVITE sip:{MOBILE_A}")
    [second] = played.mobiles.times(f"INVITE sip:{MOBILE_B}")
    assert first - began == pytest.approx(60, abs=EXACT_S)
    assert second - first == pytest.approx(21, abs=EXACT_S)  # a second of ringing, and 20 s for the key


def test_row_f28_flagship_ends_in_the_voicemail(played: Played) -> None:
    assert played.call.outcome == "message"
    assert played.call.story.count("nobody pressed 1 (its voicemail?)") == 2
    assert re.search(r"left a message of \d s", played.call.story)
