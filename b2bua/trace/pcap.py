"""SIP as a capture file that Wireshark, sngrep and tcpdump open: IP and UDP written around each message.

TCP, TLS and WebSocket are written as UDP as well: what matters in them is the message, and a made-up TCP
stream would say things about the network that nobody saw.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable

from b2bua.sip.trace import TracedMessage
from b2bua.sip.transport.hop import Hop

LINKTYPE_RAW = 101
"""IPv4 or IPv6 packets without a link layer."""
UDP = 17
LARGEST_PAYLOAD = 65_535 - 20 - 8
HOPS = 64


def pcap(messages: Iterable[TracedMessage]) -> bytes:
    """Return the messages as a capture file (pcap 2.4, microseconds)."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, LINKTYPE_RAW)]
    for message in messages:
        source, target = message.local, message.remote
        if not message.is_sent:
            source, target = target, source
        packet = _packet(message.wire[:LARGEST_PAYLOAD], source, target)
        seconds, micros = divmod(round(message.at * 1e6), 1_000_000)
        parts += (struct.pack("<IIII", seconds, micros, len(packet), len(packet)), packet)
    return b"".join(parts)


def _packet(payload: bytes, source: Hop, target: Hop) -> bytes:
    """Return an IP packet with one UDP datagram (RFC 768, RFC 791, RFC 8200)."""
    ends = [ipaddress.ip_address(hop.host.partition("%")[0]) for hop in (source, target)]
    is_ipv6 = any(end.version == 6 for end in ends)
    addresses = b"".join(_as_ipv6(end) if is_ipv6 else end.packed for end in ends)
    length = 8 + len(payload)
    pseudo = addresses + struct.pack("!IHBB" if is_ipv6 else "!xBH", *_pseudo_tail(length, is_ipv6))
    ports = (source.port, target.port)
    checksum = _checksum(pseudo + struct.pack("!HHHH", *ports, length, 0) + payload) or 0xFFFF
    datagram = struct.pack("!HHHH", *ports, length, checksum) + payload
    return _ip_header(addresses, length, is_ipv6) + datagram


def _pseudo_tail(length: int, is_ipv6: bool) -> tuple[int, ...]:
    return (length, 0, 0, UDP) if is_ipv6 else (UDP, length)


def _ip_header(addresses: bytes, length: int, is_ipv6: bool) -> bytes:
    if is_ipv6:
        return struct.pack("!IHBB", 6 << 28, length, UDP, HOPS) + addresses
    fields = (0x45, 0, 20 + length, 0, 0, HOPS, UDP)
    checksum = _checksum(struct.pack("!BBHHHBBH", *fields, 0) + addresses)
    return struct.pack("!BBHHHBBH", *fields, checksum) + addresses


def _as_ipv6(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    """Return 16 bytes; IPv4 mapped, should a capture hold both ends in different families."""
    return address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed


def _checksum(content: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(content) % 2:
        content += b"\0"
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
