"""A signalling loop that stands still for 100 ms five times a second, and what is heard meanwhile (D7)."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from media.client import MediaEngine, MediaLeg, Tone
from tests.harness.place_in_line import may_come_first
from tests.harness.ports import media_ports
from tests.media.udp_peer import UdpPeer

LISTENERS, CALLS = 10, 10
ROUNDS, MOST_ROUNDS = 3, 5
"""The latter: where what was heard in the former is not good enough."""
ROUND_S = 0.8
FROZEN_US = 100_000
ORDERS = 5
"""Legs that are opened, played to, and closed again, each time that signalling wakes up."""
CORE = max(os.sched_getaffinity(0))
"""The processor that the worker has in common with those who speak."""
LONGEST_GAP_S = 0.040
MOST_DELAY_S = 0.005
PAYLOAD_BYTES = 160

SPEAKERS = """
import contextlib, json, os, socket, struct, sys, time
with contextlib.suppress(OSError):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(2))
os.sched_setaffinity(0, {int(sys.argv[1])})
speakers = [
    (socket.socket(fileno=int(fd)), ("127.0.0.1", int(port)))
    for fd, port in zip(sys.argv[2].split(","), sys.argv[3].split(","))
]
said, held_up, beat, end = 0, [], time.time(), time.time() + float(sys.argv[4])
begun = beat
while beat < end:
    while beat >= begun + said * 0.02 / len(speakers):
        sequence, number = divmod(said, len(speakers))
        speaker, to = speakers[number]
        head = struct.pack("!BBHII", 0x80, 8, sequence, 160 * sequence, 7000 + number)
        speaker.sendto(head + struct.pack("!d", time.time()) + bytes(152), to)
        said += 1
    time.sleep(0.001)
    last, beat = beat, time.time()
    if beat - last > 0.002:
        held_up.append((last + 0.001, beat))
print(json.dumps((said, held_up)))
"""
"""Speaks on sockets of the test, in a process that does not stand still: each packet says when it left.

It has the worker's processor, before the worker, wakes up each millisecond, and tells in the end when it
could not: then the machine held up whatever was there, and that is no delay of ours.
"""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Round:
    """What the ends of all calls heard for a while."""

    pauses: list[Span]
    """From packet to packet of each who is played to."""
    ways: list[Span]
    """Of each packet from one end of a call to the other."""
    held_up: list[Span]
    """When the machine let nobody run."""

    def by_clock(self) -> Round:
        """Return it with what the machine did."""
        return Round(self.pauses, self.ways, [])

    def own_s(self, span: Span) -> float:
        """Return how long ``span`` is without what the machine did."""
        begin, end = span
        return (
            end - begin - sum(max(0.0, min(end, until) - max(begin, since)) for since, until in self.held_up)
        )

    @property
    def gap_s(self) -> float:
        """The longest time in which one of those who are played to heard nothing."""
        return max(map(self.own_s, self.pauses))

    def __str__(self) -> str:
        return f"gap {self.gap_s * 1000:.1f} ms, p99 of the delay {delay_s([self]) * 1000:.2f} ms"


def delay_s(rounds: Sequence[Round]) -> float:
    """Return how long 99 % of the packets of all ``rounds`` took at most."""
    return float(np.percentile([each.own_s(way) for each in rounds for way in each.ways], 99))


def are_good(rounds: Sequence[Round]) -> bool:
    """Return whether most of ``rounds`` have no gap that is heard, and 99 % of all packets were in time."""
    without_gap = sum(each.gap_s <= LONGEST_GAP_S for each in rounds)
    return without_gap > len(rounds) / 2 and delay_s(rounds) < MOST_DELAY_S


class Office:
    """Some who are played to, and some who talk, on one engine."""

    def __init__(self, engine: MediaEngine, peers: ExitStack) -> None:
        self._engine = engine
        self._listeners, self._speakers, self._called, self._others = (
            [peers.enter_context(UdpPeer()) for _ in range(count)]
            for count in (LISTENERS, CALLS, CALLS, ORDERS)
        )
        self._entries: list[int] = []
        """Where those who speak send to."""
        self._more: list[MediaLeg] = []

    async def open(self) -> None:
        """Play to some, let others talk."""
        for peer in self._listeners:
            await self._play_to(peer)
        for speaker, listener in zip(self._speakers, self._called, strict=True):
            leg, other = await self._engine.open_leg(), await self._engine.open_leg()
            leg.connect(speaker.agreement())
            other.connect(listener.agreement())
            leg.bridge(other)
            self._entries.append(leg.address[1])
        async with asyncio.timeout(5):
            while not all(peer.listen() for peer in self._listeners):
                await asyncio.sleep(0.01)

    async def _play_to(self, peer: UdpPeer) -> MediaLeg:
        leg = await self._engine.open_leg()
        leg.connect(peer.agreement())
        leg.play([Tone((1000.0,), 1.0)], loop=True)
        return leg

    async def order_what_waited(self) -> None:
        """Do what signalling has to do for calls of which it learns when it wakes up."""
        for leg in self._more:
            await leg.close()
        self._more = [await self._play_to(peer) for peer in self._others]

    async def play_round(self) -> Round:
        """Freeze this process again and again; return what was heard."""
        for peer in (*self._listeners, *self._called):
            peer.listen()
            peer.heard.clear()
        speaking = asyncio.create_task(speak(self._speakers, self._entries))
        while not speaking.done():
            stand_still()
            await self.order_what_waited()
            await asyncio.wait([speaking], timeout=0.1)
        said, held_up = await speaking
        # The kernel says when each packet came, so that nobody here need be awake then.
        pauses = [pause for peer in self._listeners for pause in pairwise(at for at, _ in heard(peer))]
        ways = [(left, at) for peer in self._called for at, left in heard(peer)]
        assert len(ways) > 0.98 * said
        return Round(pauses, ways, held_up)


def heard(peer: UdpPeer) -> list[Span]:
    """Return when sound came, and when it says that it left; reports for others may come to a port, too."""
    return [
        (at, float(np.frombuffer(packet.payload[:8], ">f8")[0]))
        for at, packet in peer.listen()
        if len(packet.payload) == PAYLOAD_BYTES
    ]


async def speak(speakers: Sequence[UdpPeer], ports: Sequence[int]) -> tuple[int, list[Span]]:
    """Say a round's packets to ``ports``; return how many, and when the machine held them up."""
    sockets = [speaker.udp.fileno() for speaker in speakers]
    words = (CORE, ",".join(map(str, sockets)), ",".join(map(str, ports)), ROUND_S)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SPEAKERS, *map(str, words)), stdout=subprocess.PIPE, pass_fds=sockets
    )
    told, _ = await process.communicate()
    said, held_up = json.loads(told)
    return said, [(since, until) for since, until in held_up]


