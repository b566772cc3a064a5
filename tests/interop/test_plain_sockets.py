"""On plain sockets: answers that come again (RFC 3261 §13.3.1.4), over TCP as well, and orders to stop."""

from __future__ import annotations

import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from b2bua.sip.framing import StreamFramer
from b2bua.sip.message import Headers, Request, Response, parse_message, response_to
from tests.harness.ports import HOST, free_port
from tests.harness.product import Product, until

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

PATIENCE_S = 20.0
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n"
DESK = {"udp": free_port(), "tcp": free_port()}
NUMBER = {"udp": "+48221240601", "tcp": "+48221240602"}
OFFICE = {
    "extra": "".join(
        f"""
[number."{NUMBER[kind]}"]
scheme = "desk-{kind}"
[[scheme.desk-{kind}.step]]
ring = ["sip:desk@{HOST}:{port};transport={kind}"]
for = "15s"
[[scheme.desk-{kind}.step]]
voicemail = "sales"
"""
        for kind, port in DESK.items()
    )
}


class Peer:
    """One end of a way to the office: sends and takes single messages, and does nothing by itself."""

    def __init__(self, kind: str, sock: socket.socket) -> None:
        self.kind = kind
        self.socket = sock
        self._framer = StreamFramer()
        self._waiting: list[bytes] = []
        sock.settimeout(PATIENCE_S)

    @classmethod
    def caller(cls, kind: str, port: int) -> Peer:
        """Return an end that is connected to the office at ``port``."""
        sock = socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        sock.connect((HOST, port))
        return cls(kind, sock)

    def send(self, message: Request | Response) -> None:
        self.socket.sendall(message.to_bytes())

    def next(self, what: str) -> Request | Response:
        """Return the next message that begins so; others are passed over."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = parse_message(self._next())
            if message.start_line().startswith(what):
                return message
        raise TimeoutError(what)

    def _next(self) -> bytes:
        while not self._waiting:
            received = self.socket.recv(65535)
            assert received, "the office has closed the connection"
            self._waiting += [received] if self.kind == "udp" else self._framer.feed(received)
        return self._waiting.pop(0)

    def invited(self) -> Request:
        """Return the INVITE that comes."""
        invite = self.next("INVITE")
        assert isinstance(invite, Request)
        return invite

    def answer(self, invite: Request, *, times: int = 1) -> None:
        """Say 200 so often."""
        answer = response_to(invite, 200, to_tag="desk")
        answer.headers.add("Contact", f"<sip:desk@{HOST}:{DESK[self.kind]};transport={self.kind}>")
        answer.headers.add("Content-Type", "application/sdp")
        answer.body = SDP
        for _ in range(times):
            self.send(answer)

    def request(self, method: str, number: str, *, call_id: str, to_tag: str = "", cseq: int = 1) -> Request:
        """Return a request of a call to ``number``."""
        host, port = self.socket.getsockname()
        lines = [
            ("Via", f"SIP/2.0/{self.kind.upper()} {host}:{port};branch=z9hG4bK{secrets.token_hex(6)}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:+48500600700@{HOST}>;tag={call_id}"),
            ("To", f"<sip:{number}@{HOST}>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:caller@{host}:{port};transport={self.kind}>"),
        ]
        body = SDP if method == "INVITE" else b""
        if body:
            lines.append(("Content-Type", "application/sdp"))
        return Request(method, f"sip:{number}@{HOST}", Headers(lines), body)


class Desk:
    """Where the office rings: one address by one transport."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.socket = socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((HOST, DESK[kind]))
        self.socket.settimeout(PATIENCE_S)
        if kind == "tcp":
            self.socket.listen()

    def rung(self, office: Product) -> Peer:
        """Return the way by which the office rings, once it does."""
        if self.kind == "tcp":
            return Peer(self.kind, self.socket.accept()[0])
        self.socket.connect((HOST, office.port))
        return Peer(self.kind, self.socket.dup())


@pytest.fixture(params=["udp", "tcp"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ways(office: Product, kind: str) -> Iterator[tuple[Peer, Desk]]:
    """A caller who is connected to the office, and the desk that it will ring."""
    with ExitStack() as stack:
        desk = Desk(kind)
        stack.enter_context(closing(desk.socket))
        caller = Peer.caller(kind, office.port)
        stack.enter_context(closing(caller.socket))
        yield caller, desk


def test_rfc3261_13_3_1_4_rfc3261_13_2_2_4_a_200_comes_again_until_its_ack_and_each_is_acknowledged(
    office: Product, kind: str, ways: tuple[Peer, Desk]
) -> None:
    caller, desk = ways
    number, call_id = NUMBER[kind], secrets.token_hex(6)
    caller.send(caller.request("INVITE", number, call_id=call_id))
    phone = desk.rung(office)
    with closing(phone.socket):
        # the office as caller: an answer that is said three times has three ACKs
        invite = phone.invited()
        phone.answer(invite, times=3)
        acks = [phone.next("ACK") for _ in range(3)]
        assert {ack.to_bytes() for ack in acks} == {acks[0].to_bytes()}
        assert acks[0].cseq.number == invite.cseq.number
        # the office as callee: after 0, 0.5 and 1.5 s after the answer, which nobody confirms
        answers = [caller.next("SIP/2.0 200") for _ in range(3)]
        assert {each.to_bytes() for each in answers} == {answers[0].to_bytes()}
        to_tag = answers[0].to.tag or ""
        caller.send(caller.request("ACK", number, call_id=call_id, to_tag=to_tag))
        caller.send(caller.request("BYE", number, call_id=call_id, to_tag=to_tag, cseq=2))
        bye = phone.next("BYE")
        assert isinstance(bye, Request)
        phone.send(response_to(bye, 200))
        while caller.next("SIP/2.0 200").cseq.method != "BYE":
            continue  # one that crossed
    (call,) = office.finished_calls(of=number)
    assert call.outcome == "talked"


def test_the_first_sigterm_lets_who_talks_go_on_and_the_second_one_ends_it(tmp_path: Path) -> None:
    def patient(text: str) -> str:
        return text.replace('stop-waits = "0s"', 'stop-waits = "1h"')

    with ExitStack() as stack:
        product = stack.enter_context(Product.running(tmp_path, change=patient, extra=OFFICE["extra"]))
        desk, caller = Desk("udp"), Peer.caller("udp", product.port)
        stack.enter_context(closing(desk.socket))
        stack.enter_context(closing(caller.socket))
        caller.send(caller.request("INVITE", NUMBER["udp"], call_id="1"))
        phone = desk.rung(product)
        stack.enter_context(closing(phone.socket))
        phone.answer(phone.invited())
        to_tag = caller.next("SIP/2.0 200").to.tag or ""
        caller.send(caller.request("ACK", NUMBER["udp"], call_id="1", to_tag=to_tag))
        product.process.send_signal(signal.SIGTERM)
        until(lambda: "stop again" in product.log, within=20, what="the office says that it waits")
        caller.send(caller.request("OPTIONS", NUMBER["udp"], call_id="2"))
        assert caller.next("SIP/2.0").start_line() == "SIP/2.0 503 Shutting down"
        product.process.send_signal(signal.SIGTERM)
        for each in (caller, phone):
            bye = each.next("BYE")
            assert isinstance(bye, Request)
            each.send(response_to(bye, 200))
        assert product.process.wait(15) == 0
        product.assert_log_is_clean()
