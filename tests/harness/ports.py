"""Ports for what a test starts. Each process that plays tests takes them from a part of its own."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterable

HOST = "127.0.0.1"
FIRST, END = map(int, os.environ.get("TEST_PORTS", "10000-32764").split("-"))
ALL_PORTS = range(FIRST, END)
"""Below what the kernel gives to sockets that ask for none. Of two runs at a time each needs its own."""
SIGNALLING_SHARE = 0.5
IN_A_ROW = 6
"""SIPp takes one for SIP, one to be controlled by, and four for sound."""
PROCESS, PROCESSES = (
    int(os.environ.get(name, alone).removeprefix("gw"))
    for name, alone in (
        ("PYTEST_XDIST_WORKER", "gw0"),
        ("PYTEST_XDIST_WORKER_COUNT", "1"),
    )
)
"""Which of how many processes that play tests at the same time."""
_each = len(ALL_PORTS) // PROCESSES // IN_A_ROW * IN_A_ROW
_ours = ALL_PORTS[PROCESS * _each : (PROCESS + 1) * _each]
_for_media = int(_each * (1 - SIGNALLING_SHARE)) // IN_A_ROW * IN_A_ROW
SIGNALLING, MEDIA = _ours[_for_media::IN_A_ROW], _ours[:_for_media]
_taken: set[int] = set()
_taking = threading.Lock()


def free_port() -> int:
    """Return a port that is free over UDP and TCP, as are the five above it; the same only after all."""
    while True:
        with _taking:
            if len(_taken) == len(SIGNALLING):
                _taken.clear()
            port = random.choice([each for each in SIGNALLING if each not in _taken])
            _taken.add(port)
        block = range(port, port + IN_A_ROW)
        if _are_free(block, socket.SOCK_DGRAM) and _are_free(block, socket.SOCK_STREAM):
            return port


def media_ports(pairs: int) -> tuple[int, int]:
    """Return the first and last port of so many RTP/RTCP pairs in a row, all free over UDP.

    Raises:
        RuntimeError: there are not as many in a row.
    """
    count = 2 * pairs
    beginnings, in_a_row = [], 0
    for port in reversed(MEDIA):
        in_a_row = in_a_row + 1 if _are_free((port,), socket.SOCK_DGRAM) else 0
        if in_a_row >= count and port % 2 == 0:
            beginnings.append(port)
    if not beginnings:
        raise RuntimeError(f"of {len(MEDIA)} ports no {count} in a row are free")
    first = random.choice(beginnings)
    return first, first + count - 1


def _are_free(ports: Iterable[int], kind: socket.SocketKind) -> bool:
    for port in ports:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True
