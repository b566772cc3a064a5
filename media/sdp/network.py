"""Where streams are received: the addresses of SDP (RFC 4566 §5.7, RFC 6157)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from media.errors import MalformedMedia
from media.sdp.model import MediaDescription, SessionDescription

read_ip = lru_cache(maxsize=1024)(ip_address)
"""Reading an address costs as much as ten lines of SDP, and an office meets few of them."""

BROADCAST = IPv4Address("255.255.255.255")


def address_of(theirs: SessionDescription, stream: MediaDescription) -> IPv4Address | IPv6Address | None:
    """Return where ``stream`` is received; None for the addresses that mean nowhere.

    Raises:
        MalformedMedia: no address, one of a group, or a host name: we do not wait for DNS to hear a caller.
    """
    address = _named(theirs, stream)
    return None if address is None or address.is_unspecified else address


def ip_version_of(theirs: SessionDescription, stream: MediaDescription) -> int | None:
    """Return the IP version of ``stream``, also of one on hold by ``0.0.0.0`` or ``::``; else None."""
    address = _named(theirs, stream)
    return None if address is None else address.version


def _named(theirs: SessionDescription, stream: MediaDescription) -> IPv4Address | IPv6Address | None:
    """Return the address that ``stream`` names; one of IPv4 in the clothes of IPv6 is one of IPv4.

    A zone (``%eth0``) is the peer's own name of an interface and means nothing here (RFC 4007 §11.2).
    """
    text = theirs.connection_of(stream)
    if text is None:
        raise MalformedMedia("SDP has no connection line")
    return _read(text)


@lru_cache(maxsize=1024)
def _read(text: str) -> IPv4Address | IPv6Address | None:
    if text.lower().endswith(".invalid"):  # RFC 6157 §6: "nowhere" in either address family
        return None
    try:
        address = read_ip(text.partition("%")[0])
    except ValueError:
        raise MalformedMedia(f"not an IP address: {text[:60]!r}") from None
    address = (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
    if address.is_multicast or address == BROADCAST:  # everybody in that network would get the call
        raise MalformedMedia(f"not the address of one host: {text[:60]!r}")
    return address


def remote_of(theirs: SessionDescription, stream: MediaDescription) -> tuple[str, int] | None:
    """Return address and port of ``stream``; None when it is on hold the RFC 2543 way, without one."""
    address = address_of(theirs, stream)
    return None if address is None else (str(address), stream.port)


def network_of(address: str) -> str:
    """Return ``address`` as ``o=`` and ``c=`` write it: without a zone, which only this machine knows."""
    return f"IN IP{read_ip(address).version} {address.partition('%')[0]}"
