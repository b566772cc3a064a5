"""Where reports go that are not multiplexed: as the SDP says, and then to where the far end's come from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, cast

import pytest

from media.endpoint import LegPorts
from media.memory import MemoryRtpNetwork
from media.rtp import ReceiverReport, build_rtcp
from media.sdp import LocalMedia, make_answer, make_offer, read_answer
from media.sockets import SocketEndpoint
from tests.harness.clock import virtual_time
from tests.harness.ports import media_ports
from tests.media.engines import engine_on
from tests.media.peer import Peer
from tests.media.udp_peer import UdpPeer

if TYPE_CHECKING:
    from media.leg import Leg

OURS = LocalMedia("198.51.100.1", 10_000, session_id=4711, version=3)
SOUND = bytes([0xD5]) * 160


def described(rtcp: str) -> bytes:
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
    return f"{head}m=audio 4000 RTP/AVP 8\r\n{rtcp}".encode()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a=rtcp:53020\r\n", ("192.0.2.7", 53020)),
        ("a=rtcp:53020 IN IP4 192.0.2.9\r\n", ("192.0.2.9", 53020)),
        ("", None),
        ("a=rtcp:4000\r\n", None),
        ("a=rtcp:0\r\n", None),
        ("a=rtcp:99999\r\n", None),
        ("a=rtcp:53020 IN IP4 224.2.1.1\r\n", None),
        ("a=rtcp:53020 IN IP6 2001:db8::1\r\n", None),
        ("a=rtcp:53020 IN IP4 phone.example\r\n", None),
        ("a=rtcp:\r\n", None),
    ],
)
def test_rfc3605_2_1_the_sdp_says_where_reports_are_received(line: str, told: tuple[str, int] | None) -> None:
    assert make_answer(described(line), OURS)[1].remote_rtcp == told
    assert read_answer(make_offer(OURS), described(line)).remote_rtcp == told


def listen(network: MemoryRtpNetwork, host: str, port: int) -> list[bytes]:
    """Return a list into which goes what is sent to that port."""
    came: list[bytes] = []
    network.bind((host, port), lambda content, _source: came.append(content))
    return came


async def talk(peer: Peer, to: tuple[str, int], seconds: float) -> None:
    for _ in range(round(seconds * 50)):
        peer.send(SOUND, to)
        await asyncio.sleep(0.02)


@virtual_time
async def test_rfc3605_2_1_reports_go_where_the_sdp_says() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    usual, told = listen(network, anna.address[0], 4001), listen(network, anna.address[0], 53020)
    engine = await engine_on(network, random=Random(1))
    leg = await engine.open_leg()
    leg.connect(anna.agreement(remote_rtcp=(anna.address[0], 53020)))
    await talk(anna, leg.address, 8.0)
    assert told
    assert not usual
    await engine.close()


@virtual_time
async def test_rfc4961_4_reports_follow_those_of_the_far_end_and_no_strangers() -> None:
    network = MemoryRtpNetwork()
    inside, phone = Peer(network, 4000, host="192.168.1.7"), Peer(network, 61000, host="203.0.113.9")
    host = phone.address[0]
    usual, mapped = listen(network, host, 61001), listen(network, host, 7777)
    strangers = [listen(network, "10.6.6.6", 4001), listen(network, host, 6666)]
    engine = await engine_on(network, random=Random(1))
    leg = await engine.open_leg()
    to = leg.hosts[0], leg.address[1] + 1
    leg.connect(inside.agreement(), allows_nat=True, peer_host=host)
    await talk(phone, leg.address, 8.0)
    before = len(usual)
    assert before
    for source, ssrc in (((host, 7777), phone.ssrc), (("10.6.6.6", 4001), phone.ssrc), ((host, 6666), 1)):
        network.send(build_rtcp(ReceiverReport(ssrc)), source=source, destination=to)
    await talk(phone, leg.address, 8.0)
    assert mapped
    assert len(usual) == before
    assert strangers == [[], []]
    # Another address is another beginning.
    moved = Peer(network, 4444, host="192.168.1.8")
    anew = listen(network, moved.address[0], 4445)
    leg.connect(moved.agreement(), allows_nat=True, peer_host=host)
    await talk(moved, leg.address, 8.0)
    assert anew
    await engine.close()


class NobodyReads:
    """A poll that calls nobody."""

    def add_reader(self, descriptor: int, callback: Callable[[], None], /) -> None: ...

    def remove_reader(self, descriptor: int, /) -> None: ...


def test_rfc4961_4_reports_follow_on_real_sockets_too() -> None:
    leg = cast("Leg", None)  # nothing is read
    endpoint = SocketEndpoint(("127.0.0.1", media_ports(1)[0]), leg, poll=NobodyReads(), clock=monotonic)
    ports = LegPorts([endpoint], lambda _port: None)
    with UdpPeer() as anna, UdpPeer() as reports:
        reports.udp.settimeout(10)
        ports.aim(anna.address)
        ports.rtcp_remote = reports.address
        ports.lock(anna.address)
        ports.send_rtcp(b"a report")
        assert reports.udp.recv(100) == b"a report"
        ports.aim(anna.address)
        assert ports.rtcp_remote == reports.address
        ports.aim(reports.address)
        assert ports.rtcp_remote is None
    ports.close()
