"""A stateless proxy that forks."""

from __future__ import annotations

from b2bua.sip.message import Request, Response, parse_message
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork


class Forker:
    """Sends each INVITE and CANCEL to every phone, and each response back but 100: answers double."""

    def __init__(self, network: MemoryNetwork, hop: Hop, phones: list[Hop]) -> None:
        self._transport = network.transport(hop.host, hop.port)
        self._transport.attach(self)
        self._phones = phones
        self._callers: dict[str, Hop] = {}

    def receive(self, wire: bytes, source: Hop, transport: object) -> None:
        message = parse_message(wire)
        if isinstance(message, Response):
            if message.status != 100:
                self._forward_response(message)
            return
        self._callers[message.call_id] = source
        for index, phone in enumerate(self._phones):
            self._forward_request(message, index, phone)

    def _forward_request(self, request: Request, index: int, phone: Hop) -> None:
        copy = request.copy()
        branch = f"{request.via.branch}-{index}"
        copy.headers.prepend("Via", f"SIP/2.0/UDP {self._transport.local.authority};branch={branch}")
        self._transport.send(copy.to_bytes(), phone)

    def _forward_response(self, response: Response) -> None:
        copy = response.copy()
        vias = copy.headers.all("Via")
        copy.headers.remove("Via")
        for via in vias[1:]:
            copy.headers.add("Via", via)
        self._transport.send(copy.to_bytes(), self._callers[response.call_id])

    def destination_failed(self, hop: Hop, why: str) -> None:
        """Nothing is remembered here."""
