"""What signalling and the media engine tell each other of handshakes; the rest is in `media.commands`."""

from __future__ import annotations

from msgspec import Struct

from media.sdp.crypto import StreamKeys
from media.sdp.handshake import Handshake


class MakeCertificate(Struct, frozen=True, tag=True, array_like=True):
    """Have a certificate by which far ends know this worker's legs; answered by CertificateMade."""

    leg: int = 0
    pem: str = ""
    """That of a worker before, with its key; empty: a new one."""

    def __repr__(self) -> str:
        return "MakeCertificate()"


class CertificateMade(Struct, frozen=True, tag=True, array_like=True):
    """There is a certificate; it stays the same, unless that of another worker takes its place at once."""

    leg: int
    fingerprint: str
    """As ``a=fingerprint`` has it."""
    pem: str
    """Certificate and key: for the next worker, if this one dies."""

    def __repr__(self) -> str:
        return f"CertificateMade({self.fingerprint!r})"


class Secured(Struct, frozen=True, tag=True, array_like=True):
    """A handshake has brought the keys of sound: by them the next worker goes on, if this one dies."""

    leg: int
    handshake: Handshake
    keys: StreamKeys


class HandshakeFailed(Struct, frozen=True, tag=True, array_like=True):
    """The keys that were agreed to come by a handshake did not come: nothing is heard, either way."""

    leg: int
    why: str
    """In words."""
    is_final: bool
    """Whether they never will; else that is told again and again until they do."""
