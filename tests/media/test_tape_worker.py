"""Conversations on record in the worker's own process: `kill -9`, a full disk, the costs of a crash."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.client import MediaEngine, MediaLeg
from media.conversation_tape import LEFT, RIGHT, ConversationTape
from tests.harness.hearing import Hearing
from tests.media.engines import until, worker
from tests.media.udp_peer import UdpPeer

LOUD, SOFT = b"\x2a" * 160, b"\xd5" * 160
"""Of A-law: nearly full scale, and nothing."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Anna, on the left, and Bob, who are connected and on record."""

    engine: MediaEngine
    tape: ConversationTape
    anna: UdpPeer
    bob: UdpPeer
    legs: tuple[MediaLeg, MediaLeg]

    async def go_on(self, seconds: float) -> None:
        """Let Anna be loud and Bob be silent, in real time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for _ in range(round(seconds / 0.02)):
            self.anna.send(LOUD, self.legs[0].address)
            self.bob.send(SOFT, self.legs[1].address)
            due += 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))


@asynccontextmanager
async def on_record(path: Path) -> AsyncIterator[Talk]:
    with UdpPeer() as anna, UdpPeer() as bob:
        async with worker() as engine:
            legs = a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
            for leg, peer in zip(legs, (anna, bob), strict=True):
                leg.connect(peer.agreement())
            tape = ConversationTape(path)
            a.tap(tape, LEFT)
            b.tap(tape, RIGHT)
            a.bridge(b)
            yield Talk(engine, tape, anna, bob, legs)


def loud_s(path: Path) -> tuple[float, ...]:
    """Return for how long each channel is loud."""
    return tuple(heard.seconds_of_sound(above_db=-30.0) for heard in Hearing.channels_of(path))


async def test_row_o1_killed_in_mid_sentence_the_file_is_playable_up_to_the_last_second_and_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "call.wav"
    async with on_record(path) as talk:
        await talk.go_on(3.0)
        was = talk.engine.pid
        assert was is not None
        os.kill(was, signal.SIGKILL)
        kept_s, of_bob_s = loud_s(path)
        assert 3.0 - 1.0 < kept_s <= 3.05
        assert of_bob_s == 0.0
        await until(lambda: talk.engine.pid not in (None, was))
        await talk.go_on(2.0)
        summary = await talk.tape.stop()
    assert summary.error == ""
    on_the_left, on_the_right = Hearing.channels_of(path)
    assert on_the_left.seconds == on_the_right.seconds == pytest.approx(summary.seconds, abs=0.01)
    assert on_the_left.seconds_of_sound(above_db=-30.0) > kept_s + 1.5
    assert on_the_right.sounds() == []
    assert summary.seconds > 5.0  # the time in which nobody wrote is in it


async def test_a_disk_that_fails_in_mid_conversation_leaves_what_was_written_and_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "full.wav"
    path.symlink_to("/dev/full")
    async with on_record(path) as talk:
        await talk.go_on(1.5)
        await until(lambda: talk.tape.is_over)
        heard = len(talk.bob.listen())
        await talk.go_on(0.5)
        assert len(talk.bob.listen()) - heard >= 20
        summary = await talk.tape.stop()
    assert summary.error == "No space left on device"
    assert sum("ended early" in record.message for record in caplog.records) == 1
