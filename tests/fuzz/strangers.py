"""Everything in which we read bytes of strangers, one function each; ``read_any`` is all of them.

Each raises only what is a defect of ours: a peer's mistakes are caught by the one class that stands for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from b2bua.errors import MalformedMessage, NotAcceptable
from b2bua.inbound.numbers import read_caller, read_dialled, read_diversions
from b2bua.sip.body import accepts_sdp, session_description
from b2bua.sip.causes import Reason, ending_in_words, telephone_cause
from b2bua.sip.digest import Authorization, Challenge, Credentials, answer, verify
from b2bua.sip.framing import SipFraming
from b2bua.sip.headers import CSeq, NameAddr, Via
from b2bua.sip.message import Request, Response, parse_message, response_to, validate
from b2bua.sip.replaces import Replaces, replaces_of
from b2bua.sip.session.events import retry_after
from b2bua.sip.session.redirection import contacts_of
from b2bua.sip.session.referral import ReferTo
from b2bua.sip.session.reliable import Rack, rseq_of
from b2bua.sip.session_timers import SessionExpires, least_interval, session_expires
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.websocket import WebSocketFraming
from b2bua.sip.uri import SipUri, TelUri, parse_uri
from b2bua.trace.masking import masked
from b2bua.trunk.callerid import diversion_lines
from media.dtmf import EventReceiver, parse_info
from media.errors import MalformedMedia, MediaError
from media.incoming import IncomingStream, plain_size
from media.outgoing import OutgoingStream
from media.reports import Reporter
from media.rtp import RtpPacket, build_rtcp, parse_rtcp
from media.sdp.crypto import SUITES, Crypto, SrtpPolicy, StreamKeys, new_keys
from media.sdp.model import SessionDescription
from media.sdp.negotiate import LocalMedia, make_answer
from media.srtp import SrtpSession

LOCAL = LocalMedia(address="192.0.2.1", port=4000, codecs=("PCMA", "PCMU"), session_id=1, version=1)
PROTECTED = LocalMedia(
    address="192.0.2.1",
    port=4000,
    codecs=("PCMA",),
    session_id=1,
    version=1,
    srtp=SrtpPolicy.BEST_EFFORT,
    crypto=new_keys(bytes),
)
MOST_LINES, LONGEST_LINE = 6, 400
"""As much is tried as a value: the fuzzer shall be quick."""
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
VALUES: tuple[Callable[[str], Any], ...] = (
    parse_uri,
    SipUri.parse,
    TelUri.parse,
    NameAddr.parse,
    Via.parse,
    CSeq.parse,
    Reason.parse,
    Replaces.parse,
    SessionExpires.parse,
    Rack.parse,
    Challenge.parse,
    Authorization.parse,
)
"""Parsers of one value, whose ``str`` must read the same again."""


def read_any(wire: bytes) -> None:
    """Read these bytes in every way in which a peer can make us read them.

    Raises:
        Exception: a defect of ours: only the errors that stand for a peer's mistake may come.
    """
    masked(wire)
    read_message(wire)
    read_stream(wire)
    read_websocket(wire)
    read_sdp(wire)
    read_sound(wire)
    read_digits(wire)
    for line in wire.decode("utf-8", "surrogateescape").split("\n")[:MOST_LINES]:
        read_value(line[:LONGEST_LINE].rstrip("\r"))


def read_message(wire: bytes) -> None:
    """Parse, check, look at every header, answer, and write it so that it reads the same."""
    try:
        message = parse_message(wire)
    except MalformedMessage:
        return
    try:
        validate(message)
    except MalformedMessage:
        pass
    else:
        with contextlib.suppress(MalformedMessage):
            look_at(message)
        look_leniently_at(message)
        again = parse_message(message.to_bytes())
        assert again.start_line() == message.start_line()
        assert list(again.headers.items()) == list(message.headers.items())
        assert again.body == message.body
    if isinstance(message, Request) and "Via" in message.headers:
        parse_message(response_to(message, 400, to_tag="x").to_bytes())
    read_sdp(message.body)


def look_at(message: Request | Response) -> None:
    """Read every header that has a type.

    Raises:
        MalformedMessage: one of them is broken.
    """
    _ = (message.vias, message.contacts, message.routes, message.addresses("Record-Route"), message.expires)
    _ = (message.content_type, message.cseq, message.from_, message.to, message.call_id)
    _ = (replaces_of(message), session_expires(message))
    if isinstance(message, Request):
        read_dialled(message.target, country="PL")
        read_caller(message, country="PL")


def look_leniently_at(message: Request | Response) -> None:
    """Read what must never raise: there is nobody to refuse it to, or it is not worth that."""
    _ = (session_description(message), accepts_sdp(message), ending_in_words(message.headers.all("Reason")))
    _ = (least_interval(message), telephone_cause(message.headers.all("Reason")))
    if isinstance(message, Response):
        _ = (rseq_of(message), retry_after(message), contacts_of(message))
    else:
        for diversion in read_diversions(message, country="PL"):
            for _, line in diversion_lines([diversion], "office.example"):
                NameAddr.parse(line)


def read_value(text: str) -> None:
    """Parse it as any value; what is one is written so that it reads the same. Meet and check digests."""
    for parse in VALUES:
        try:
            value = parse(text)
        except MalformedMessage:
            continue
        assert parse(str(value)) == value, (value, str(value))
        if isinstance(value, Challenge):
            Authorization.parse(
                answer(value, Credentials("a", "b"), method="INVITE", uri="sip:a", cnonce="c")
            )
        elif isinstance(value, Authorization):
            verify(value, "INVITE", password="b")
    with contextlib.suppress(MalformedMessage, NotAcceptable):
        ReferTo.parse(text)
    with contextlib.suppress(MalformedMedia):
        crypto = Crypto.parse(text)
        again = Crypto.parse(crypto.line.value.partition(":")[2])
        assert (again.suite, again.key) == (crypto.suite, crypto.key)


def read_stream(wire: bytes) -> None:
    """Feed it to a connection in two pieces; the pieces are told apart wherever it is cut."""
    cut = len(wire) // 3
    assert taken_from(wire[:cut], wire[cut:]) == taken_from(wire)


def taken_from(*pieces: bytes) -> tuple[list[bytes], bool]:
    """Return the messages that a connection brings, and whether what follows them cannot be read."""
    framing, messages = SipFraming(), list[bytes]()
    for piece in pieces:
        try:
            messages += framing.feed(piece)
        except MalformedMessage:
            return messages, True
        if framing.is_over:
            return messages, True
    return messages, False


def read_websocket(wire: bytes) -> None:
    """Feed it to a WebSocket of either end, as its handshake and after it."""
    for framing, greeting in (
        (WebSocketFraming.accepting(), b""),
        (WebSocketFraming.accepting(), HANDSHAKE),
        (WebSocketFraming.calling(Hop("ws", "192.0.2.1", 80)), b""),
    ):
        framing.opening()
        with contextlib.suppress(MalformedMessage):
            framing.feed(greeting)
            for part in (wire[: len(wire) // 3], wire[len(wire) // 3 :]):
                for message in framing.feed(part):
                    assert message
        framing.replies()


def read_sdp(body: bytes) -> None:
    """Parse it as SDP and answer it as an offer, with keys and without."""
    try:
        offer = SessionDescription.parse(body)
        assert SessionDescription.parse(offer.to_bytes()) == offer
    except MediaError:
        return
    for local in (LOCAL, PROTECTED):
        with contextlib.suppress(MediaError):
            answered, _ = make_answer(body, local)
            SessionDescription.parse(answered)


def read_sound(wire: bytes) -> None:
    """Take it as RTP, RTCP and their protected kin."""
    buffer = bytearray(wire)
    size = plain_size(buffer, len(buffer))
    stream = IncomingStream()
    try:
        packet = RtpPacket.parse(wire)
    except MalformedMedia:
        assert size == 0
    else:
        assert bytes(buffer[12:size]) == packet.payload
        assert RtpPacket.parse(packet.to_bytes()) == packet
        for now in (0.0, 0.02, 9.9):
            stream.count(packet.sequence, packet.timestamp, packet.ssrc, now)
        _ = (stream.lost, stream.jitter, stream.expected)
    with contextlib.suppress(MalformedMedia):
        reports = parse_rtcp(wire)
        assert parse_rtcp(build_rtcp(*reports)) == reports if reports else True
    reporter = Reporter(OutgoingStream(Random(1)), stream)
    reporter.take(wire, 1.0)
    parse_rtcp(reporter.report(2.0))
    for session in _protections():
        assert session.unprotect(wire) is None
        session.unprotect_rtcp(wire)


@cache
def _protections() -> tuple[SrtpSession, ...]:
    keys = [(suite.name, bytes(suite.key_bytes)) for suite in SUITES.values()]
    return tuple(SrtpSession(StreamKeys(name, key, key, 4)) for name, key in keys)


def read_digits(body: bytes) -> None:
    """Take it as the body of an INFO and as the payload of RFC 4733 events."""
    for kind in ("application/dtmf-relay", "application/dtmf", "text/plain"):
        key = parse_info(kind, body)
        assert key is None or key in "0123456789*#ABCD"
    receiver = EventReceiver()
    with contextlib.suppress(MalformedMedia):
        for number in range(2):
            receiver.feed(body[:LONGEST_LINE], 160 * number, number == 0, number)
