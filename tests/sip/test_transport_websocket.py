"""SIP over WebSocket on loopback (RFC 7118): browsers that call and are called, and who is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from b2bua.errors import MalformedMessage
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, Response, parse_message, response_to
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session import Answered, Refused
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.origins import Origins
from b2bua.sip.transport.tls import Tls, TlsFiles
from b2bua.sip.transport.websocket import WebSocketFraming
from tests.harness.certificates import Authority, needs_openssl
from tests.sip.phones import ANSWER, OFFER, Answerer

SIP = Subprotocol("sip")
CONTACT = "sip:x7k2@d93jslq0.invalid;transport=ws"


@asynccontextmanager
async def office(
    kind: str = "ws", tls: Tls | None = None, *, origins: Origins | None = None
) -> AsyncIterator[tuple[SipEndpoint, Hop]]:
    """Give an endpoint that listens for browsers, and its address."""
    bob = SipEndpoint(user_agent="bob")
    bob.on_request = lambda server: server.respond(200) and None
    try:
        yield bob, await bob.listen_stream(kind, "127.0.0.1", 0, tls=tls, origins=origins)
    finally:
        await bob.close()


def message(method: str, *, cseq: int = 1, body: bytes = b"") -> Request:
    lines = [
        ("Via", f"SIP/2.0/WS d93jslq0.invalid;branch=z9hG4bK{method}{cseq};rport"),
        ("Max-Forwards", "70"),
        ("From", "<sip:x@office>;tag=1"),
        ("To", "<sip:y@office>"),
        ("Call-ID", "1"),
        ("CSeq", f"{cseq} {method}"),
        ("Contact", f"<{CONTACT}>"),
    ]
    if body:
        lines.append(("Content-Type", "application/sdp"))
    return Request(method, "sip:y@office", Headers(lines), body)


def text(sip: Request | Response) -> str:
    return sip.to_bytes().decode()


def parsed(received: str | bytes) -> Request | Response:
    return parse_message(received.encode() if isinstance(received, str) else received)


@pytest.mark.parametrize("sent_as", ["text", "octets", "fragments"])
async def test_rfc7118_5_a_message_is_one_websocket_message_and_is_answered_over_it(sent_as: str) -> None:
    async with office() as (_, hop), connect(f"ws://{hop.authority}", subprotocols=[SIP]) as browser:
        assert browser.subprotocol == "sip"
        options = text(message("OPTIONS"))
        ways = {"text": options, "octets": options.encode(), "fragments": [options[:9], options[9:]]}
        async with asyncio.timeout(5):
            await browser.send(ways[sent_as])
            answer = parsed(await browser.recv())
        assert isinstance(answer, Response)
        assert answer.status == 200
        assert answer.via.received == "127.0.0.1"


async def test_rfc7118_4_1_who_does_not_offer_sip_and_who_is_no_browser_is_refused() -> None:
    async with office() as (_, hop):
        for protocols in ([], [Subprotocol("chat")]):
            with pytest.raises(InvalidStatus, match="400"):
                await connect(f"ws://{hop.authority}", subprotocols=protocols)
        reader, writer = await asyncio.open_connection(hop.host, hop.port)
        writer.write(text(message("OPTIONS")).encode())
        async with asyncio.timeout(5):
            assert b"200 OK" not in await reader.read()
        writer.close()


async def test_rfc7118_6_keep_alives_are_answered_and_a_message_that_is_too_large_closes() -> None:
    async with office() as (_, hop), connect(f"ws://{hop.authority}", subprotocols=[SIP]) as browser:
        async with asyncio.timeout(5):
            await browser.send("\r\n\r\n")
            assert await browser.recv() == "\r\n"
            await (await browser.ping())
            await browser.send("x" * 70_000)
            with pytest.raises(ConnectionClosed):
                await browser.recv()


async def test_rfc7118_5_a_browser_is_called_over_its_own_connection_whatever_its_contact_says() -> None:
    async with office() as (bob, hop), connect(f"ws://{hop.authority}", subprotocols=[SIP]) as browser:
        registered: asyncio.Future[ServerRequest] = asyncio.get_running_loop().create_future()
        bob.on_request = registered.set_result
        async with asyncio.timeout(5):
            await browser.send(text(message("REGISTER")))
            flow = (await registered).source
            registered.result().respond(200)
            await browser.recv()
            invite = bob.invite(uri=CONTACT, hop=flow, from_=NameAddr.parse("<sip:y@office>"), offer=OFFER)
            request = parsed(await browser.recv())
            assert isinstance(request, Request)
            assert request.via.transport == "WS"
            assert f"{hop.authority};transport=ws>" in str(request.contact)
            answer = response_to(request, 200, to_tag="7")
            answer.headers.add("Contact", f"<{CONTACT}>")
            answer.headers.add("Content-Type", "application/sdp")
            answer.body = ANSWER
            await browser.send(text(answer))
            event = await invite.next_event()
            assert isinstance(event, Answered)
            assert parsed(await browser.recv()).start_line().startswith("ACK")
            event.session.bye()
            bye = parsed(await browser.recv())
            assert isinstance(bye, Request)
            assert (bye.method, bye.uri) == ("BYE", CONTACT)
            await browser.send(text(response_to(bye, 200)))
            await event.session.closed


async def test_a_browser_that_is_gone_is_known_as_such_at_once_and_takes_its_call_with_it() -> None:
    async with office() as (bob, hop):
        answerer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        bob.on_invite = answerer.set_result
        async with asyncio.timeout(5):
            async with connect(f"ws://{hop.authority}", subprotocols=[SIP]) as browser:
                await browser.send(text(message("INVITE", body=OFFER)))
                waiting = await answerer
                waiting.progress(180)  # type: ignore[attr-defined]
                flow = waiting.source  # type: ignore[attr-defined]
            ending = await waiting.ended  # type: ignore[attr-defined]
            assert ending.by == "network"
            invite = bob.invite(uri=CONTACT, hop=flow, from_=NameAddr.parse("<sip:y@office>"), offer=OFFER)
            refused = await invite.next_event()
        assert isinstance(refused, Refused)
        assert (refused.status, refused.reason, refused.is_local) == (503, "the browser is gone", True)


@needs_openssl
@pytest.mark.parametrize("kind", ["ws", "wss"])
async def test_we_call_websocket_servers_as_well(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    files = TlsFiles(*authority.issue("bob", "DNS:office.example"), authority.certificate)
    tls = await Tls.load(files)
    async with office(kind, tls) as (bob, hop), office(kind, tls) as (alice, _):
        answerer = Answerer(bob)
        named = Hop(kind, hop.host, hop.port, "office.example")
        invite = alice.invite(
            uri="sip:bob@office.example", hop=named, from_=NameAddr.parse("<sip:alice@a>"), offer=OFFER
        )
        async with asyncio.timeout(10):
            while not isinstance(event := await invite.next_event(), Answered):
                assert not isinstance(event, Refused), event
            answerer.sessions[0].bye()
            await event.session.ended


def test_rfc7118_6_a_keep_alive_right_before_the_end_needs_no_answer() -> None:
    framing, client = WebSocketFraming.accepting(), ClientProtocol(parse_uri("ws://b/"), subprotocols=[SIP])
    client.send_request(client.connect())
    framing.feed(b"".join(client.data_to_send()))
    client.receive_data(framing.replies())
    client.send_text(b"\r\n\r\n")
    client.send_close()
    assert framing.feed(b"".join(client.data_to_send())) == []  # both in one piece, as found by fuzzing
    assert framing.is_over


@pytest.mark.parametrize("offered", ["sip", "chat"])
def test_rfc6455_4_1_frames_that_do_not_wait_for_our_handshake_are_read_after_it(offered: str) -> None:
    handshake = (
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: %b\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    ) % offered.encode()
    client = ClientProtocol(parse_uri("ws://b/"))
    client.state = State.OPEN
    client.send_text(b"hello")
    client.send_close()
    wire = handshake + b"".join(client.data_to_send())
    for cut in range(len(handshake) - 5, len(wire)):
        framing = WebSocketFraming.accepting()
        if offered == "sip":
            assert framing.feed(wire[:cut]) + framing.feed(wire[cut:]) == [b"hello"]
            assert framing.replies().startswith(b"HTTP/1.1 101")
        else:
            with pytest.raises(MalformedMessage):
                framing.feed(wire + b"\xff\xff")
            assert b" 400 " in framing.replies().partition(b"\r\n")[0]
    assert framing.is_over or offered == "chat"


def handshake(*lines: str) -> bytes:
    usual = (
        "GET / HTTP/1.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Protocol: sip",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join((*usual, *lines, "", "")).encode()


OWN = ("office.example", "192.0.2.1", "2001:db8::1")
PAGES = Origins(["https://crm.example", "https://www.crm.example:8443", "null"], hosts=OWN)


@pytest.mark.parametrize(
    ("host", "origin", "is_welcome"),
    [
        ("office.example:8089", None, True),  # no browser
        ("office.example:8089", "https://office.example", True),
        ("192.0.2.1:8088", "http://192.0.2.1:8080", True),
        ("[2001:db8::1]:8088", "http://[2001:db8::1]", True),
        ("192.0.2.77:8088", "http://192.0.2.77", True),  # an address cannot be made to lead elsewhere
        ("127.0.0.1:8088", "http://localhost:3000", True),
        ("office.example:8089", "https://CRM.example:443", True),
        ("office.example:8089", "https://www.crm.example:8443", True),
        ("office.example:8089", "null", True),
        ("office.example:8089", "https://evil.example", False),
        ("office.example:8089", "https://office.example.evil.example", False),
        ("office.example:8089", "https://www.crm.example", False),
        ("evil.example:8088", "http://evil.example:8088", False),  # a name that leads here of a sudden
        ("192.0.2.1", "http://192.0.2.2", False),
        ("office.example", "", False),
        ("office.example", "http://[", False),
    ],
)
def test_rfc6455_10_2_a_page_of_another_site_is_refused_by_403(
    host: str, origin: str | None, *, is_welcome: bool
) -> None:
    framing = WebSocketFraming.accepting(PAGES)
    wire = handshake(f"Host: {host}", *([f"Origin: {origin}"] if origin is not None else []))
    if is_welcome:
        assert framing.feed(wire) == []
        assert framing.is_open
        assert framing.replies().startswith(b"HTTP/1.1 101")
    else:
        with pytest.raises(MalformedMessage):
            framing.feed(wire)
        assert framing.replies().startswith(b"HTTP/1.1 403")
        assert not framing.is_open


async def test_rfc6455_10_2_the_office_is_told_once_which_page_was_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with office(origins=PAGES) as (_, hop):
        for _ in range(2):
            with pytest.raises(InvalidStatus, match="403"):
                await connect(
                    f"ws://{hop.authority}", subprotocols=[SIP], origin=Origin("http://stranger.example")
                )
    [line] = [record.getMessage() for record in caplog.records if "web page" in record.getMessage()]
    assert "http://stranger.example" in line
    assert "ws-origins" in line
