"""Real loopback sockets: UDP with ICMP, TCP with reuse, keep-alive, dead peers (RFC 3261 §18, row F13)."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, parse_message
from b2bua.sip.named_servers import NamedServers
from b2bua.sip.resolver import Resolver
from b2bua.sip.session import Answered, OutgoingInvite, Refused, Session
from b2bua.sip.transport import stream
from b2bua.sip.transport.addressing import source_of_connections
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.stream import StreamTransport
from tests.harness.dns import nameserver
from tests.harness.effort import sooner_than
from tests.sip.phones import ANSWER, OFFER, Answerer


@asynccontextmanager
async def two(transport: str, host: str = "127.0.0.1") -> AsyncIterator[tuple[SipEndpoint, SipEndpoint, Hop]]:
    """Give a caller, a callee and the callee's address, both on ephemeral ports."""
    alice, bob = SipEndpoint(user_agent="alice"), SipEndpoint(user_agent="bob")
    try:
        await getattr(alice, f"listen_{transport}")(host, 0)
        yield alice, bob, await getattr(bob, f"listen_{transport}")(host, 0)
    finally:
        await alice.close()
        await bob.close()


def ring(alice: SipEndpoint, hop: Hop) -> OutgoingInvite:
    uri = f"sip:bob@{hop.authority}" + (";transport=tcp" if hop.transport == "tcp" else "")
    return alice.invite(uri=uri, hop=hop, from_=NameAddr.parse("<sip:alice@localhost>"), offer=OFFER)


async def answered(invite: OutgoingInvite) -> Answered:
    async with asyncio.timeout(5):
        while not isinstance(event := await invite.next_event(), Answered):
            assert not isinstance(event, Refused), event
    return event


@pytest.mark.parametrize(("transport", "host"), [("udp", "127.0.0.1"), ("udp", "::1"), ("tcp", "127.0.0.1")])
async def test_a_call_over_real_sockets(transport: str, host: str) -> None:
    async with two(transport, host) as (alice, bob, hop):
        answerer = Answerer(bob)
        event = await answered(ring(alice, hop))
        assert event.body == ANSWER
        assert await event.session.reinvite(OFFER) == ANSWER
        answerer.sessions[0].bye()
        async with asyncio.timeout(5):
            assert (await event.session.ended).by == "remote"
            await answerer.sessions[0].closed


async def test_f13_an_icmp_error_fails_its_own_destination_in_milliseconds_and_no_other() -> None:
    async with two("udp") as (alice, bob, hop):
        answerer = Answerer(bob)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            dead = Hop("udp", "127.0.0.1", closed.getsockname()[1])
        doomed, fine = ring(alice, dead), ring(alice, hop)
        refused = await sooner_than(0.5, doomed.next_event())
        assert isinstance(refused, Refused)
        assert (refused.status, refused.is_local) == (503, True)
        (await answered(fine)).session.bye()
        async with asyncio.timeout(5):
            await answerer.sessions[0].ended


async def test_rfc3261_18_2_2_tcp_responses_use_the_connection_and_requests_reuse_it() -> None:
    async with two("tcp") as (alice, bob, hop):
        Answerer(bob)
        transport = next(iter(bob._layer.transports))
        assert isinstance(transport, StreamTransport)
        sessions = [(await answered(ring(alice, hop))).session for _ in range(3)]
        assert transport.connections == 1
        assert all([await session.reinvite(OFFER) == ANSWER for session in sessions])
        assert transport.connections == 1


async def test_rfc3261_18_1_1_connections_come_from_the_address_that_via_names() -> None:
    async with two("tcp", "127.0.0.2") as (alice, bob, hop):
        sources: list[Hop] = []
        bob.on_request = lambda server: sources.append(server.source) or (server.respond(200) and None)  # type: ignore[func-returns-value]
        response = await alice.request(Request("OPTIONS", f"sip:{hop.authority}"), hop, deadline_s=5)
        assert response.status == 200
        assert [source.host for source in sources] == [response.via.host] == ["127.0.0.2"]
    alone, open_to_all = Hop("tcp", "127.0.0.2", 5060), Hop("tcp", "0.0.0.0", 5060)
    assert source_of_connections(alone, Hop("tcp", "192.0.2.1", 5060)) is None
    assert source_of_connections(open_to_all, hop) is None


@pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux")
async def test_f13_a_connection_that_a_router_has_forgotten_is_noticed_in_seconds() -> None:
    async with two("tcp") as (alice, bob, hop):
        bob.on_request = lambda server: server.respond(200) and None
        await alice.request(Request("OPTIONS", f"sip:{hop.authority}"), hop, deadline_s=5)
        for end in (alice, bob):
            transport = next(iter(end._layer.transports))
            assert isinstance(transport, StreamTransport)
            [connection] = transport._connections.values()
            assert connection._pipe is not None
            sock = connection._pipe.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 90


async def test_rfc3261_18_2_2_a_response_whose_connection_is_gone_opens_one_to_sent_by() -> None:
    bob = SipEndpoint(user_agent="bob")
    hop = await bob.listen_tcp("127.0.0.1", 0)
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    waiting: asyncio.Queue[object] = asyncio.Queue()
    bob.on_request = waiting.put_nowait

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with asyncio.timeout(5), server:
        sent_by = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        _, writer = await asyncio.open_connection(hop.host, hop.port)
        writer.write(options(f"SIP/2.0/TCP {sent_by};branch=z9hG4bKx").to_bytes())
        request = await waiting.get()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
        request.respond(200)  # type: ignore[attr-defined]
        assert (await arrived).startswith(b"SIP/2.0 200 OK")
    await bob.close()


async def call_and_vanish(bob: SipEndpoint, hop: Hop, contact: str) -> Session:
    """Let a peer call ``bob`` over a connection, acknowledge the answer, and close the connection."""
    answerer = Answerer(bob)
    reader, writer = await asyncio.open_connection(hop.host, hop.port)
    invite = Request("INVITE", "sip:bob@b", options(PRIVATE_VIA).headers, OFFER)
    for name, value in (("CSeq", "1 INVITE"), ("Contact", contact), ("Content-Type", "application/sdp")):
        invite.headers.put(name, value)
    writer.write(invite.to_bytes())
    while not (head := await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200"):
        pass
    ack = invite.copy()
    ack.method, ack.body = "ACK", b""
    ack.headers.put("CSeq", "1 ACK")
    ack.headers.put("To", parse_message(head).headers.get("To") or "")
    ack.headers.put("Via", PRIVATE_VIA.replace("bKx", "bKack"))
    writer.write(ack.to_bytes())
    [session] = answerer.sessions
    while not session.is_confirmed:
        await asyncio.sleep(0.005)
    writer.close()
    await writer.wait_closed()
    while bob.is_connected(session.dialog.flow):
        await asyncio.sleep(0.005)
    return session


async def test_rfc5626_4_3_a_call_goes_on_over_the_connection_by_which_a_phone_registered_anew() -> None:
    bob = SipEndpoint(user_agent="bob")
    hop = await bob.listen_tcp("127.0.0.1", 0)
    async with asyncio.timeout(5):
        contact = "sip:phone@192.168.77.5:5060;transport=tcp"
        session = await call_and_vanish(bob, hop, f"<{contact}>")
        reader, writer = await asyncio.open_connection(hop.host, hop.port)
        writer.write(options(PRIVATE_VIA.replace("bKx", "bKy")).to_bytes())
        await reader.readuntil(b"\r\n\r\n")
        bob.current_flow = {contact: Hop("tcp", *writer.get_extra_info("sockname"))}.get
        session.bye()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"BYE sip:phone@192.168.77.5:5060")
        writer.close()
    await bob.close()


