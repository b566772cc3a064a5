"""Where streams are received: the addresses of SDP (RFC 4566 §5.7, RFC 6157)."""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from media.errors import MalformedMedia
from media.sdp.model import MediaDescription, SessionDescription

MOST_ADDRESSES = 1024
read_ip = lru_cache(maxsize=MOST_ADDRESSES)(ip_address)
"""Reading an address costs as much as ten lines of SDP, and an office meets few of them."""

_LABEL = r"[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+[a-z][-a-z0-9]{{0,61}}[a-z0-9]\.?")
_RTCP = re.compile(r"([0-9]{1,5})(?:[ \t]+IN[ \t]+IP[46][ \t]+(\S+))?", re.ASCII | re.IGNORECASE)
BROADCAST = IPv4Address("255.255.255.255")


def address_of(theirs: SessionDescription, stream: MediaDescription) -> IPv4Address | IPv6Address | None:
    """Return where ``stream`` is received; None for the addresses that mean nowhere, and for a name.

    Raises:
        MalformedMedia: no address, or one of a group.
    """
    return _somewhere(_connection_of(theirs, stream))


@lru_cache(maxsize=MOST_ADDRESSES)
def _somewhere(text: str) -> IPv4Address | IPv6Address | None:
    address = None if is_name(text) else _read(text)
    return None if address is None or address.is_unspecified else address


def ip_version_of(theirs: SessionDescription, stream: MediaDescription) -> int | None:
    """Return the IP version of ``stream``, also of one on hold by ``0.0.0.0`` or ``::``; else None."""
    text = _connection_of(theirs, stream)
    address = None if is_name(text) else _read(text)
    return None if address is None else address.version


@lru_cache(maxsize=MOST_ADDRESSES)
def is_name(text: str) -> bool:
    """Return whether that is the name of a host (RFC 8866 §9: FQDN), which has to be looked up."""
    return _NAME.fullmatch(text.lower()) is not None and not text.lower().endswith((".invalid", ".invalid."))


def _connection_of(theirs: SessionDescription, stream: MediaDescription) -> str:
    text = theirs.connection_of(stream)
    if text is None:
        raise MalformedMedia("SDP has no connection line")
    return text


@lru_cache(maxsize=MOST_ADDRESSES)
def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a stream names; one of IPv4 in the clothes of IPv6 is one of IPv4.

    A zone (``%eth0``) is the peer's own name of an interface and means nothing here (RFC 4007 §11.2).
    """
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
    """Return address, or name, and port of ``stream``; None when it is on hold the RFC 2543 way, without."""
    text = _connection_of(theirs, stream)
    host = text.lower() if is_name(text) else host_of(text)
    return None if host is None else (host, stream.port)


@lru_cache(maxsize=MOST_ADDRESSES)
def host_of(text: str) -> str | None:
    """Return an address as it is usually written; None for those that mean nowhere.

    Raises:
        MalformedMedia: it is none, or one of a group.
    """
    address = _somewhere(text)
    return None if address is None else str(address)


def rtcp_remote_of(theirs: SessionDescription, stream: MediaDescription) -> tuple[str, int] | None:
    """Return where RTCP of ``stream`` is received, as ``a=rtcp`` says (RFC 3605); None: as is usual.

    An address that cannot be used is no reason to refuse a call.
    """
    match = _RTCP.fullmatch(stream.attribute("rtcp") or "")
    remote = remote_of(theirs, stream)
    if match is None or remote is None or is_name(remote[0]) or not 0 < int(match[1]) < 65_536:
        return None
    with contextlib.suppress(MalformedMedia):
        host = host_of(match[2]) if match[2] else remote[0]
        told = (host or "", int(match[1]))
        if host is not None and told != remote and (":" in host) == (":" in remote[0]):
            return told
    return None


@lru_cache(maxsize=MOST_ADDRESSES)
def network_of(address: str) -> str:
    """Return ``address`` as ``o=`` and ``c=`` write it: without a zone, which only this machine knows."""
    return f"IN IP{read_ip(address).version} {address.partition('%')[0]}"
