"""A signalling loop that stands still for 100 ms five times a second, and what is heard meanwhile (D7)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from media.client import MediaEngine, MediaLeg, Tone
from tests.media.udp_peer import UdpPeer

ROOT = Path(__file__).parents[2]
PORTS = (21000, 21998)
LISTENERS, CALLS = 10, 10
ROUNDS = 6
ROUND_S = 2.0
LONGEST_GAP_S = 0.040
MOST_DELAY_S = 0.005

SPEAKERS = """
import socket, struct, sys, time
first, to, seconds = sys.argv[1].split(","), sys.argv[2].split(","), float(sys.argv[3])
speakers = []
for fd, port in zip(first, to):
    speakers.append((socket.socket(fileno=int(fd)), int(port)))
sequence, began = 0, time.monotonic()
while (due := began + sequence * 0.02) < began + seconds:
    time.sleep(max(0.0, due - time.monotonic()))
    for number, (speaker, port) in enumerate(speakers):
        head = struct.pack("!BBHII", 0x80, 8, sequence, 160 * sequence, 7000 + number)
        speaker.sendto(head + struct.pack("!d", time.time()) + bytes(152), ("127.0.0.1", port))
    sequence += 1
"""
"""Speaks on sockets of the test, in a process that does not stand still: each packet says when it left."""


class Round:
    """What was heard while the loop ran, or stood still again and again."""

    def __init__(self, listeners: list[UdpPeer], called: list[UdpPeer]) -> None:
        for peer in (*listeners, *called):
            peer.listen()
            peer.heard.clear()
        self._listeners, self._called = listeners, called

    @property
    def gap(self) -> float:
        """The longest time in which a listener heard nothing."""
        return max(float(np.diff([at for at, _ in peer.listen()]).max()) for peer in self._listeners)

    @property
    def delay(self) -> float:
        """How long 99 % of the packets took from one end of a call to the other, at most."""
        delays = [
            at - np.frombuffer(packet.payload[:8], ">f8")[0]
            for peer in self._called
            for at, packet in peer.listen()
        ]
        assert len(delays) > 0.9 * CALLS * ROUND_S / 0.02
        return float(np.percentile(delays, 99))


async def speak(speakers: list[UdpPeer], legs: list[MediaLeg]) -> None:
    sockets = [speaker.udp.fileno() for speaker in speakers]
    command = (
        ",".join(map(str, sockets)),
        ",".join(str(leg.address[1]) for leg in legs),
        str(ROUND_S),
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SPEAKERS, *command), stdin=subprocess.DEVNULL, pass_fds=sockets
    )
    assert await process.wait() == 0


async def freeze_until(done: asyncio.Task[None]) -> None:
    while not done.done():
        time.sleep(0.1)
        await asyncio.sleep(0.1)


async def test_d7_signalling_frozen_for_100_ms_five_times_a_second_is_heard_by_nobody() -> None:
    """A shared machine holds up every process now and then: each round is compared with one unfrozen."""
    engine = await MediaEngine.in_worker(address="127.0.0.1", ports=PORTS)
    with ExitStack() as sockets:
        listeners, speakers, called = (
            [sockets.enter_context(UdpPeer()) for _ in range(count)] for count in (LISTENERS, CALLS, CALLS)
        )
        legs = [await engine.open_leg() for _ in speakers]
        for peer in listeners:
            leg = await engine.open_leg()
            leg.connect(peer.agreement())
            leg.play([Tone((1000.0,), 1.0)], loop=True)
        for speaker, leg, listener in zip(speakers, legs, called, strict=True):
            other = await engine.open_leg()
            leg.connect(speaker.agreement())
            other.connect(listener.agreement())
            leg.bridge(other)
        gaps, delays = [], []
        for _ in range(ROUNDS):
            figures = []
            for is_frozen in (False, True):
                heard = Round(listeners, called)
                speaking = asyncio.create_task(speak(speakers, legs))
                if is_frozen:
                    await freeze_until(speaking)
                await speaking
                figures.append((heard.gap, heard.delay))
            (gap, delay), (frozen_gap, frozen_delay) = figures
            gaps.append(frozen_gap - max(0.0, gap - 0.02))
            delays.append(frozen_delay - delay)
            if min(gaps) < LONGEST_GAP_S and min(delays) < MOST_DELAY_S:
                break
    await engine.close()
    assert min(gaps) < LONGEST_GAP_S, gaps
    assert min(delays) < MOST_DELAY_S, delays
