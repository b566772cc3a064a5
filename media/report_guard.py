"""RTCP of a leg on a port of its own: its keys come by a handshake of its own (RFC 5764 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from media.endpoint import Address, Latch, LegPorts
from media.handshaking import Handshaking, Parcel
from media.multiplex import is_dtls
from media.protection import srtp_session
from media.sdp.agreement import StreamAgreement
from media.sdp.handshake import Handshake

if TYPE_CHECKING:
    from media.dtls import Certificate
    from media.srtp import SrtpSession


class ReportGuard:
    """Lets no report through, either way, before that. Where it fails, sound goes on without any."""

    def __init__(self, agreed: Handshake, certificate: Certificate, latch: Latch, ports: LegPorts) -> None:
        self._agreed = agreed
        self._certificate = certificate
        self._latch = latch
        self._ports = ports
        self._handshaking: Handshaking | None = None
        self._srtp: SrtpSession | None = None

    def begin(self, agreement: StreamAgreement, now: float) -> None:
        """Begin the handshake, unless it has begun there."""
        remote = agreement.remote
        if remote is None:
            return
        there = agreement.remote_rtcp or (remote[0], remote[1] + 1)
        if self._handshaking is not None:
            self._dispatch(self._handshaking.turn_to(there, now))
            return
        self._handshaking = Handshaking(self._agreed, self._certificate, there)
        self._dispatch(self._handshaking.begin(now))

    def take(self, compound: bytes, source: Address | None) -> bytes | None:
        """Return the RTCP in ``compound``; None: it is part of the handshake, or none of the far end's."""
        if not is_dtls(compound, len(compound)):
            return None if self._srtp is None else self._srtp.unprotect_rtcp(compound)
        handshaking = self._handshaking
        if handshaking is not None and source is not None and source[0] in self._latch.hosts:
            self._dispatch(handshaking.take(compound, source))
            if self._srtp is None and handshaking.keys is not None:
                self._srtp = srtp_session(handshaking.keys)
        return None

    def send(self, report: bytes) -> None:
        """Send ``report``, once that is possible."""
        if self._srtp is not None:
            self._ports.send_rtcp(self._srtp.protect_rtcp(report))

    def tick(self, now: float) -> None:
        """Send again what may be lost."""
        if self._handshaking is not None:
            self._dispatch(self._handshaking.tick(now))

    def _dispatch(self, parcels: list[Parcel]) -> None:
        for datagram, address in parcels:
            self._ports.rtcp_remote = address
            self._ports.send_rtcp(datagram)
