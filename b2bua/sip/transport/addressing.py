"""Which of our addresses a peer can answer to."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from functools import lru_cache

from b2bua.sip.transport.hop import Hop, Transport

WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


def local_hop(transport: Transport, toward: Hop) -> Hop:
    """Return the address of ``transport`` to put into Via and Contact for a peer at ``toward``.

    The advertised address is for peers beyond the NAT only; peers in private networks get the real one.
    """
    if _is_advertised_to(transport.advertised, toward.host):
        assert transport.advertised is not None
        return Hop(transport.local.transport, transport.advertised, transport.local.port)
    if transport.local.host not in WILDCARDS:
        return replace(transport.local, host=transport.local.address)
    return Hop(transport.local.transport, source_address(toward), transport.local.port)


def source_of_connections(local: Hop, toward: Hop) -> tuple[str, int] | None:
    """Return where connections to ``toward`` come from: the address that Via names, as datagrams do.

    None lets the kernel choose: where we listen on every address, on the machine's own alone, or on none, as
    a browser does that names a host which is not there (RFC 7118 §5).
    """
    here, there = _address_of(local.host), _address_of(toward.host)
    if here is None or local.host in WILDCARDS:
        return None
    if here.is_loopback and not (there is not None and there.is_loopback):
        return None
    return local.host, 0


def _address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that ``host`` is, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def with_zone(host: str, heard_at: str) -> str:
    """Return ``host`` with the zone of ``heard_at`` where it is a link-local address that names none.

    No SIP or SDP can name the link, and without it the kernel does not know where to send (RFC 4007 §6).
    """
    zone = heard_at.partition("%")[2]
    if not zone or "%" in host or not _is_link_local(host):
        return host
    return f"{host}%{zone}"


def _is_link_local(host: str) -> bool:
    address = _address_of(host)
    return address is not None and address.is_link_local


def is_ipv6(host: str) -> bool:
    """Return whether ``host`` is an IPv6 address, bare or with its zone."""
    return ":" in host


@lru_cache(maxsize=1024)
def network_of(host: str) -> str:
    """Return what one customer of a network has: the IPv4 address, or the /64 network of an IPv6 one.

    Whoever has one address of such a network has all 2**64 (RFC 4291 §2.5.4).
    """
    if not is_ipv6(host):
        return host
    try:
        return str(ipaddress.ip_network(f"{host.partition('%')[0]}/64", strict=False))
    except ValueError:
        return host


@lru_cache(maxsize=1024)
def is_private(host: str) -> bool:
    """Return whether ``host`` is an address of a private network, on our side of a NAT; a name never is."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _is_advertised_to(advertised: str | None, host: str) -> bool:
    """Return whether a peer at ``host`` is beyond our NAT; a NAT for IPv4 is none for IPv6."""
    if advertised is None or is_private(host):
        return False
    return ":" in advertised or ":" not in host


def source_address(toward: Hop) -> str:
    """Return the address the kernel would send from; connecting a UDP socket sends nothing."""
    family = socket.AF_INET6 if is_ipv6(toward.host) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((toward.host, toward.port or 9))
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0]).partition("%")[0]
