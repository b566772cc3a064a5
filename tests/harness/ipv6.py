"""Whether this machine has IPv6: tests on real sockets need the loopback address of it."""

from __future__ import annotations

import socket

IPV6_HOST = "::1"


def why_no_ipv6() -> str:
    """Return why no socket can be bound to ``::1``; empty where one can.

    A test that cannot run by IPv6 says so by this, and checks what the product says in its place.
    """
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((IPV6_HOST, 0))
    except OSError as error:
        return f"this machine has no IPv6 at {IPV6_HOST}: {error}"
    return ""
