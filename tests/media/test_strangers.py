"""Packets of strangers to the ports of the real worker: nobody hears them, and no recording has them."""

from __future__ import annotations

import asyncio
import itertools
import socket
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import numpy as np
import pytest

from media.client import Silence
from media.dtmf import encode_digit
from media.endpoint import Address, Latch
from media.rtp import RtpPacket
from tests.harness.hearing import Hearing
from tests.harness.ports import media_ports
from tests.media.engines import until, worker
from tests.media.udp_peer import UdpPeer

QUIET, LOUD = b"\xd5" * 160, b"\x2a" * 160
EVENT = 101
OUR_REPORT = bytes.fromhex("80c80006") + bytes(24)


class Spray:
    """Somebody who sends to each port of the range, even and odd, whatever might be taken for sound."""

    def __init__(self, source: UdpPeer, victims: list[UdpPeer], ports: tuple[int, int]) -> None:
        self.source = source
        self.ports = range(ports[0], ports[1] + 1)
        self.ssrcs = [victim.address[1] for victim in victims] + [0xDEADBEEF]
        self.sequences = itertools.count(100)

    def once(self) -> None:
        for port in self.ports:
            for ssrc in self.ssrcs:
                sequence = next(self.sequences)
                loud = RtpPacket(8, sequence, 1000 + 160 * sequence, ssrc, False, LOUD)
                digit = RtpPacket(EVENT, sequence, 1000, ssrc, True, encode_digit("5")[-1].payload)
                for content in (loud.to_bytes(), digit.to_bytes(), b"\x80", OUR_REPORT, b"INVITE sip:"):
                    self.source.udp.sendto(content, ("127.0.0.1", port))


@pytest.mark.parametrize("has_nat", [False, True])
async def test_rfc3550_9_strangers_with_right_and_wrong_ssrc_change_nothing_before_and_after_the_first_packet(
    tmp_path: Path, has_nat: bool
) -> None:
    ports = media_ports(8)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(worker(ports=ports))
        anna, bob, neighbour = (stack.enter_context(UdpPeer()) for _ in range(3))
        stranger = stack.enter_context(UdpPeer(host="127.0.0.2"))
        a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
        digits: list[str] = []
        a.on_digit = b.on_digit = digits.append
        a.connect(anna.agreement(), allows_nat=has_nat)
        b.connect(bob.agreement(), allows_nat=has_nat)
        a.bridge(b)
        recording = a.record(tmp_path / "anna.wav")
        assert await a.play([Silence(0.02)]).finished()  # by then the worker has taken all orders
        anna.listen()
        anna.heard.clear()
        sprays = [Spray(stranger, [anna, bob], ports), Spray(neighbour, [anna, bob], ports)]
        for spray in sprays:
            spray.once()
        await asyncio.sleep(0.05)
        for number in range(50):
            anna.send(QUIET, a.address)
            bob.send(QUIET, b.address)
            if number in (10, 20, 30):
                await until(lambda: a.is_heard and b.is_heard)
                for spray in sprays:
                    spray.once()
            await asyncio.sleep(0.005)
        await until(lambda: len(bob.listen()) >= 50 and len(anna.listen()) >= 50)
        summary = await recording.stop()
        await a.close()
        await b.close()
        assert stranger.listen() == neighbour.listen() == []
    for peer in (anna, bob):
        packets = [packet for _, packet in peer.heard]
        assert [packet.payload for packet in packets] == [QUIET] * 50
        assert {
            (after.sequence - before.sequence) & 0xFFFF for before, after in itertools.pairwise(packets)
        } == {1}
        assert len({packet.ssrc for packet in packets}) == 1
    assert digits == []
    assert summary.seconds == pytest.approx(1.0)
    assert len(np.unique(Hearing.of_file(tmp_path / "anna.wav").pcm)) == 1
    assert (a.statistics["packets"], b.statistics["packets"]) == (50, 50)
    assert (a.source, b.source) == (None, None)


async def test_rfc3246_sound_and_reports_leave_as_expedited_forwarding() -> None:
    async with worker() as engine:
        with UdpPeer() as anna:
            anna.udp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            leg = await engine.open_leg()
            leg.connect(anna.agreement())
            leg.play([Silence(1.0)], loop=True)
            classes = set()
            async with asyncio.timeout(5):
                while not classes:
                    await asyncio.sleep(0.02)
                    with suppress(BlockingIOError):
                        _, ancillary, _, _ = anna.udp.recvmsg(2048, 128)
                        classes |= {value[0] >> 2 for _, kind, value in ancillary if kind == socket.IP_TOS}
            assert classes == {46}


@pytest.mark.parametrize(
    ("peer", "stranger", "every"),
    [
        (("198.51.100.7", 5000), ("192.0.2.66", 6666), 15),
        (("10.0.0.5", 5000), ("10.0.0.5", 6666), 15),
        (("203.0.113.9", 5000), ("203.0.113.9", 6666), 2),
    ],
    ids=["behind NAT", "another port", "where its signalling is"],
)
def test_a_stranger_who_sends_now_and_then_does_not_keep_a_peer_on_probation(
    peer: Address, stranger: Address, every: int
) -> None:
    latch = Latch()
    latch.expect(("10.0.0.5", 4000), allows_nat=True, peer_host="203.0.113.9")
    for number in range(30):
        if number % every == 0:
            assert not latch.admits(stranger, number * 0.02)
        latch.admits(peer, number * 0.02)
    assert latch.source == peer
