from __future__ import annotations

import asyncio
import socket

import pytest

from b2bua.sip.transport.hop import Hop, Transport
from b2bua.sip.transport.udp import UdpTransport

uvloop = pytest.importorskip("uvloop")


class Ear:
    """Keeps what a transport tells."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.failed: asyncio.Queue[Hop] = asyncio.Queue()

    def receive(self, wire: bytes, source: Hop, transport: Transport) -> None:
        self.heard.put_nowait(wire)

    def destination_failed(self, hop: Hop, why: str, *, is_final: bool = True) -> None:
        self.failed.put_nowait(hop)


def test_uvloop_still_hears_after_a_port_was_unreachable() -> None:
    """libuv stops watching a socket for good once it reported an error on it."""
    uvloop.run(hear_after_an_error())


async def hear_after_an_error() -> None:
    ear = Ear()
    transport = await UdpTransport.bind("127.0.0.1", 0)
    transport.attach(ear)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        dead = Hop("udp", "127.0.0.1", closed.getsockname()[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for turn in range(3):
            transport.send(b"anybody?", dead)
            async with asyncio.timeout(5):
                assert await ear.failed.get() == dead
            peer.sendto(b"turn %d" % turn, (transport.local.host, transport.local.port))
            async with asyncio.timeout(5):
                assert await ear.heard.get() == b"turn %d" % turn
    await transport.close()
