"""From a URI to the addresses to try, in order (RFC 3263; literal addresses and A/AAAA records)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from b2bua.errors import Unavailable
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, Uri

DEFAULT_PORT = 5060
DEFAULT_TLS_PORT = 5061
LOOKUP_TIMEOUT_S = 5.0


def is_literal(host: str) -> bool:
    """Return whether ``host`` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def transport_of(uri: SipUri) -> str:
    """Return the transport that ``uri`` asks for; UDP where it does not say (RFC 3263 §4.1)."""
    if uri.is_secure:
        return "tls"
    return (uri.parameter("transport") or "udp").lower()


def literal_hop(uri: Uri) -> Hop | None:
    """Return where ``uri`` points when it needs no lookup, else None."""
    if not isinstance(uri, SipUri):
        return None
    if not is_literal(uri.host):
        return None
    return Hop(transport_of(uri), uri.host, _port(uri))


async def resolve(uri: Uri) -> list[Hop]:
    """Return the hops of ``uri``, best first; at least one.

    Raises:
        Unavailable: the name does not resolve, or ``uri`` is no SIP URI.
    """
    if not isinstance(uri, SipUri):
        raise Unavailable(f"{uri} names no SIP address")
    literal = literal_hop(uri)
    if literal is not None:
        return [literal]
    addresses = await _look_up(uri.host, _port(uri))
    return [Hop(transport_of(uri), address, _port(uri)) for address in addresses]


def _port(uri: SipUri) -> int:
    if uri.port is not None:
        return uri.port
    return DEFAULT_TLS_PORT if transport_of(uri) == "tls" else DEFAULT_PORT


async def _look_up(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_TIMEOUT_S):
            records = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: no possible name, e.g. "a..b"
        raise Unavailable(f"{host} does not resolve: {str(error) or 'DNS does not answer'}") from error
    return list(dict.fromkeys(str(record[4][0]) for record in records))
