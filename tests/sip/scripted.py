"""A peer without a stack: sends and reads single messages, so that it can do what no proper phone does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from b2bua.sip.message import Headers, Request, Response, parse_message, response_to
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from tests.sip.phones import OFFER

PATIENCE_S = 2000.0


class Scripted:
    """One address; every message to it is queued until the test asks for it."""

    def __init__(self, network: MemoryNetwork, hop: Hop) -> None:
        self.hop = hop
        self.seen: list[Request] = []
        self.statuses: list[int] = []
        self._transport = network.transport(hop.host, hop.port, transport=hop.transport)
        self._transport.attach(self)
        self._queue: asyncio.Queue[tuple[Request | Response, Hop]] = asyncio.Queue()
        self._sources: dict[int, Hop] = {}
        self._count = 0

    def receive(self, wire: bytes, source: Hop, transport: object) -> None:
        message = parse_message(wire)
        if isinstance(message, Request):
            self.seen.append(message)
        else:
            self.statuses.append(message.status)
        self._queue.put_nowait((message, source))

    def destination_failed(self, hop: Hop, why: str) -> None:
        """Scripts do not care."""

    async def any(self) -> Request | Response:
        """Return the next message."""
        async with asyncio.timeout(PATIENCE_S):
            message, source = await self._queue.get()
        self._sources[id(message)] = source
        return message

    async def next(self) -> Request:
        """Return the next request."""
        while True:
            message = await self.any()
            if isinstance(message, Request):
                return message

    async def request(self, method: str) -> Request:
        """Return the next request of that method; others are passed over."""
        while True:
            message = await self.next()
            if message.method == method:
                return message

    async def response(self, status: int) -> Response:
        """Return the next response of that status; others are passed over."""
        while True:
            message = await self.any()
            if isinstance(message, Response) and message.status == status:
                return message

    def answer(
        self,
        request: Request,
        status: int,
        *,
        tag: str | None = None,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Send a response to where the request came from."""
        response = response_to(request, status, to_tag=tag)
        for name, value in headers:
            response.headers.add(name, value)
        if "Contact" not in response.headers:
            response.headers.add("Contact", f"<sip:script@{self.hop.authority}>")
        if body:
            response.headers.add("Content-Type", "application/sdp")
            response.body = body
        self._transport.send(
            response.to_bytes(), Hop(self.hop.transport, request.via.host, request.via.port or 5060)
        )

    def send(self, message: Request | Response, to: Hop) -> None:
        """Send any message."""
        self._transport.send(message.to_bytes(), to)

    def send_bytes(self, wire: bytes, to: Hop) -> None:
        """Send anything at all."""
        self._transport.send(wire, to)

    def _via(self) -> str:
        kind = self.hop.transport.upper()
        return f"SIP/2.0/{kind} {self.hop.authority};branch=z9hG4bKs{self._count};rport"

    def invite(
        self,
        to: Hop,
        *,
        method: str = "INVITE",
        body: bytes = OFFER,
        headers: Iterable[tuple[str, str]] = (),
        cseq: int = 1,
        call_id: str = "call-1",
    ) -> Request:
        """Send a request outside any dialog and return it."""
        self._count += 1
        lines = [
            ("Via", self._via()),
            ("Max-Forwards", "70"),
            ("From", f"<sip:script@{self.hop.authority}>;tag=script"),
            ("To", f"<sip:you@{to.authority}>"),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:script@{self.hop.authority}>"),
        ]
        given = {name for name, _ in headers}
        lines = [line for line in lines if line[0] not in given]
        if body and "Content-Type" not in given:
            lines.append(("Content-Type", "application/sdp"))
        request = Request(method, f"sip:you@{to.authority}", Headers([*lines, *headers]), body)
        self.send(request, to)
        return request

    def within(
        self,
        invite: Request,
        answer: Response,
        method: str,
        *,
        cseq: int,
        body: bytes = b"",
        content_type: str = "application/sdp",
        headers: Iterable[tuple[str, str]] = (),
    ) -> Request:
        """Send a request in the dialog that ``invite``, sent from here, and its answer made."""
        self._count += 1
        contact = answer.contact
        uri = str(contact.uri) if contact else invite.uri
        lines = [
            ("Via", self._via()),
            ("Max-Forwards", "70"),
            ("From", invite.headers.get("From") or ""),
            ("To", answer.headers.get("To") or ""),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:script@{self.hop.authority}>"),
        ]
        if body:
            lines.append(("Content-Type", content_type))
        request = Request(method, uri, Headers([*lines, *headers]), body)
        via_hop = Hop("udp", uri.split("@")[-1].split(":")[0], 5060)
        self.send(request, via_hop)
        return request

    def ack(self, invite: Request, answer: Response, *, body: bytes = b"") -> None:
        """Acknowledge a 2xx."""
        self.within(invite, answer, "ACK", cseq=invite.cseq.number, body=body)
