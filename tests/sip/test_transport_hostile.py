"""Octets that are no SIP, on every kind of connection: no error in the log, and the next peer is served."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from b2bua.errors import MalformedMessage
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Headers, Request
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.tls import Tls, TlsFiles
from b2bua.sip.transport.websocket import WebSocketFraming
from tests.harness.certificates import Authority, needs_openssl

RANDOM = Random(7)
OPENINGS = [
    b"",
    b"\r\n" * 50,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + RANDOM.randbytes(60),
    b"INVITE sip:a SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n",
    RANDOM.randbytes(5000),
    b"A" * 100_000,
]


async def throw(hop: Hop, octets: bytes) -> None:
    """Send ``octets`` and leave, or be thrown out."""
    reader, writer = await asyncio.open_connection(hop.host, hop.port)
    try:
        writer.write(octets)
        await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(5):
            while await reader.read(4096):
                pass
    except OSError:
        pass  # cut off: as it should be
    finally:
        writer.transport.abort()


@needs_openssl
@pytest.mark.parametrize("kind", ["tcp", "tls", "ws", "wss"])
async def test_garbage_leaves_no_trace_and_the_next_peer_is_served(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    files = TlsFiles(*authority.issue("bob", "IP:127.0.0.1"), authority.certificate)
    tls = await Tls.load(files)
    alice, bob = SipEndpoint(user_agent="alice"), SipEndpoint(user_agent="bob")
    bob.on_request = lambda server: server.respond(200) and None
    try:
        await alice.listen_stream(kind, "127.0.0.1", 0, tls=tls)
        hop = await bob.listen_stream(kind, "127.0.0.1", 0, tls=tls)
        for octets in OPENINGS:
            await throw(hop, octets)
        request = Request("OPTIONS", "sip:bob@localhost", Headers([("From", "<sip:alice@localhost>")]))
        async with asyncio.timeout(10):
            assert (await alice.request(request, hop)).status == 200
    finally:
        await alice.close()
        await bob.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def opened() -> WebSocketFraming:
    """Return the server's end of a WebSocket whose handshake is over."""
    browser = ClientProtocol(parse_uri("ws://office/"), subprotocols=[Subprotocol("sip")])
    browser.send_request(browser.connect())
    framing = WebSocketFraming.accepting()
    framing.feed(b"".join(browser.data_to_send()))
    assert framing.replies().startswith(b"HTTP/1.1 101")
    assert framing.is_open
    return framing


def frame(opcode: Opcode, content: bytes) -> bytes:
    return Frame(opcode, content).serialize(mask=True)


FRAMES = st.builds(frame, st.sampled_from(Opcode), st.binary(max_size=40))


@settings(max_examples=150)
@given(st.booleans(), st.lists(st.one_of(FRAMES, st.binary(max_size=80)), max_size=8))
def test_no_octets_raise_anything_but_malformed_message(is_open: bool, pieces: list[bytes]) -> None:
    framing = opened() if is_open else WebSocketFraming.accepting()
    try:
        for piece in pieces:
            messages = framing.feed(piece)
            assert all(isinstance(message, bytes) for message in messages)
            framing.replies()
    except MalformedMessage:
        framing.replies()
    framing.wrap(b"SIP/2.0 200 OK\r\n\r\n")
