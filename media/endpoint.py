"""The way packets take between a leg and the network, and whose packets count."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from media.outgoing import Packet, Send

Address: TypeAlias = tuple[str, int]

PROBATION = 3
"""Packets in a row that must come from a port or address the SDP did not name before it is believed."""


class Endpoint(Protocol):
    """A leased RTP port and the RTCP port above it."""

    @property
    def address(self) -> Address:
        """Where RTP is received."""

    def aim(self, remote: Address) -> Send:
        """Hear everybody; return what sends to ``remote``."""

    def lock(self, remote: Address) -> Send:
        """Hear nobody but ``remote``, if the network can; return what sends there."""

    def send_rtcp(self, packet: Packet) -> None:
        """Send to the port above the remote one."""

    def close(self, now: float) -> None:
        """Give the ports back."""


class Latch:
    """Symmetric RTP (RFC 4961): believe the SDP's IP address, find out the port, and stay there.

    One decision for each address that an SDP names. Another IP address is believed only where the peer is
    known to sit behind NAT. Later packets from anywhere else change nothing.
    """

    def __init__(self) -> None:
        self.expected: Address | None = None
        self.source: Address | None = None
        """Where RTP comes from; None until that is decided."""
        self.strangers = 0
        """Packets of others that were dropped."""
        self._allows_nat = False
        self._candidate: Address | None = None
        self._seen = 0

    def expect(self, remote: Address, *, allows_nat: bool) -> bool:
        """Take the address of an SDP; return whether it is a new one, so that the source is open again."""
        self._allows_nat = allows_nat
        if remote == self.expected:
            return False
        self.expected = remote
        self.source = self._candidate = None
        return True

    def forget(self) -> None:
        """Let the next SDP open the source anew, whatever address it names."""
        self.expected = self.source = self._candidate = None

    def admits(self, source: Address) -> bool:
        """Return whether a packet from ``source`` counts; the first that does decides."""
        if self.source is not None and source == self.source:
            return True
        if self.source is None and self._convinces(source):
            self.source = source
            return True
        self.strangers += 1
        return False

    def _convinces(self, source: Address) -> bool:
        if self.expected is None:
            return False
        if source == self.expected:
            return True
        if source[0] != self.expected[0] and not self._allows_nat:
            return False
        self._seen = self._seen + 1 if source == self._candidate else 1
        self._candidate = source
        return self._seen >= PROBATION
