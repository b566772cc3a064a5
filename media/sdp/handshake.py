"""DTLS-SRTP in SDP: by which certificate each side is known, and who begins the handshake.

``a=fingerprint`` is of RFC 8122, ``a=setup`` of RFC 4145; what they mean for SRTP say RFC 5763 and RFC 8842.
The keys themselves never stand in SDP, but who can change it can put another certificate there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from media.sdp.model import Line, MediaDescription, SessionDescription

HASHES = {"sha-512": 64, "sha-384": 48, "sha-256": 32, "sha-224": 28, "sha-1": 20}
"""Bytes of those that we take, most wanted first. MD5 and MD2 prove nothing any more (RFC 8122 §5)."""

_OTHER_ROLE = {"active": "passive", "passive": "active"}
_FINGERPRINT = re.compile(r"(\S+)[ \t]+([0-9A-F]{2}(?::[0-9A-F]{2})*)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of a certificate."""

    algorithm: str
    """One of `HASHES`."""
    digest: str
    """Bytes in upper-case hexadecimal, with colons between."""

    def __str__(self) -> str:
        return f"{self.algorithm} {self.digest}"


@dataclass(frozen=True, slots=True)
class Handshake:
    """How keys come about that SDP does not carry. Another value is another association (RFC 8842 §3.1)."""

    ours: str
    """The fingerprint of our certificate, as SDP has it."""
    theirs: tuple[Fingerprint, ...]
    """The peer's certificate has one of them, by the best algorithm among them."""
    is_client: bool
    """Whether we begin it."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of our description that say so."""
        return lines_of(self.ours, "active" if self.is_client else "passive")


def lines_of(ours: str, setup: str) -> tuple[Line, ...]:
    """Return the lines of our description, with our fingerprint and our role."""
    return Line("a", f"setup:{setup}"), Line("a", f"fingerprint:{ours}")


def offer_lines(ours: str, before: Handshake | None) -> tuple[Line, ...]:
    """Return the lines of an offer: both roles are possible, but for an association that is kept."""
    return before.lines if before is not None and before.ours == ours else lines_of(ours, "actpass")


def read_fingerprints(theirs: SessionDescription, stream: MediaDescription) -> tuple[Fingerprint, ...]:
    """Return the fingerprints of ``stream``, else of the session, by the best algorithm that it has.

    Empty where there is none that we can check (RFC 8122 §5).
    """
    found: dict[str, list[Fingerprint]] = {}
    for value in theirs.attributes_of(stream, "fingerprint"):
        match = _FINGERPRINT.fullmatch(value)
        algorithm = match[1].lower() if match else ""
        if match and len(match[2]) + 1 == 3 * HASHES.get(algorithm, 0):
            found.setdefault(algorithm, []).append(Fingerprint(algorithm, match[2].upper()))
    best = next((algorithm for algorithm in HASHES if algorithm in found), "")
    return tuple(found.get(best, ()))


def answer_to(
    theirs: SessionDescription,
    stream: MediaDescription,
    *,
    ours: str,
    before: Handshake | None,
    waits: bool,
) -> Handshake | None:
    """Return what to answer to an offer of DTLS; None: it has no certificate that we could check.

    Where the choice is ours, or nothing is said of it, the roles of ``before`` are kept, as long as
    certificates are (RFC 8842 §5.3); else we begin where it is ours, as RFC 5763 §5 recommends, unless it
    is one who ``waits``.
    """
    fingerprints = read_fingerprints(theirs, stream)
    if not fingerprints:
        return None
    setup = _setup(theirs, stream)
    is_client = setup == "passive" or (setup == "actpass" and not waits)
    kept = Handshake(ours, fingerprints, before.is_client if before is not None else is_client)
    return kept if setup in ("actpass", "") and kept == before else Handshake(ours, fingerprints, is_client)


def answered_by(
    theirs: SessionDescription, stream: MediaDescription, *, asked: MediaDescription
) -> Handshake | None:
    """Return what the answer to our own offer settles; None: it has no certificate that we could check.

    Of the roles it has a say only where the offer leaves them open.
    """
    fingerprints = read_fingerprints(theirs, stream)
    if not fingerprints:
        return None
    setup = asked.attribute("setup") or ""
    theirs_is = _OTHER_ROLE.get(setup) or _setup(theirs, stream) or "passive"
    return Handshake(asked.attribute("fingerprint") or "", fingerprints, is_client=theirs_is == "passive")


def _setup(theirs: SessionDescription, stream: MediaDescription) -> str:
    """Return which role the peer takes; empty where it does not say: the one that RFC 4145 §4 assumes."""
    values = theirs.attributes_of(stream, "setup")
    return values[0].lower() if values and values[0].lower() in ("active", "passive", "actpass") else ""