def stand_still() -> None:
    """Freeze this process with all its threads, as whatever keeps the interpreter to itself does."""
    ctypes.PyDLL(None).usleep(FROZEN_US)


@asynccontextmanager
async def office(engine: MediaEngine) -> AsyncIterator[Office]:
    """Open an office on ``engine``; close both in the end."""
    try:
        with ExitStack() as peers:
            opened = Office(engine, peers)
            await opened.open()
            yield opened
    finally:
        await engine.close()


async def come_first(worker: int) -> None:
    """Let the process ``worker`` be late again and again, as it is where others are in its way."""
    async with asyncio.timeout(5):
        while os.sched_getscheduler(worker) & ~os.SCHED_RESET_ON_FORK != os.SCHED_RR:
            os.kill(worker, signal.SIGSTOP)
            stand_still()
            os.kill(worker, signal.SIGCONT)
            await asyncio.sleep(0.06)  # in which it is in time for a frame, and sleeps


async def test_d7_signalling_frozen_for_100_ms_five_times_a_second_is_heard_by_nobody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where that cannot be told from what the machine does, one round that is good has to do."""
    engine = await MediaEngine.in_worker(address="127.0.0.1", ports=media_ports(499))
    assert engine.pid is not None
    os.sched_setaffinity(engine.pid, {CORE})
    is_told_apart = may_come_first()
    rounds: list[Round] = []
    async with office(engine) as opened:
        if is_told_apart:
            await come_first(engine.pid)
        while len(rounds) < ROUNDS or (len(rounds) < MOST_ROUNDS and not are_good(rounds)):
            rounds.append(await opened.play_round())
    told = [f"{each}; by the clock: {each.by_clock()}" for each in rounds]
    with capsys.disabled():
        print("", *told, sep="\n  ")
    assert are_good(rounds) or (not is_told_apart and any(are_good([each]) for each in rounds)), told


async def test_an_engine_that_stands_still_with_signalling_does_not_pass_for_a_good_one() -> None:
    engine = await MediaEngine.in_process(ports=media_ports(499))
    async with office(engine) as opened:
        heard_there = await opened.play_round()
    assert heard_there.gap_s > LONGEST_GAP_S
    assert delay_s([heard_there]) > MOST_DELAY_S
