"""What signalling and the media engine tell each other of handshakes; the rest is in `media.commands`."""

from __future__ import annotations

from msgspec import Struct


class MakeCertificate(Struct, frozen=True, tag=True, array_like=True):
    """Have a certificate by which far ends know this worker's legs; answered by CertificateMade."""

    leg: int = 0


class CertificateMade(Struct, frozen=True, tag=True, array_like=True):
    """There is a certificate; it is the same as long as the worker lives."""

    leg: int
    fingerprint: str
    """As ``a=fingerprint`` has it."""


class HandshakeFailed(Struct, frozen=True, tag=True, array_like=True):
    """The keys that were agreed to come by a handshake did not come: nothing is heard, either way."""

    leg: int
    why: str
    """In words."""
