"""Conversations on record in the worker's own process: `kill -9`, a full disk, the costs of a crash."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from media.client import MediaLeg
from media.conversation_tape import LEFT, RIGHT, ConversationTape
from media.wav import read_channels
from tests.media.test_worker import until, worker
from tests.media.udp_peer import UdpPeer

LOUD, SOFT = b"\x2a" * 160, b"\xd5" * 160
"""Of A-law: nearly full scale, and nothing."""


async def talk(left: UdpPeer, right: UdpPeer, legs: tuple[MediaLeg, MediaLeg], *, seconds: float) -> None:
    """Let the left one be loud and the right one be silent, in real time."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for _ in range(round(seconds / 0.02)):
        left.send(LOUD, legs[0].address)
        right.send(SOFT, legs[1].address)
        due += 0.02
        await asyncio.sleep(max(0.0, due - loop.time()))


def loud_s(path: Path, channel: int) -> float:
    channels, rate = read_channels(path)
    return float(np.count_nonzero(np.abs(channels[:, channel].astype(int)) > 1000)) / rate


async def test_row_o1_killed_in_mid_sentence_the_file_is_playable_up_to_the_last_second_and_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "call.wav"
    with UdpPeer() as anna, UdpPeer() as bob:
        async with worker() as engine:
            legs = a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
            for leg, peer in zip(legs, (anna, bob), strict=True):
                leg.connect(peer.agreement())
            tape = ConversationTape(path)
            a.tap(tape, LEFT)
            b.tap(tape, RIGHT)
            a.bridge(b)
            await talk(anna, bob, legs, seconds=3.0)
            assert engine.pid is not None
            was = engine.pid
            os.kill(was, signal.SIGKILL)
            kept_s = loud_s(path, LEFT)
            assert 3.0 - 1.0 < kept_s <= 3.05
            assert loud_s(path, RIGHT) == 0.0
            await until(lambda: engine.pid not in (None, was))
            await talk(anna, bob, legs, seconds=2.0)
            summary = await tape.stop()
        assert summary.error == ""
        channels, rate = read_channels(path)
        assert len(channels) / rate == pytest.approx(summary.seconds, abs=0.01)
        assert loud_s(path, LEFT) > kept_s + 1.5
        assert summary.seconds > 5.0  # the time in which nobody wrote is in it


async def test_a_disk_that_fails_in_mid_conversation_leaves_what_was_written_and_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "full.wav"
    path.symlink_to("/dev/full")
    with UdpPeer() as anna, UdpPeer() as bob:
        async with worker() as engine:
            legs = a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
            for leg, peer in zip(legs, (anna, bob), strict=True):
                leg.connect(peer.agreement())
            tape = ConversationTape(path)
            a.tap(tape, LEFT)
            b.tap(tape, RIGHT)
            a.bridge(b)
            await talk(anna, bob, legs, seconds=1.5)
            await until(lambda: tape.is_over)
            heard = len(bob.listen())
            await talk(anna, bob, legs, seconds=0.5)
            assert len(bob.listen()) - heard >= 20
            summary = await tape.stop()
        assert summary.error == "No space left on device"
        assert sum("ended early" in record.message for record in caplog.records) == 1
