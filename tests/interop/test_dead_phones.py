"""Rows F13 and F14: phones that registered and then died cost the caller no ringing time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from media.commands import Tone
from tests.harness.baresip import Baresip
from tests.harness.hearing import Hearing, Party, deaf
from tests.harness.product import Product, until
from tests.harness.sipp import Cast
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60)]

BARESIP_HZ, TRUNK_HZ = 700.0, 1200.0
NOISE_S = 0.7
"""What a busy machine may add to the limits of the row: two more processes start and answer."""
EXTRA = """
[number."+48221240{dead}"]
scheme = "dead-{dead}"
[[scheme.dead-{dead}.step]]
ring = ["{dead}"]
for = "15s"
[[scheme.dead-{dead}.step]]
ring = ["{alive}"]
for = "15s"
[[scheme.dead-{dead}.step]]
voicemail = "sales"
"""


OFFICE = {"extra": EXTRA.format(dead=101, alive=102)}
"""Rings 101, who dies, then 102, who answers."""


async def _seconds_to_the_next_phone(office: Product, number: str) -> float:
    began = time.monotonic()
    async with carrier_call(office, number):
        return time.monotonic() - began


def _assert_next_phone_was_reached(office: Product, number: str, dead: str) -> None:
    (call,) = office.finished_calls(of=number)
    assert call.outcome == "talked"
    assert call.story.startswith(f"rang {dead}")


async def test_row_f13_phone_whose_process_is_gone_is_skipped_at_once(
    office: Product, tmp_path: Path
) -> None:
    with Cast.around(tmp_path / "sipp", office.port) as cast:
        cast.register("101")  # SIPp ends after that: its port answers with ICMP
        alive = cast.phone("phone-answers-at-once.xml", "102")
        assert await _seconds_to_the_next_phone(office, "+48221240101") < 1.0 + NOISE_S
        alive.wait()
    _assert_next_phone_was_reached(office, "+48221240101", "Anna Nowak")


IN_TURN = """
[number."+48221240400"]
scheme = "power-cut"
[[scheme.power-cut.step]]
ring = ["101", "102", "103"]
mode = "in-turn"
for = "15s"
[[scheme.power-cut.step]]
ring = ["104"]
for = "15s"
[[scheme.power-cut.step]]
voicemail = "sales"
"""


async def _until_logged(office: Product, words: str, count: int = 1) -> None:
    await asyncio.to_thread(
        until, lambda: office.log.count(words) >= count, within=15, what=f"the log says {words!r}"
    )


async def test_row_f14_three_phones_without_power_cost_one_caller_less_than_5_s_and_the_next_nothing(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        office = stack.enter_context(Product.running(tmp_path / "office", extra=IN_TURN))
        cast = stack.enter_context(Cast.around(tmp_path / "sipp", office.port))
        phones = [
            stack.enter_context(
                Baresip.registered(tmp_path / extension, extension=extension, server_port=office.port)
            )
            for extension in ("101", "102", "103")
        ]
        backup = cast.phone("phone-answers-at-once.xml", "104", calls=2)
        for phone in phones:
            phone.freeze()
        assert 3.5 < await _seconds_to_the_next_phone(office, "+48221240400") < 5.0 + NOISE_S
        assert await _seconds_to_the_next_phone(office, "+48221240400") < 1.0 + NOISE_S
        backup.wait()
        for phone in phones:
            phone.thaw()
        await _until_logged(office, "phone is online", 3 + 1 + 3)
        assert await _seconds_to_the_next_phone(office, "+48221240400") < 1.0 + NOISE_S
        office.assert_log_is_clean()
    first, second, third = office.finished_calls(of="+48221240400", at_least=3)
    assert first.story.startswith("rang Anna Nowak 4 s, did not respond; ")
    assert "phone was off" in second.story
    assert third.story.startswith("talked with Anna Nowak")


QUICK_TO_NOTICE = """
[media]
rtp-timeout = "5s"
[number."+48221240401"]
scheme = "anna"
[[scheme.anna.step]]
ring = ["101"]
for = "10s"
[[scheme.anna.step]]
voicemail = "sales"
"""


async def test_row_d10_a_phone_that_dies_in_mid_call_frees_caller_and_agent(tmp_path: Path) -> None:
    """After the 5 s of this office without sound; after 30 s where nobody has set it."""
    number = "+48221240401"
    with (
        Product.running(tmp_path / "office", extra=QUICK_TO_NOTICE) as office,
        Baresip.registered(
            tmp_path / "101", extension="101", server_port=office.port, says_hz=BARESIP_HZ
        ) as phone,
    ):
        async with carrier_call(office, number) as leg:
            leg.loop([Tone((TRUNK_HZ,), 1.0)])
            tape = leg.media.record(tmp_path / "trunk.wav")

            def faults() -> list[str]:
                heard_by_trunk = Hearing.so_far(tmp_path / "trunk.wav")
                parties = Party("101", BARESIP_HZ, phone.heard()), Party("trunk", TRUNK_HZ, heard_by_trunk)
                return deaf(*parties, for_s=0.5)

            await asyncio.to_thread(until, lambda: not faults(), within=10, what="they hear each other")
            await tape.stop()
            phone.freeze()
            died = time.monotonic()
            await asyncio.wait({leg.ended}, timeout=15)
            assert leg.ended.done(), office.log
            assert 4.0 < time.monotonic() - died < 6.0 + NOISE_S
        phone.thaw()
        await asyncio.to_thread(until, phone.is_over, within=10, what="the phone hears that it is over")
        async with carrier_call(office, number):
            pass
        office.assert_log_is_clean()
        calls = await asyncio.to_thread(office.finished_calls, of=number, at_least=2)
        assert [call.story.partition(" for ")[0] for call in calls] == ["talked with Anna Nowak"] * 2


@pytest.fixture(scope="module", autouse=True)
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An office that asks its phones every second, and a phone that has lost its power by then.

    It takes 9 s until that is known; the other tests are played meanwhile.
    """
    folder = tmp_path_factory.mktemp("asked")
    with (
        Product.running(folder / "office", extra=IN_TURN, sip='qualify-every = "1s"') as office,
        Baresip.registered(folder / "101", extension="101", server_port=office.port) as dead,
    ):
        dead.freeze()
        yield office
        office.assert_log_is_clean()


async def test_row_f13_a_phone_that_is_asked_regularly_is_known_to_be_dead_before_anybody_calls(
    asked: Product,
) -> None:
    await _until_logged(asked, "Anna Nowak's phone is offline")
    assert await _seconds_to_the_next_phone(asked, "+48221240400") < 1.0 + NOISE_S  # the voicemail
