"""RTP and RTCP on one port (RFC 5761)."""

from __future__ import annotations

from collections.abc import Callable

from media.endpoint import Address

FIRST_REPORT, LAST_REPORT = 192, 223
"""Second bytes of RTCP packets, protected ones too; RTP has payload type and marker there (RFC 5761 §4)."""
CONFLICTING = range(FIRST_REPORT - 128, LAST_REPORT - 128 + 1)
"""Payload types that, with the marker set, would look like RTCP: where one is used, ports are not shared."""


def told_apart(
    take: Callable[[bytearray, int, Address | None, float], None],
    report: Callable[[bytes, Address | None, float], None],
) -> Callable[[bytearray, int, Address | None, float], None]:
    """Return what gives RTP to ``take`` and RTCP to ``report``; each datagram is one of both."""

    def receive(packet: bytearray, size: int, source: Address | None, now: float) -> None:
        if size > 1 and FIRST_REPORT <= packet[1] <= LAST_REPORT:
            report(bytes(packet[:size]), source, now)
        else:
            take(packet, size, source, now)

    return receive
