"""Where a message goes next, and what every transport can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hop:
    """One address that messages are sent to or came from."""

    transport: str
    """``udp``, ``tcp``, ``tls``, ``ws`` or ``wss``."""
    host: str
    """IP address, IPv6 without brackets; a link-local one with its zone, as the kernel wants it."""
    port: int
    """For TCP that was opened by the peer: its ephemeral port, which names the connection."""
    name: str = field(default="", compare=False)
    """The domain that led here, which its certificate must name (RFC 5922 §7.1); empty: the address."""

    @property
    def address(self) -> str:
        """``host`` for others to read: without a zone (``%eth0``), which only we know (RFC 4007 §11.2)."""
        return self.host.partition("%")[0]

    @property
    def authority(self) -> str:
        """``host:port`` as URIs and Via write it."""
        host = f"[{self.address}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_secure(self) -> bool:
        """Whether nobody between can read it."""
        return self.transport in ("tls", "wss")

    @property
    def is_browser(self) -> bool:
        """Whether it can be reached over the connection that it opened, and in no other way (RFC 7118 §5)."""
        return self.transport in ("ws", "wss")

    @property
    def is_reliable(self) -> bool:
        """Whether the transport itself repeats what is lost (RFC 3261 §17)."""
        return self.transport != "udp"

    def __str__(self) -> str:
        return f"{self.transport}:{self.authority}"


class Receiver(Protocol):
    """Who is told what a transport receives; the endpoint."""

    def receive(self, wire: bytes, source: Hop, transport: Transport) -> None:
        """Take one whole message."""

    def destination_failed(self, hop: Hop, why: str, *, is_final: bool = True) -> None:
        """Take the news that what was sent to ``hop`` does not arrive (RFC 3261 §18.4).

        ``is_final``: nobody listens there; else the network on the way has a fault, which may pass.
        """


class Transport(Protocol):
    """A bound socket, or what stands for it in tests."""

    local: Hop
    """The address it is bound to."""
    advertised: str | None
    """Our address as peers beyond a NAT see it."""

    def give_up(self, hop: Hop) -> None:
        """Stop connecting to ``hop``, as if nobody were there."""

    def attach(self, receiver: Receiver) -> None:
        """Start receiving."""

    def send(self, wire: bytes, hop: Hop) -> None:
        """Send one message without waiting; failure is told to the receiver, never raised."""

    def is_connected(self, hop: Hop) -> bool:
        """Return whether a message to ``hop`` needs no new connection."""

    async def close(self) -> None:
        """Release the address; what was sent before leaves first."""
