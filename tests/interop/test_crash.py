"""Power cuts: what the caller had said is kept, and the caller is owed a call back."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from media.commands import Tone
from media.errors import MalformedMedia
from media.wav import read_wav
from tests.harness.baresip import seconds_of
from tests.harness.product import Product, until
from tests.interop.carrier import CALLER, carrier_call, carrier_calls

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

VOICEMAIL = "+48221230005"
ECHO = "+48221230007"
CALLS = 50
REANCHORED_S = 3.0
VOICE_HZ = 900.0
SPOKEN_S = 3.0
MAY_BE_LOST_S = 1.0
PATIENCE_S = 20.0


async def test_row_v7_d12_kill_9_keeps_the_recording_and_promises_a_call_back(tmp_path: Path) -> None:
    with Product.running(tmp_path) as product:
        async with carrier_call(product, VOICEMAIL) as leg:
            began = await _speak_into_voicemail(leg, product)
            said = time.monotonic() - began
            await asyncio.to_thread(product.kill)
        (path,) = product.recordings()
        assert _recorded(path) >= said - MAY_BE_LOST_S
        await asyncio.to_thread(product.start)
        (call,) = await asyncio.to_thread(product.finished_calls)
        assert (call.caller, call.dialled, call.outcome) == (CALLER, VOICEMAIL, "promise")
        assert "call back" in call.story
        assert _recorded(path) >= said - MAY_BE_LOST_S
        product.assert_log_is_clean()


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
        assert min(_heard_after(path, 0.5 + REANCHORED_S) for path in paths) > 0.8
        calls = await asyncio.to_thread(product.finished_calls, at_least=CALLS)
        assert [call.outcome for call in calls] == ["self-served"] * CALLS
        assert "Traceback" not in product.log


def _heard_after(path: Path, seconds: float) -> float:
    """Return how many seconds of the voice came back in what follows the first ``seconds``."""
    pcm, rate = read_wav(path)
    return seconds_of(pcm[int(seconds * rate) :], rate, VOICE_HZ)


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
    try:
        return seconds_of(*read_wav(path), VOICE_HZ)
    except MalformedMedia:  # caught between two writes of the header
        return 0.0
