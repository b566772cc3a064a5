"""Malformed SIP, SDP and RTP at the running product: refused or ignored; no exception, no stuck leg."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import struct
import tomllib
from pathlib import Path

import pytest

from media.commands import Tone
from tests.harness.hearing import Hearing
from tests.harness.ports import HOST
from tests.harness.product import Product, until
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

DATA = Path(__file__).resolve().parents[1] / "data"
TORTURE = DATA / "rfc4475"
ECHO = "+48221230007"
ECHO_HZ = 800.0
PATIENCE_S = 20.0
MUTATIONS = 300
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 96\r\n"
BROKEN_SDP = (
    b"v=0",
    b"\x00\xff\xfe" * 30,
    SDP.replace(b"m=audio 9", b"m=audio 99999"),
    SDP.replace(b"m=audio 9", b"m=audio -1"),
    SDP.replace(b"RTP/AVP 8 96", b"RTP/AVP"),
    SDP.replace(b"RTP/AVP 8 96", b"RTP/AVP 8 99999"),
    SDP.replace(b"8 96", b"97") + b"a=rtpmap:97 opus/48000/2\r\n",
    SDP.replace(b"RTP/AVP", b"RTP/SAVP"),
    SDP.replace(b"m=audio", b"m=video"),
    SDP.replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 999.1.1.1"),
    SDP.replace(b"c=IN IP4 127.0.0.1", b"c="),
    SDP.replace(b"\r\n", b"\r\n\r\n"),
    SDP + b"a=rtpmap:96\r\na=fmtp:\r\na=ptime:x\r\nm=",
    SDP * 200,
)
PLAIN = (
    "{method} sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{local};branch=z9hG4bK{token};rport\r\n"
    "From: <sip:spray@{host}>;tag={token}\r\nTo: <sip:101@{host}>{to}\r\nCall-ID: {token}\r\n"
    "CSeq: 7 {method}\r\nContact: <sip:spray@{host}:{local}>\r\nMax-Forwards: 70\r\nExpires: 60\r\n"
    "Content-Length: {length}\r\n{more}\r\n"
)


class Sprayer:
    """A socket that sends whatever it is told and hangs up on any call that comes of it."""

    def __init__(self, product: Product) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(PATIENCE_S)
        self._target = (HOST, product.port)

    def __enter__(self) -> Sprayer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, message: bytes) -> None:
        self._socket.sendto(message, self._target)

    def request(self, method: str, *, body: bytes = b"", to: str = "", token: str = "") -> bytes:
        """Return a request that is well formed."""
        head = PLAIN.format(
            method=method,
            host=HOST,
            port=self._target[1],
            local=self._socket.getsockname()[1],
            token=token or secrets.token_hex(6),
            to=to,
            length=len(body),
            more="Content-Type: application/sdp\r\n" if body else "",
        )
        return head.encode() + body

    def answers_options(self) -> bool:
        """Return whether an OPTIONS is answered 200 from here; what comes for others is passed over."""
        token = secrets.token_hex(6)
        self.send(self.request("OPTIONS", token=token))
        while True:
            response = self._socket.recv(65535)
            if f"Call-ID: {token}".encode() in response:
                return response.startswith(b"SIP/2.0 200 ")

    def final_status(self, body: bytes) -> int:
        """Return what an INVITE with ``body`` is answered with; a 2xx is acknowledged and hung up."""
        token = secrets.token_hex(6)
        self.send(self.request("INVITE", body=body, token=token))
        while True:
            response = self._socket.recv(65535).decode(errors="replace")
            status = int(response.split()[1])
            if status >= 200 and f"Call-ID: {token}" in response and "7 INVITE" in response:
                break
        to = response.partition("\r\nTo: ")[2].partition("\r\n")[0].partition(">")[2]
        self.send(self.request("ACK", to=to, token=token))
        if status < 300:
            self.send(self.request("BYE", to=to, token=token).replace(b"CSeq: 7", b"CSeq: 8"))
        return status


def _torture() -> list[bytes]:
    """Return the messages of RFC 4475 that cannot be taken for a call."""
    expected = tomllib.loads((TORTURE / "expected.toml").read_text("utf-8"))
    return [
        (TORTURE / f"{name}.dat").read_bytes()
        for name, entry in expected.items()
        if entry["expect"] != "valid"
    ]


def _mutated(message: bytes, dice: random.Random) -> bytes:
    """Return ``message`` with a few octets changed, a piece cut out or a piece repeated."""
    octets = bytearray(message)
    for _ in range(dice.randint(1, 8)):
        octets[dice.randrange(len(octets))] = dice.randrange(256)
    start, end = sorted(dice.sample(range(len(octets)), 2))
    match dice.randrange(4):
        case 0:
            del octets[start:end]
        case 1:
            octets[start:start] = octets[start:end]
        case 2:
            del octets[start:]
    return bytes(octets)


def test_malformed_sip_leaves_no_trace(office: Product) -> None:
    dice = random.Random(4475)
    methods = ("OPTIONS", "REGISTER", "BYE", "CANCEL", "ACK", "INFO", "NOTIFY", "SIP/2.0")
    with Sprayer(office) as sprayer:
        for message in _torture():
            sprayer.send(message)
        for _ in range(MUTATIONS):
            sprayer.send(_mutated(sprayer.request(dice.choice(methods)), dice))
        for junk in (b"", b"\r\n\r\n", b"\x00" * 2000, b"INVITE", b"SIP/2.0 200", b"\xff" * 65000):
            sprayer.send(junk)
    _assert_is_well(office)


def test_rfc4475_rfc5118_options_are_answered_after_each_torture_message(office: Product) -> None:
    names = sorted(path for folder in ("rfc4475", "rfc5118") for path in (DATA / folder).glob("*.dat"))
    messages = [path.read_bytes() for path in names]
    with Sprayer(office) as sprayer:
        for message in messages:
            if b"INVITE " in message[:10] and message not in _torture():
                continue  # a call, to whose names and addresses requests would go; see calls/test_torture.py
            sprayer.send(message)
            assert sprayer.answers_options()
    assert len(messages) == 61
    _assert_is_well(office)


def test_malformed_sip_over_tcp_ends_the_connection_only(office: Product) -> None:
    dice = random.Random(3261)
    for message in (
        *_torture(),
        b"\x00" * 70000,
        b"INVITE sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n",
    ):
        with socket.create_connection((HOST, office.port), PATIENCE_S) as line:
            try:
                line.sendall(_mutated(message, dice))
            except OSError:  # it has hung up on us already
                continue
    _assert_is_well(office)


def test_malformed_sdp_is_refused_with_488_or_leads_to_a_plain_call(office: Product) -> None:
    with Sprayer(office) as sprayer:
        statuses = [sprayer.final_status(body) for body in BROKEN_SDP]
    assert set(statuses) <= {200, 400, 413, 488}
    assert statuses[0] == statuses[1] == 488
    _assert_is_well(office)


async def test_malformed_rtp_does_not_disturb_a_call(office: Product, tmp_path: Path) -> None:
    path = tmp_path / "echoed.wav"

    def echoed_s() -> float:
        return Hearing.so_far(path).seconds_of(ECHO_HZ, above_db=-25.0)

    async def echo_lasts(seconds: float) -> None:
        enough = echoed_s() + seconds
        await asyncio.to_thread(
            until, lambda: echoed_s() > enough, within=PATIENCE_S, what="there is an echo"
        )

    async with carrier_call(office, ECHO) as leg:
        assert leg.media.agreement is not None
        assert leg.media.agreement.remote is not None
        recording = leg.media.record(path)
        leg.media.play([Tone((ECHO_HZ,), 1.0)], loop=True)
        await echo_lasts(0.5)
        _spray_rtp(leg.media.agreement.remote)
        await echo_lasts(1.0)
        await recording.stop()
        assert leg.is_up
    await asyncio.to_thread(_assert_is_well, office)


def _spray_rtp(target: tuple[str, int]) -> None:
    dice = random.Random(4733)
    host, port = target
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as spray:
        for number in range(MUTATIONS):
            event = struct.pack("!BBHII", 0x80, 96, number, 160 * number, 1) + b"\x01\x0a"
            voice = struct.pack("!BBHII", 0x80, 8, number, 160 * number, 2) + b"\xd5" * 160
            header_only = struct.pack("!BBHII", 0xBF, 8, number, 0, 3)
            for packet in (event, voice, header_only):
                spray.sendto(_mutated(packet, dice), (host, port + number % 2))
        for junk in (b"", b"\x80", b"\x81\xc8\x00\xff", b"\xff" * 1400):
            spray.sendto(junk, (host, port))
            spray.sendto(junk, (host, port + 1))


def _assert_is_well(product: Product) -> None:
    assert product.answers_options()
    product.assert_log_is_clean()
    product.finished_calls(at_least=0)
