"""What the soak of `make soak-calls` counts, and what it lets pass."""

from __future__ import annotations

import os
import socket

import numpy as np
import pytest

from media.tones import tone
from tests.harness.hearing import Hearing
from tests.harness.markers import RATE, marked_prompts
from tests.harness.soundfiles import silence
from tests.interop.soak import GROWN_BYTES, GROWN_DESCRIPTORS, Footprint, missed_of_the_echo

BEFORE = Footprint(written_bytes=80 << 20, descriptors=20, udp_ports=2)


@pytest.mark.parametrize(
    ("later", "grown"),
    [
        (BEFORE, []),
        (Footprint(BEFORE.written_bytes + GROWN_BYTES, 20 + GROWN_DESCRIPTORS, 2), []),
        (Footprint(1, 1, 1), []),
        (Footprint(BEFORE.written_bytes + GROWN_BYTES + 1, 20, 2), ["memory from 80 to 86 MiB"]),
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
    assert after.written_bytes - before.written_bytes > 25 << 20
    assert after.descriptors - before.descriptors == 1
    assert after.udp_ports - before.udp_ports == 1
    assert len(ballast) > 0


@pytest.mark.parametrize(
    ("words", "voice_hz", "missed"),
    [
        (True, 700.0, ""),
        (True, 800.0, "3.3 s of their own voice"),
        (False, 700.0, "3.7 s of its words"),
        (False, 800.0, "3.7 s of its words, 3.3 s of their own voice"),
    ],
)
def test_who_listens_to_the_echo_knows_what_is_missing(words: bool, voice_hz: float, missed: str) -> None:
    marker = Hearing.of_file(marked_prompts() / "connected.wav").pcm
    said = marker if words else silence(len(marker) / RATE, RATE)
    heard = Hearing(np.concatenate((said, tone((700.0,), 3.2, RATE))), RATE)
    assert missed_of_the_echo(heard, voice_hz) == missed
