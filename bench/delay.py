"""How late relayed packets are: ``python -m bench.delay``.

The product has 500 calls up, all of which talk, and beside them takes 20 calls a second. Each packet carries
when it was sent, the kernel stamps when it arrived. The relay in C does the same in the same minute, while
the product takes as many calls.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from bench.calls import WARM_UP_CALLS
from bench.load import SLOTS
from bench.office import Office
from bench.relay import FAR_PORT, RELAY_PORT
from bench.spacing import received, stamp
from bench.table import Row, show
from bench.yardstick import HERE, HOST, compiled, raise_file_limit

CALLS = 500
BESIDE = 20
"""Calls per second."""
SECONDS = 4
WARM_UP_TICKS = 25
"""Packets of each stream that are sent before: no 500 calls begin to talk in the same instant."""
SETUP_RATE = 50
SENT_AT = struct.Struct("!q")
HEADER = struct.Struct("!BBHII")
REST = b"\xd5" * (160 - SENT_AT.size)

End: TypeAlias = tuple[str, int, int]
"""A far end: its address, its port, and the port of ours that it sends to."""


def rows() -> Iterator[Row]:
    """Measure the product and the relay in C."""
    raise_file_limit()
    with Office.running() as office:
        office.register_phones()
        office.calls(WARM_UP_CALLS, rate=BESIDE)
        setup = office.calls(CALLS, rate=SETUP_RATE, phase="sounding")
        figures = beside_calls(office, [tuple(end) for end in setup["ends"]])
        yardstick = by_c(office)
        office.end_calls()
    remarks = f"{setup['failed']} of the calls failed; {told(figures)}"
    if yardstick is not None:
        remarks += f"; in C {told(yardstick)}"
    yield Row(
        f"delay of a relayed packet, p99, {CALLS} calls",
        figures["p99_ms"],
        "ms",
        None if yardstick is None else yardstick["p99_ms"],
        remarks,
    )


def told(figures: dict[str, Any]) -> str:
    """Return what else was measured."""
    return f"median {figures['median_ms']:.2f} ms, {figures['lost']} of {figures['sent']} lost"


def by_c(office: Office) -> dict[str, Any] | None:
    """Return the same of the relay in C, None where it cannot be compiled."""
    program = compiled("c_relay")
    if program is None:
        return None
    with relaying(program):
        return beside_calls(
            office, [(HOST, FAR_PORT + 2 * leg, RELAY_PORT + 2 * leg) for leg in range(2 * CALLS)]
        )


@contextmanager
def relaying(program: Path) -> Iterator[None]:
    """Let the relay in C run."""
    command = [str(program), str(CALLS), str(RELAY_PORT), str(FAR_PORT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        relay.stdout.readline()
        yield
        relay.communicate()


def beside_calls(office: Office, ends: Sequence[End]) -> dict[str, Any]:
    """Let all far ends talk, in a process of their own, while calls come in."""
    with ThreadPoolExecutor(1) as beside:
        calls = beside.submit(office.calls, BESIDE * (SECONDS + 1), rate=BESIDE)
        told = subprocess.run(
            [sys.executable, "-m", "bench.delay", "talk"],
            input=json.dumps(ends),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parent,
        )
        failed = calls.result()["failed"]
    if failed:
        raise RuntimeError(f"{failed} calls beside it failed")
    figures: dict[str, Any] = json.loads(told.stdout)
    return figures


def talk(ends: Sequence[End]) -> dict[str, Any]:
    """Send from all far ends for so many seconds; return how late packets were, and how many never came."""
    sockets = []
    for host, port, to in ends:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((host, port))
        udp.connect((host, to))
        sockets.append(udp)
    stamp(sockets)
    begun = time.monotonic()
    for turn in range((WARM_UP_TICKS + SECONDS * 50) * SLOTS):
        tick = turn // SLOTS
        header = HEADER.pack(0x80, 8, tick, 160 * tick, 7)
        for udp in sockets[turn % SLOTS :: SLOTS]:
            udp.send(header + SENT_AT.pack(time.time_ns() if tick >= WARM_UP_TICKS else 0) + REST)
        time.sleep(max(0.0, begun + (turn + 1) * 0.02 / SLOTS - time.monotonic()))
    time.sleep(0.2)
    late = sorted(
        1000 * at - sent_at / 1e6
        for udp in sockets
        for at, packet in received(udp)
        if len(packet) == HEADER.size + SENT_AT.size + len(REST)
        and (sent_at := SENT_AT.unpack_from(packet, HEADER.size)[0])
    )
    sent = SECONDS * 50 * len(sockets)
    return {
        "sent": sent,
        "lost": sent - len(late),
        "median_ms": late[len(late) // 2],
        "p99_ms": late[int(len(late) * 0.99)],
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["talk"]:
        raise_file_limit()
        print(json.dumps(talk(json.load(sys.stdin))))
    else:
        show(rows())
