"""RTP and RTCP on one port (RFC 5761), and what else comes there (RFC 7983)."""

from __future__ import annotations

from collections.abc import Callable

from media.endpoint import Address

FIRST_REPORT, LAST_REPORT = 192, 223
"""Second bytes of RTCP packets, protected ones too; RTP has payload type and marker there (RFC 5761 §4)."""
LAST_STUN, FIRST_DTLS, LAST_DTLS, FIRST_RTP = 3, 20, 63, 128
"""First bytes; RTCP begins as RTP does."""
CONFLICTING = range(FIRST_REPORT - 128, LAST_REPORT - 128 + 1)
"""Payload types that, with the marker set, would look like RTCP: where one is used, ports are not shared."""


def is_foreign(packet: bytes | bytearray, size: int) -> bool:
    """Return whether a datagram is STUN or DTLS, by its first byte (RFC 7983 §7)."""
    return size > 0 and (packet[0] <= LAST_STUN or FIRST_DTLS <= packet[0] <= LAST_DTLS)


def is_dtls(packet: bytes | bytearray, size: int) -> bool:
    """Return whether a datagram is DTLS."""
    return size > 0 and FIRST_DTLS <= packet[0] <= LAST_DTLS


def told_apart(
    take: Callable[[bytearray, int, Address | None, float], None],
    report: Callable[[bytes, Address | None, float], None],
) -> Callable[[bytearray, int, Address | None, float], None]:
    """Return what gives RTCP to ``report``, and RTP and all else to ``take``."""

    def receive(packet: bytearray, size: int, source: Address | None, now: float) -> None:
        if size > 1 and FIRST_REPORT <= packet[1] <= LAST_REPORT and packet[0] >= FIRST_RTP:
            report(bytes(packet[:size]), source, now)
        else:
            take(packet, size, source, now)

    return receive