async def test_rfc3263_4_a_call_goes_on_at_the_server_that_a_carrier_names() -> None:
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    bob = SipEndpoint(user_agent="bob")
    zone = {("sbc.carrier.example", "A"): ["127.0.0.9", "127.0.0.1"]}
    sbc = await asyncio.start_server(take, "127.0.0.1", 0)
    async with asyncio.timeout(5), sbc, nameserver(zone) as dns, asyncio.TaskGroup() as group:
        bob.servers = NamedServers(Resolver([dns.address]), group.create_task)
        hop = await bob.listen_tcp("127.0.0.1", 0)
        contact = f"sip:us@sbc.carrier.example:{sbc.sockets[0].getsockname()[1]};transport=tcp"
        session = await call_and_vanish(bob, hop, f"<{contact}>")
        named = session.dialog.named_server
        assert named is not None
        while bob.servers.hop(named, like=session.dialog.flow) is None:
            await asyncio.sleep(0.005)
        session.bye()
        assert (await arrived).startswith(f"BYE {contact} SIP/2.0".encode())
    await bob.close()


PRIVATE_VIA = "SIP/2.0/TCP 192.168.77.5:5060;branch=z9hG4bKx"


def options(via: str) -> Request:
    lines = [
        ("Via", via),
        ("Max-Forwards", "70"),
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:b@b>"),
        ("Call-ID", "1"),
        ("CSeq", "1 OPTIONS"),
    ]
    return Request("OPTIONS", "sip:b@b", Headers(lines))


async def test_rfc5626_3_5_1_a_keep_alive_is_answered_and_messages_may_come_in_pieces() -> None:
    bob = SipEndpoint(user_agent="bob")
    bob.on_request = lambda server: server.respond(200) and None
    hop = await bob.listen_tcp("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(hop.host, hop.port)
    async with asyncio.timeout(5):
        writer.write(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"\r\n"
        wire = options("SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bKx").to_bytes()
        for start in range(0, len(wire), 50):
            writer.write(wire[start : start + 50])
            await writer.drain()
            await asyncio.sleep(0)
        response = parse_message(await reader.readuntil(b"\r\n\r\n"))
        assert response.start_line() == "SIP/2.0 200 OK"
        writer.write(wire.replace(b"9hG4bKx", b"9hG4bKy") + b"GET / HTTP/1.1\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200 OK")
        assert await reader.read() == b""  # no Content-Length: the connection cannot go on
    writer.close()
    await bob.close()


async def test_f13_a_refused_and_a_silent_tcp_peer_fail_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "CONNECT_TIMEOUT_S", 0.2)
    async with two("tcp") as (alice, _bob, _hop):
        with socket.socket() as full:  # a backlog that is full drops every further SYN
            full.bind(("127.0.0.1", 0))
            refusing = ring(alice, Hop("tcp", "127.0.0.1", full.getsockname()[1]))
            async with asyncio.timeout(5):
                refused = await refusing.next_event()
            assert isinstance(refused, Refused)
            assert refused.status == 503
            full.listen(0)
            blockers = [socket.socket() for _ in range(3)]
            for blocker in blockers:
                blocker.setblocking(False)
                blocker.connect_ex(full.getsockname())
            async with asyncio.timeout(5):
                refused = await ring(alice, Hop("tcp", *full.getsockname())).next_event()
            assert isinstance(refused, Refused)
            for blocker in blockers:
                blocker.close()


async def test_an_endpoint_on_every_address_says_the_one_its_peer_can_reach() -> None:
    alice = SipEndpoint(user_agent="alice")
    hop = await alice.listen_udp("0.0.0.0", 0, advertised="198.51.100.7")
    assert alice.local_hop(Hop("udp", "127.0.0.1", 5060)) == Hop("udp", "127.0.0.1", hop.port)
    assert alice.local_hop(Hop("udp", "8.8.8.8", 5060)) == Hop("udp", "198.51.100.7", hop.port)
    await alice.close()
