"""Recordings of a media worker that is stopped for a while: what came meanwhile waits in the sockets."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack
from pathlib import Path

from media.client import MediaEngine
from media.conversation_tape import LEFT, RIGHT, ConversationTape
from tests.harness.hearing import Hearing
from tests.media.engines import worker
from tests.media.udp_peer import UdpPeer

LOUD = b"\x2a" * 160
"""Of A-law: nearly full scale."""
STOPPED_S = 2.6
"""More than a timestamp may be off the clock before it counts as a new beginning."""
AROUND_S = 0.6


async def speak(peers: dict[UdpPeer, tuple[str, int]], seconds: float) -> None:
    """Let all of them be loud, in real time."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    for _ in range(round(seconds / 0.02)):
        for peer, to in peers.items():
            peer.send(LOUD, to)
        due += 0.02
        await asyncio.sleep(max(0.0, due - loop.time()))


async def speak_to_a_stopped_worker(engine: MediaEngine, peers: dict[UdpPeer, tuple[str, int]]) -> None:
    assert engine.pid is not None
    await speak(peers, AROUND_S)
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        await speak(peers, STOPPED_S)
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    await speak(peers, AROUND_S)


async def test_v7_what_came_while_the_worker_was_stopped_is_in_its_place_in_each_recording(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        callers = [stack.enter_context(UdpPeer()) for _ in range(4)]
        async with worker() as engine:
            legs = [await engine.open_leg() for _ in callers]
            for leg, peer in zip(legs, callers, strict=True):
                leg.connect(peer.agreement())
            anna, bob, alone, in_a_room = legs
            anna.bridge(bob)
            in_a_room.join(engine.room())
            tape = ConversationTape(tmp_path / "tape.wav")
            anna.tap(tape, LEFT)
            bob.tap(tape, RIGHT)
            recordings = [leg.record(tmp_path / f"{leg.number}.wav") for leg in (alone, in_a_room)]
            sending = {peer: leg.address for peer, leg in zip(callers, legs, strict=True)}
            await speak_to_a_stopped_worker(engine, sending)
            await tape.stop()
            for recording in recordings:
                await recording.stop()
    for heard in (*Hearing.channels_of(tape.path), *(Hearing.of_file(each.path) for each in recordings)):
        assert heard.seconds_of_sound(above_db=-30.0) > STOPPED_S + 2 * AROUND_S - 0.3
        # none, on a machine that lets the callers speak in time
        assert max((gap.seconds for gap in heard.gaps(above_db=-30.0)), default=0.0) < 1.0
