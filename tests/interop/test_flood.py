"""A flood of datagrams from one source: the calls of others come in, and are heard, all the same."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from media.commands import Tone
from tests.harness.hearing import Hearing
from tests.harness.ports import HOST
from tests.harness.product import Product, until
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60)]

ECHO = "+48221230007"
ECHO_HZ = 800.0
HEARD_DB = -25.0
PER_SECOND = 4000
"""More than a thousand phones would send, and little enough that the machine itself can keep up."""
SECONDS = 10.0
ANSWER_S = 5.0
"""A lost INVITE is sent again after 0.5, 1.5 and 3.5 s."""
TALK_S = 2.0
MOST_LOG_BYTES = 20_000


def garbage() -> bytes:
    """Return a datagram that is no SIP."""
    return random.randbytes(random.choice((0, 4, 60, 900, 1400)))


def guess() -> bytes:
    """Return a REGISTER of somebody who has no password."""
    token = secrets.token_hex(6)
    return (
        f"REGISTER sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:9;branch=z9hG4bK{token};rport\r\n"
        f"From: <sip:101@{HOST}>;tag={token}\r\nTo: <sip:101@{HOST}>\r\nCall-ID: {token}\r\n"
        f"CSeq: 1 REGISTER\r\nContact: <sip:101@{HOST}:9>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def flood(port: int, datagram: Callable[[], bytes]) -> int:
    """Send to ``port`` for ``SECONDS`` at an even pace; return how many were sent."""
    datagrams = [datagram() for _ in range(500)]
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.bind((HOST, 0))
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < SECONDS:
            while sent < elapsed * PER_SECOND:
                source.sendto(datagrams[sent % len(datagrams)], (HOST, port))
                sent += 1
            time.sleep(0.002)
    return sent


def echoed_s(path: Path) -> float:
    return Hearing.so_far(path).seconds_of(ECHO_HZ, above_db=HEARD_DB)


@pytest.mark.parametrize("datagram", [garbage, guess])
async def test_while_one_source_floods_another_calls_and_is_heard(
    office: Product, datagram: Callable[[], bytes], tmp_path: Path
) -> None:
    before = len(office.log)
    flooding = asyncio.create_task(asyncio.to_thread(flood, office.port, datagram))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    async with carrier_call(office, ECHO) as leg:
        assert time.monotonic() - began < ANSWER_S
        leg.media.play([Tone((ECHO_HZ,), 1.0)], loop=True)
        path = tmp_path / "echoed.wav"
        recording = leg.media.record(path)
        await asyncio.to_thread(
            until, lambda: echoed_s(path) > 0.2, within=5.0, what="the prompt is over, and there is an echo"
        )
        await asyncio.sleep(TALK_S)
        await recording.stop()
        assert not flooding.done()
    heard = Hearing.of_file(path)
    assert heard.between(heard.seconds - TALK_S).seconds_of(ECHO_HZ, above_db=HEARD_DB) > 0.95 * TALK_S
    assert heard.clipping() == []
    assert await flooding > 0.5 * PER_SECOND * SECONDS
    assert len(office.log) - before < MOST_LOG_BYTES
    assert office.answers_options()
