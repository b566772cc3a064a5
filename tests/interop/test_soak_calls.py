"""What the soak of `make soak-calls` counts, and what it lets pass."""

from __future__ import annotations

import os
import socket

import pytest

from tests.interop.soak import GROWN_BYTES, GROWN_DESCRIPTORS, Footprint

BEFORE = Footprint(rss_bytes=80 << 20, descriptors=20, udp_ports=2)


@pytest.mark.parametrize(
    ("later", "grown"),
    [
        (BEFORE, []),
        (Footprint(BEFORE.rss_bytes + GROWN_BYTES, 20 + GROWN_DESCRIPTORS, 2), []),
        (Footprint(1, 1, 1), []),
        (Footprint(BEFORE.rss_bytes + GROWN_BYTES + 1, 20, 2), ["memory from 80 to 92 MiB"]),
        (Footprint(80 << 20, 24, 2), ["descriptors from 20 to 24"]),
        (Footprint(80 << 20, 20, 3), ["UDP ports from 2 to 3"]),
    ],
)
def test_what_has_grown_more_than_caches_do_is_named(later: Footprint, grown: list[str]) -> None:
    assert BEFORE.grown_to(later) == grown


def test_memory_descriptors_and_ports_of_a_process_are_counted() -> None:
    before = Footprint.of(os.getpid())
    ballast = bytearray(os.urandom(30 << 20))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        after = Footprint.of(os.getpid())
    assert after.rss_bytes - before.rss_bytes > 25 << 20
    assert after.descriptors - before.descriptors == 1
    assert after.udp_ports - before.udp_ports == 1
    assert len(ballast) > 0
