"""Power cuts: what the caller had said is kept, and the caller is owed a call back."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from media.commands import Tone
from tests.harness.hearing import Hearing
from tests.harness.product import Product, until
from tests.harness.sipp import Cast, Sipp
from tests.harness.web_server import HANGS, web_server
from tests.interop.carrier import carrier_call, carrier_calls

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

VOICEMAIL = "+48221230005"
ECHO = "+48221230007"
CALLS = 50
REANCHORED_S = 3.0
VOICE_HZ = 900.0
HEARD_DB = -25.0
SPOKEN_S = 3.0
MAY_BE_LOST_S = 1.0
PATIENCE_S = 20.0


WAITING = {"rings": "+48221240701", "waits in the queue": "+48221240702", "is asked": "+48221240703"}
WAITING |= {"is in the menu": "+48221230003", "talks": "+48221240704"}
IN_EVERY_STATE = """
[number."+48221240701"]
scheme = "ringing"
[[scheme.ringing.step]]
ring = ["102"]
for = "60s"
[[scheme.ringing.step]]
voicemail = "sales"
[number."+48221240702"]
scheme = "queueing"
[[scheme.queueing.step]]
queue = "waiting"
[[scheme.queueing.step]]
voicemail = "sales"
[queue.waiting]
agents = ["olena"]
max-wait = "90s"
[number."+48221240703"]
scheme = "asking"
[[scheme.asking.step]]
webhook = "hanging"
[[scheme.asking.step]]
voicemail = "sales"
[webhook.hanging]
url = "{url}"
budget = "5s"
[number."+48221240704"]
scheme = "talking"
[[scheme.talking.step]]
ring = ["104"]
for = "10s"
[[scheme.talking.step]]
voicemail = "sales"
"""


async def test_row_v7_d12_kill_9_keeps_the_recording_and_promises_everybody_a_call_back(
    tmp_path: Path,
) -> None:
    with (
        web_server(lambda _: HANGS) as server,
        Product.running(tmp_path / "office", extra=IN_EVERY_STATE.format(url=server.url)) as product,
        Cast.around(tmp_path / "sipp", product.port) as cast,
    ):
        for extension in ("102", "103"):
            cast.phone("phone-rings-cancelled.xml", extension)
        phone = cast.phone("phone-answers.xml", "104", "-d", "100")
        async with carrier_call(product, VOICEMAIL) as leg:
            began = await _speak_into_voicemail(leg, product)
            for number in WAITING.values():
                cast.trunk("trunk-speaks-until-hung-up.xml", number)
            everybody = partial(_are_all_under_way, product, phone)
            await asyncio.to_thread(until, everybody, within=PATIENCE_S, what="all are there")
            said = time.monotonic() - began
            await asyncio.to_thread(product.kill)
        (path,) = product.recordings()
        assert _recorded(path) >= said - MAY_BE_LOST_S
        await asyncio.to_thread(product.start)
        calls = await asyncio.to_thread(product.finished_calls, at_least=1 + len(WAITING))
        assert {call.dialled for call in calls} == {VOICEMAIL, *WAITING.values()}
        assert {call.outcome for call in calls} == {"promise"}
        assert all("call back" in call.story for call in calls)
        owed = product.command("calls", str(product.config), "--promises")
        assert len(owed.splitlines()) == len(calls)
        assert _recorded(path) >= said - MAY_BE_LOST_S
        product.assert_log_is_clean()


def _are_all_under_way(product: Product, phone: Sipp) -> bool:
    return product.outcomes() == [None] * (1 + len(WAITING)) and bool(phone.times("ACK"))


async def test_kill_9_of_the_media_process_loses_none_of_50_calls(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        async with carrier_calls(product, ECHO, CALLS) as legs:
            for leg in legs:
                leg.loop([Tone((VOICE_HZ,), 5.0)])
            await asyncio.sleep(5)  # by then they were told that this is an echo
            killed = product.media_pid
            assert killed is not None
            recordings = [leg.media.record(tmp_path / f"{n}.wav") for n, leg in enumerate(legs)]
            await asyncio.sleep(0.5)
            os.kill(killed, signal.SIGKILL)
            await asyncio.sleep(REANCHORED_S + 1)
            paths = [(await recording.stop()).path for recording in recordings]
            assert all(leg.is_up for leg in legs)
        assert product.media_pid not in (None, killed)
        heard = [Hearing.of_file(path).between(0.5 + REANCHORED_S) for path in paths]
        assert min(each.seconds_of(VOICE_HZ, above_db=HEARD_DB) for each in heard) > 0.8
        assert [fault for each in heard for fault in each.clipping()] == []
        calls = await asyncio.to_thread(product.finished_calls, at_least=CALLS)
        assert [call.outcome for call in calls] == ["self-served"] * CALLS
        assert "Traceback" not in product.log


async def test_row_v7_kill_9_of_the_media_process_keeps_what_is_said_before_and_after(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        async with carrier_call(product, VOICEMAIL) as leg:
            began = await _speak_into_voicemail(leg, product)
            killed = product.media_pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            (path,) = product.recordings()
            before = _recorded(path)
            assert before >= time.monotonic() - began - MAY_BE_LOST_S
            await asyncio.to_thread(
                until,
                lambda: _recorded(path) > before + SPOKEN_S,
                within=PATIENCE_S,
                what="speech is recorded again",
            )
            leg.media.send_digits("#")
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.shield(leg.ended)
        (call,) = await asyncio.to_thread(product.finished_calls)
        assert call.outcome == "message"
        assert "Traceback" not in product.log


async def _speak_into_voicemail(leg: CalleeLeg, product: Product) -> float:
    """Speak until ``SPOKEN_S`` of it are on disk; return when (monotonic) the first of it was there."""
    leg.media.send_digits("#")
    await asyncio.to_thread(until, product.recordings, within=PATIENCE_S, what="a recording begins")
    (path,) = product.recordings()
    leg.media.play([Tone((VOICE_HZ,), 5.0)], loop=True)
    await asyncio.to_thread(until, lambda: _recorded(path) > 0, within=PATIENCE_S, what="speech is on disk")
    began = time.monotonic() - _recorded(path)
    await asyncio.to_thread(
        until, lambda: _recorded(path) > SPOKEN_S, within=PATIENCE_S, what="more speech is on disk"
    )
    return began


def _recorded(path: Path) -> float:
    """Return the seconds of speech in a recording that may be growing."""
    return Hearing.so_far(path).seconds_of(VOICE_HZ, above_db=HEARD_DB)


async def test_whoever_calls_while_the_log_is_on_a_full_disk_is_served(tmp_path: Path) -> None:
    product = Product(tmp_path, "", "", str)
    product.log_path = Path("/dev/full")
    try:
        await asyncio.to_thread(product.start)
        async with carrier_call(product, ECHO) as leg:
            path = tmp_path / "heard.wav"
            leg.media.record(path)
            await asyncio.to_thread(
                until,
                lambda: Hearing.so_far(path).seconds_of_sound() > 0.5,
                within=PATIENCE_S,
                what="the caller is told that this is an echo",
            )
        has_outcome = partial(_have_outcomes, product, 1)
        await asyncio.to_thread(until, has_outcome, within=PATIENCE_S, what="the call is in the journal")
    finally:
        await asyncio.to_thread(product.stop)


def _have_outcomes(product: Product, count: int) -> bool:
    outcomes = product.outcomes() or []
    return len(outcomes) == count and None not in outcomes
