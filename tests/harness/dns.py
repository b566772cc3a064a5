"""A small nameserver on loopback: answers what a test wrote down, counts questions, can fall silent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class DnsServer(asyncio.DatagramProtocol):
    """Serves ``zone``: ``{("example.org", "SRV"): ["0 0 5060 a.example.org."]}``."""

    def __init__(self, zone: Mapping[tuple[str, str], list[str]], *, ttl: int = 300) -> None:
        self.zone = dict(zone)
        self.ttl = ttl
        self.is_silent = False
        self.drops: set[str] = set()
        """Kinds of records about which it says nothing, as some routers do."""
        self.delay_s = 0.0
        self.asked: Counter[tuple[str, str]] = Counter()
        self.address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if self.is_silent or kind in self.drops or self._transport is None:
            return
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        records = self.zone.get((name, kind), [])
        if records:
            response.answer.append(dns.rrset.from_text_list(question.name, self.ttl, "IN", kind, records))
        elif not any(known == name for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        send = self._transport.sendto
        asyncio.get_running_loop().call_later(self.delay_s, send, response.to_wire(), addr)


@asynccontextmanager
async def nameserver(
    zone: Mapping[tuple[str, str], list[str]], *, ttl: int = 300
) -> AsyncIterator[DnsServer]:
    """Run a nameserver on an ephemeral port of 127.0.0.1."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: DnsServer(zone, ttl=ttl), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
        await asyncio.sleep(0)
