"""Row D5 in real time: SIPp is a mobile with its mailbox, and one whose owner presses a key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.harness.product import Product
from tests.harness.sipp import Cast, Sipp

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

NUMBER = "+48221240501"
ASKED = f"""
[number."{NUMBER}"]
scheme = "asked"
[[scheme.asked.step]]
ring = ["+48600999888"]
for = "20s"
confirm = true
confirm-within = "5s"
[[scheme.asked.step]]
voicemail = "sales"
"""
HEARD = "+48221240502"
BY_VOICE = f"""
[number."{HEARD}"]
scheme = "heard"
[[scheme.heard.step]]
ring = ["+48600999888"]
for = "20s"
confirm = "voice"
[[scheme.heard.step]]
voicemail = "sales"
"""
HELLO_S = 1.03
KNOWN_S = 1.3
"""From the last sound of a hello to the answer that the caller gets."""
RINGS_S = 1.0
EXACT_S = 0.5


def _patient(office: str) -> str:
    """Return the office on a trunk that lets calls ring for long."""
    return office.replace('max-unanswered = "5s"', 'max-unanswered = "60s"')


OFFICE = {"extra": ASKED + BY_VOICE, "change": _patient}


def ticks(mobile: Sipp) -> list[float]:
    """Return when it was invited, had answered, and was hung up on, in seconds after the first."""
    at = [int(tick) / 1000 for line in mobile.logged() for tick in re.findall(r"at (\d+)", line)]
    return [tick - at[0] for tick in at]


def test_row_d5_a_mailbox_plays_its_greeting_and_the_scheme_goes_on_5_s_later(
    office: Product, tmp_path: Path
) -> None:
    with Cast.around(tmp_path, office.port) as cast:
        mobile = cast.carrier("carrier-mailbox-greets.xml", office.outside_port, "-d", "1000")
        caller = cast.trunk("trunk-leaves-voicemail.xml", NUMBER)
        mobile.wait()
        caller.wait()
    assert ticks(mobile) == pytest.approx([0, RINGS_S, RINGS_S + 5], abs=EXACT_S)
    call = office.finished_calls(of=NUMBER)[-1]
    assert call.outcome == "message"
    assert "rang +48600999888 6 s, answered, but nobody pressed 1 (its voicemail?)" in call.story


@pytest.mark.parametrize(
    ("key", "trunk", "outcome", "words"),
    [
        ("1", "calls-answered", "talked", "talked with +48600999888"),
        ("2", "leaves-voicemail", "message", "rang +48600999888 3 s, declined; left a message"),
    ],
)
def test_row_d5_key_1_takes_the_call_and_key_2_refuses_it(
    office: Product, tmp_path: Path, key: str, trunk: str, outcome: str, words: str
) -> None:
    with Cast.around(tmp_path, office.port) as cast:
        mobile = cast.carrier(
            "carrier-presses-a-key.xml", office.outside_port, "-d", "1000", "-key", "keys", key
        )
        caller = cast.trunk(f"trunk-{trunk}.xml", NUMBER)
        mobile.wait()
        caller.wait()
    call = office.finished_calls(of=NUMBER)[-1]
    assert call.outcome == outcome
    assert words in call.story


def test_row_d5_who_says_hello_has_the_call_within_1_3_s(office: Product, tmp_path: Path) -> None:
    with Cast.around(tmp_path, office.port) as cast:
        mobile = cast.carrier("carrier-says-hello.xml", office.outside_port, "-d", "1000")
        caller = cast.trunk("trunk-calls-answered.xml", HEARD)
        mobile.wait()
        caller.wait()
    [acknowledged], [answered] = mobile.times("ACK"), caller.times("SIP/2.0 200 OK")[:1]
    assert answered - acknowledged == pytest.approx(HELLO_S + KNOWN_S, abs=0.3)
    call = office.finished_calls(of=HEARD)[-1]
    assert call.outcome == "talked"
    assert "talked with +48600999888" in call.story


def test_row_d5_a_mailbox_that_talks_leads_on_after_5_s(office: Product, tmp_path: Path) -> None:
    with Cast.around(tmp_path, office.port) as cast:
        mobile = cast.carrier("carrier-mailbox-talks.xml", office.outside_port, "-d", "1000")
        caller = cast.trunk("trunk-leaves-voicemail.xml", HEARD)
        mobile.wait()
        caller.wait()
    assert ticks(mobile) == pytest.approx([0, RINGS_S, RINGS_S + 5.2], abs=EXACT_S)
    call = office.finished_calls(of=HEARD)[-1]
    assert call.outcome == "message"
    assert re.search(r"rang \+48600999888 [67] s, answered, but it talked on \(its voicemail\)", call.story)
