"""CPU time of a relayed packet while caches are warm: ``python -m bench.warm``.

`bench.relay` measures the worker as it runs, and with it all that a busy neighbour drives out of the caches:
its figure moves by a third from run to run. Here packets come 40 at a time to legs in this process, in turn
to ours and to some that do what can be done least: read, renumber, send. The ratio of both hardly moves.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from random import Random
from statistics import median
from typing import Any

from bench.relay import agreement
from bench.table import Row, show
from bench.yardstick import HOST, open_far_ends, raise_file_limit
from media.background import Background
from media.commands import Bridge, ConnectLeg, Event, LegClosed, OpenLeg
from media.credential import Credential
from media.engine import Engine
from media.factory import EndpointFactory
from media.fastpath import FastPath
from media.outgoing import HEADER
from media.shelf import CodecShelf
from media.sockets import SocketEndpoint, bind
from media.sounds import SoundLibrary
from media.surroundings import Surroundings
from media.worker import Poll

CALLS = 100
ROUNDS = 80
AT_A_TIME = 40
OUR_PORT, PLAIN_PORT = 26000, 26500
OUR_FAR_PORT, PLAIN_FAR_PORT = 28100, 28600
PAYLOAD = bytes(160)


class AtOnce(Background):
    """Background work that nobody does here."""

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Do ``job``."""
        done(job())


def ours(poll: Poll, events: list[Event]) -> Engine:
    """Return an engine that has opened and bridged legs as the worker does."""
    background = AtOnce()
    around = Surroundings(
        events.append,
        SoundLibrary(background),
        CodecShelf(background),
        files=background,
        syncs=background,
        credential=Credential(background),
        random=Random(1),
    )
    factory = EndpointFactory(
        lambda address, leg: SocketEndpoint(
            address, leg, poll=poll, clock=time.monotonic, fast_path=poll.fast_path
        ),
        [HOST],
        (OUR_PORT, OUR_PORT + 4 * CALLS - 1),
    )
    engine = Engine(around, factory)
    for leg in range(2 * CALLS):
        engine.handle(OpenLeg(leg), 0.0)
        told = ConnectLeg(leg, agreement(OUR_FAR_PORT + 2 * leg), allows_nat=False, rtp_timeout_s=30.0)
        engine.handle(told, 0.0)
    for leg in range(0, 2 * CALLS, 2):
        engine.handle(Bridge(leg, leg + 1), 0.0)
    return engine


def plain(poll: Poll) -> list[socket.socket]:
    """Return sockets that pass packets to one another, with other numbers."""
    legs = [bind(HOST, PLAIN_PORT + 2 * index) for index in range(2 * CALLS)]
    for index, leg in enumerate(legs):
        leg.connect((HOST, PLAIN_FAR_PORT + 2 * index))
        poll.add_reader(leg.fileno(), _passing_on(leg, legs[index ^ 1]))
    return legs


def _passing_on(leg: socket.socket, other: socket.socket) -> Callable[[], None]:
    packet = bytearray(2048)
    whole = memoryview(packet)[: HEADER.size + len(PAYLOAD)]
    read_into, send = leg.recv_into, other.send

    def read() -> None:
        read_into(packet)
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(packet)
        HEADER.pack_into(
            packet, 0, first, second, (sequence + 7) & 0xFFFF, (timestamp + 7) & 0xFFFFFFFF, ssrc
        )
        send(whole)

    return read


def measure(poll: Poll, far_ends: list[socket.socket], port: int) -> Callable[[int], float]:
    """Return what lets packet number so and so come to all legs, and tells CPU-µs of each, the median."""
    for index, far_end in enumerate(far_ends):
        far_end.connect((HOST, port + 2 * index))

    def come(number: int) -> float:
        packet = struct.pack("!BBHII", 0x80, 8, number, number * 160, 7) + PAYLOAD
        took = []
        for first in range(0, len(far_ends), AT_A_TIME):
            some = far_ends[first : first + AT_A_TIME]
            for far_end in some:
                far_end.send(packet)
            used = -time.thread_time()
            poll.wait(0)
            took.append((used + time.thread_time()) * 1e6 / len(some))
        return median(took)

    return come


def rows() -> Iterator[Row]:
    """Measure our fast path and, where that is missing, ours in Python, each in turn with the yardstick."""
    raise_file_limit()
    fast_path = FastPath.found()
    yield _row("in Python", None)
    if fast_path is not None:
        yield _row("fast path", fast_path)


def _row(name: str, fast_path: FastPath | None) -> Row:
    poll, plain_poll, events = Poll(fast_path), Poll(None), list[Event]()
    engine = ours(poll, events)
    legs = plain(plain_poll)
    far_ends = [*open_far_ends(2 * CALLS, OUR_FAR_PORT), *open_far_ends(2 * CALLS, PLAIN_FAR_PORT)]
    ways = (
        measure(poll, far_ends[: 2 * CALLS], OUR_PORT),
        measure(plain_poll, far_ends[2 * CALLS :], PLAIN_PORT),
    )
    took = [[way(number) for way in ways] for number in range(ROUNDS)]
    figure, yardstick = (median(way) for way in zip(*took, strict=True))
    engine.close(time.monotonic())
    for each in (*legs, *far_ends):
        each.close()
    relayed = sum(each.statistics["sent"] for each in events if isinstance(each, LegClosed))
    remarks = f"{relayed / (2 * CALLS * ROUNDS):.1%} relayed; beside plain Python"
    return Row(f"relayed packet, caches warm, {name}", figure, "CPU-µs", yardstick, remarks)


if __name__ == "__main__":
    show(rows())
