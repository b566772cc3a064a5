"""What one peer may cost us: slow, idle, many connections; and which of several addresses a peer sees."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from b2bua.sip import layer
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request
from b2bua.sip.session import Answered, Refused
from b2bua.sip.transport.addressing import network_of
from b2bua.sip.transport.connection import StreamLimits
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.stream import StreamTransport
from b2bua.sip.transport.udp import UdpTransport
from tests.sip.phones import OFFER, Answerer

MOST_UNREAD = 2000
"""Answers of 30 kB: what the kernel keeps of them for a peer that does not read is a few MiB."""
LARGE = (("X-Padding", "x" * 1300),)


@asynccontextmanager
async def listening(limits: StreamLimits) -> AsyncIterator[tuple[StreamTransport, Hop]]:
    bob = SipEndpoint(user_agent="bob")
    bob.on_request = lambda server: server.respond(200) and None
    transport = await StreamTransport.bind("127.0.0.1", 0, limits=limits)
    try:
        yield transport, bob.attach(transport)
    finally:
        await bob.close()


def options(number: int = 1) -> bytes:
    lines = [
        ("Via", f"SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bK{number}"),
        ("Max-Forwards", "70"),
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:b@b>"),
        ("Call-ID", "1"),
        ("CSeq", f"{number} OPTIONS"),
    ]
    return Request("OPTIONS", "sip:b@b", Headers(lines)).to_bytes()


async def seconds_until_closed(reader: asyncio.StreamReader, *, since: float) -> float:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):  # octets that nobody read make it a reset
            while await reader.read(1000):
                pass
    return loop.time() - since


async def test_a_connection_that_says_nothing_is_closed_and_one_that_spoke_lives_on_until_it_is_idle() -> (
    None
):
    async with listening(StreamLimits(first_message_s=0.5, idle_s=1.2)) as (_, hop):
        began = asyncio.get_running_loop().time()
        silent, silent_writer = await asyncio.open_connection(hop.host, hop.port)
        speaking, writer = await asyncio.open_connection(hop.host, hop.port)
        writer.write(options())
        closed_after = await asyncio.gather(
            *(seconds_until_closed(each, since=began) for each in (silent, speaking))
        )
        assert 0.4 < closed_after[0] < closed_after[1]
        assert closed_after[1] > 1.1
        silent_writer.close()
        writer.close()


async def test_a_message_that_trickles_in_wins_no_time_by_each_octet() -> None:
    async with listening(StreamLimits(message_s=0.3)) as (_, hop):
        reader, writer = await asyncio.open_connection(hop.host, hop.port)
        writer.write(options(1))
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")

        async def trickle() -> None:
            for octet in options(2):
                writer.write(bytes([octet]))
                await asyncio.sleep(0.02)

        began = asyncio.get_running_loop().time()
        task = asyncio.create_task(trickle())
        assert 0.2 < await seconds_until_closed(reader, since=began) < 3
        task.cancel()
        writer.close()


async def test_one_source_may_open_only_so_many_connections_and_closed_ones_do_not_count() -> None:
    async with listening(StreamLimits(connections_of_source=2)) as (transport, hop):
        _, first_writer = await asyncio.open_connection(hop.host, hop.port)
        _, second_writer = await asyncio.open_connection(hop.host, hop.port)
        refused, refused_writer = await asyncio.open_connection(hop.host, hop.port)
        async with asyncio.timeout(5):
            assert await _ended(refused)
            first_writer.close()
            await first_writer.wait_closed()
            while transport.connections > 1:
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection(hop.host, hop.port)
            writer.write(options())
            assert (await reader.readuntil(b"\r\n")).startswith(b"SIP/2.0 200")
        for one in (second_writer, refused_writer, writer):
            one.close()


async def test_all_sources_together_may_open_only_so_many_connections() -> None:
    async with listening(StreamLimits(connections=2)) as (transport, hop):
        writers = [
            (await asyncio.open_connection(hop.host, hop.port, local_addr=(f"127.0.0.{last}", 0)))[1]
            for last in (2, 3)
        ]
        refused, refused_writer = await asyncio.open_connection(
            hop.host, hop.port, local_addr=("127.0.0.4", 0)
        )
        async with asyncio.timeout(5):
            assert await _ended(refused)
        assert transport.connections == 2
        for one in (*writers, refused_writer):
            one.close()


async def test_a_peer_that_does_not_read_what_it_is_sent_is_cut_off() -> None:
    bob = SipEndpoint(user_agent="bob")
    bob.on_request = lambda server: server.respond(200, headers=(("X-Long", "y" * 30_000),)) and None
    transport = await StreamTransport.bind("127.0.0.1", 0, limits=StreamLimits(unsent_bytes=50_000))
    hop = bob.attach(transport)
    reader, writer = await asyncio.open_connection(hop.host, hop.port)
    try:
        for number in range(3):  # who reads keeps the connection
            writer.write(options(number))
            assert len(await reader.readuntil(b"\r\n\r\n")) > 30_000
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        number = 3
        while transport.connections and number < MOST_UNREAD:
            number += 1
            writer.write(options(number))
            await asyncio.sleep(0)
        assert transport.connections == 0
        assert number > 4
    finally:
        writer.transport.abort()
        await bob.close()


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def answered(alice: SipEndpoint, hop: Hop, **extra: object) -> Answered:
    invite = alice.invite(
        uri=f"sip:bob@{hop.authority}",
        hop=hop,
        from_=NameAddr.parse("<sip:alice@localhost>"),
        offer=OFFER,
        **extra,  # type: ignore[arg-type]
    )
    async with asyncio.timeout(5):
        while not isinstance(event := await invite.next_event(), Answered):
            assert not isinstance(event, Refused), event
    return event


@pytest.mark.parametrize("has_tcp", [True, False])
async def test_rfc3261_18_1_1_a_large_request_goes_by_tcp_and_by_udp_where_tcp_is_refused(
    has_tcp: bool,
) -> None:
    alice, bob = SipEndpoint(user_agent="alice"), SipEndpoint(user_agent="bob")
    await alice.listen_udp("127.0.0.1", 0)
    await alice.listen_tcp("127.0.0.1", 0)
    hop = await bob.listen_udp("127.0.0.1", 0)
    if has_tcp:
        await bob.listen_tcp("127.0.0.1", hop.port)
    answerer = Answerer(bob)
    try:
        for number in range(2):
            event = await answered(alice, hop, headers=LARGE)
            assert answerer.invites[number].request.via.transport == ("TCP" if has_tcp else "UDP")
            event.session.bye()
            async with asyncio.timeout(5):
                await event.session.closed
        small = await answered(alice, hop)
        assert answerer.invites[2].request.via.transport == "UDP"
        small.session.bye()
    finally:
        await alice.close()
        await bob.close()


async def test_rfc3261_18_1_1_a_peer_that_drops_tcp_gets_its_large_request_by_udp_a_moment_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layer, "SWITCH_S", 0.1)
    alice, bob = SipEndpoint(user_agent="alice"), SipEndpoint(user_agent="bob")
    await alice.listen_udp("127.0.0.1", 0)
    await alice.listen_tcp("127.0.0.1", 0)
    hop = await bob.listen_udp("127.0.0.1", 0)
    answerer = Answerer(bob)
    transport = next(one for one in alice._layer.transports if isinstance(one, StreamTransport))

    opened = []

    async def never(to: Hop) -> None:
        opened.append(to)
        await asyncio.Event().wait()

    monkeypatch.setattr(transport, "_open", never)
    try:
        async with asyncio.timeout(2):
            for _ in range(2):
                event = await answered(alice, hop, headers=LARGE)
                event.session.bye()
                await event.session.closed
        assert [invite.request.via.transport for invite in answerer.invites] == ["UDP", "UDP"]
        assert len(opened) == 1  # and then it is known
    finally:
        await alice.close()
        await bob.close()


async def test_with_several_addresses_each_peer_sees_the_one_that_it_can_reach_and_was_heard_by() -> None:
    bob, alice = SipEndpoint(user_agent="bob"), SipEndpoint(user_agent="alice")
    bob.on_request = lambda server: server.respond(200) and None
    try:
        await alice.listen_udp("127.0.0.1", 0)
        other = await bob.listen_udp("127.0.0.2", 0)
        first = await bob.listen_udp("127.0.0.1", 0)
        second = await bob.listen_udp("127.0.0.1", 0)
        six = await bob.listen_udp("::1", 0)
        peer = next(iter(alice._layer.transports)).local
        assert bob.local_hop(peer) == first
        assert bob.local_hop(Hop("udp", "::1", 5060)) == six
        assert bob.local_hop(Hop("udp", "127.0.0.2", 5060)) == first
        async with asyncio.timeout(5):
            request = Request("OPTIONS", "sip:bob@localhost", Headers([("From", "<sip:alice@localhost>")]))
            assert (await alice.request(request, second)).status == 200
        bob._local_hops.clear()
        assert bob.local_hop(peer) == second
        assert other.host == "127.0.0.2"
    finally:
        await alice.close()
        await bob.close()


async def test_ipv4_and_ipv6_listen_on_the_same_port_side_by_side() -> None:
    four = await UdpTransport.bind("0.0.0.0", 0)
    six = await UdpTransport.bind("::", four.local.port)
    assert (six.local.host, six.local.port) == ("::", four.local.port)
    await four.close()
    await six.close()


async def test_a_public_address_is_told_to_peers_of_its_own_family_only() -> None:
    alice = SipEndpoint(user_agent="alice")
    try:
        await alice.listen_udp("::1", 0, advertised="198.51.100.7")
        assert alice.local_hop(Hop("udp", "2001:4860::8888", 5060)).host == "::1"
    finally:
        await alice.close()


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::5%eth0", "fe80::/64"),
        ("no::address::at::all", "no::address::at::all"),
    ],
)
def test_rfc4291_2_5_4_all_addresses_of_an_ipv6_network_are_one_source(host: str, network: str) -> None:
    assert network_of(host) == network
