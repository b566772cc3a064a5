"""Digits behind a dialled number, on real sockets: by INFO to SIPp, by RFC 4733 to a softphone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from media.keypad import key_seconds
from tests.harness.product import Product
from tests.harness.sipp import Cast
from tests.interop.carrier import carrier_call
from tests.interop.softphones import softphone

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60)]

NUMBERS = {"info": "+48221260001", "events": "+48221260002"}
EXTRA = "".join(
    f"""
[number."{number}"]
scheme = "far-{way}"
[[scheme.far-{way}.step]]
ring = ["+48600100300,557"]
for = "10s"
[[scheme.far-{way}.step]]
voicemail = "sales"
"""
    for way, number in NUMBERS.items()
)
BUSY_MACHINE_S = 0.5
KEY_S = key_seconds()


OFFICE = {"extra": EXTRA}


async def test_row_i9_a_far_end_without_telephone_event_gets_the_digits_by_info(
    office: Product, tmp_path: Path
) -> None:
    with Cast.around(tmp_path / "sipp", office.port) as cast:
        mobile = cast.carrier("carrier-takes-info-digits.xml", office.outside_port)
        async with carrier_call(office, NUMBERS["info"]):
            await asyncio.sleep(4)  # the talk itself: two seconds of pause, three digits
        mobile.wait()
    [call] = office.finished_calls(of=NUMBERS["info"])
    assert call.story.startswith("pressed 557 behind the number of +48600100300; talked")


async def test_row_i9_a_far_end_with_telephone_event_hears_the_digits_two_seconds_after_its_answer(
    office: Product,
) -> None:
    async with softphone("mobile", port=office.outside_port) as mobile:
        mobile.habit = Habit(answers_after=0.2)
        async with carrier_call(office, NUMBERS["events"]):
            now = asyncio.get_running_loop().time
            answered_at, leg = now(), mobile.invitations[0].leg
            keys: list[tuple[float, str]] = []
            leg.media.on_digit = lambda key: keys.append((now() - answered_at, key))
            await asyncio.sleep(4)
        assert "".join(key for _, key in keys) == "557"
        assert 2.0 - BUSY_MACHINE_S < keys[0][0] < 2.0 + BUSY_MACHINE_S
        assert keys[2][0] - keys[0][0] == pytest.approx(2 * KEY_S, abs=BUSY_MACHINE_S)
