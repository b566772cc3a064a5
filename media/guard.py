"""What stands between a leg and the network: nothing, keys of SDP, or a handshake that has to bring them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from media.commands import SourceChanged
from media.endpoint import Address, Latch, LegPorts
from media.errors import MediaError
from media.handshaking import Handshaking, Parcel
from media.keying import HandshakeFailed, Secured
from media.multiplex import is_dtls, is_foreign
from media.outgoing import Send, discard
from media.protection import srtp_session
from media.report_guard import ReportGuard
from media.sdp.agreement import StreamAgreement
from media.sdp.handshake import Handshake
from media.surroundings import Surroundings

if TYPE_CHECKING:
    from media.srtp import SrtpSession

MOST_EARLY, EARLY_S = 4, 1.0
"""Datagrams of a handshake that are kept, and how long, while it is not agreed yet: who answers begins at
once, and sends the same again after that time."""


class Guard:
    """Lets nothing through, either way, that is not protected as agreed."""

    __slots__ = (
        "_agreed", "_around", "_early", "_is_vain", "_latch", "_leg", "_ports", "_reports", "_settled",
        "_way", "handshaking", "srtp",
    )  # fmt: skip

    def __init__(
        self,
        leg: int,
        around: Surroundings,
        latch: Latch,
        *,
        settled: Callable[[Address | None], None],
    ) -> None:
        """``settled`` is told where a handshake has proved the far end to be.

        None: there is nobody, and no use in waiting any longer.
        """
        self.srtp: SrtpSession | None = None
        self.handshaking: Handshaking | None = None
        """Under way, or what it came to."""
        self._leg = leg
        self._around = around
        self._latch = latch
        self._ports: LegPorts | None = None
        self._way: Send = discard
        """What sends as it is to where sound goes."""
        self._settled = settled
        self._agreed: Handshake | None = None
        self._is_vain = False
        self._reports: ReportGuard | None = None
        """Of RTCP, where that has a port of its own and the keys of neither are in SDP."""
        self._early: deque[tuple[bytes, Address, float]] | None = None

    def attach(self, ports: LegPorts) -> None:
        """Take the ports of the leg."""
        self._ports = ports

    @property
    def ports(self) -> LegPorts:
        """Where the leg receives.

        Raises:
            MediaError: it is closed.
        """
        if self._ports is None:
            raise MediaError("the leg is closed")
        return self._ports

    @property
    def is_open(self) -> bool:
        """Whether plain RTP was agreed."""
        return self.srtp is None and self._agreed is None

    @property
    def is_waiting(self) -> bool:
        """Whether there are no keys yet, and may soon be."""
        return self._agreed is not None and self.srtp is None and not self._is_vain

    def take(self, agreement: StreamAgreement) -> tuple[bool, bool]:
        """Protect by what was agreed.

        Return whether our stream has to begin with a new SSRC, and whether who is there is open again.
        """
        was, self._agreed = self._agreed, agreement.handshake
        is_other = self._agreed != was
        if is_other:
            self.srtp = self.handshaking = self._reports = None
            self._is_vain = False
        elif self._agreed is not None:
            return False, False
        keys = agreement.keys
        if keys is None:
            is_other = is_other or self.srtp is not None
            self.srtp = None
            return False, is_other
        if self.srtp is not None:
            return self.srtp.rekey(keys), False
        # Another worker may have had them, who alone knew how long the far end's stream is.
        self.srtp = srtp_session(keys, is_resumed=True)
        return True, True

    # Sound and reports

    def sending(self, send: Send) -> Send:
        """Return what gives packets to ``send``, protected; what sends nothing while that is not possible."""
        self._way = send
        if self.srtp is not None:
            return self.srtp.protecting(send)
        return send if self._agreed is None else discard

    def unprotect(self, packet: bytearray, size: int, source: Address | None, now: float) -> int:
        """Make one datagram RTP, in place, and return its size; 0 where there is none in it."""
        if is_foreign(packet, size):
            if is_dtls(packet, size):
                self._meet(bytes(packet[:size]), source, now)
            return 0
        srtp = self.srtp
        if srtp is None:
            return 0
        protected = bytes(packet[:size])
        plain = srtp.unprotect(protected)
        if plain is None and srtp.searches and (source is None or source[0] in self._latch.hosts):
            plain = srtp.search(protected)
        if plain is None:
            return 0
        packet[: len(plain)] = plain
        return len(plain)

    def send_report(self, report: bytes) -> None:
        """Send RTCP, protected."""
        if self._reports is not None:
            self._reports.send(report)
        elif self.is_open:
            self.ports.send_rtcp(report)
        elif self.srtp is not None:
            self.ports.send_rtcp(self.srtp.protect_rtcp(report))

    def unprotect_report(self, compound: bytes, source: Address | None) -> bytes | None:
        """Return the RTCP in ``compound``; None: it is none of the far end's."""
        if self._reports is not None:
            return self._reports.take(compound, source)
        if is_foreign(compound, len(compound)):
            return None
        if self.is_open:
            return compound
        return None if self.srtp is None else self.srtp.unprotect_rtcp(compound)

    def statistics(self) -> Mapping[str, float]:
        """Return what was refused."""
        return {} if self.srtp is None else self.srtp.counts

    # The handshake

    def keep(self, packet: bytearray, size: int, source: Address | None, now: float) -> None:
        """Keep what may belong to a handshake that is about to be agreed."""
        source = source or self._latch.source
        if source is not None and is_dtls(packet, size):
            self._keep(bytes(packet[:size]), source, now)

    def _keep(self, datagram: bytes, source: Address, now: float) -> None:
        self._early = self._early or deque(maxlen=MOST_EARLY)
        self._early.append((datagram, source, now))

    def begin(self, agreement: StreamAgreement, now: float) -> None:
        """Begin the handshake, if one was agreed and has not begun there.

        Not where another worker was to do it, which had another certificate: it will be agreed anew.
        """
        early, self._early = self._early, None
        agreed, certificate, remote = self._agreed, self._around.credential.certificate, agreement.remote
        if agreed is None or certificate is None or certificate.fingerprint != agreed.ours:
            return
        if agreement.is_multiplexed:
            self._reports = None
        else:
            self._reports = self._reports or ReportGuard(agreed, certificate, self._latch, self.ports)
            self._reports.begin(agreement, now)
        if self.handshaking is not None and remote is not None:
            self._dispatch(self.handshaking.turn_to(remote, now))
        if self.handshaking is not None or self.srtp is not None or (agreed.is_client and remote is None):
            return
        self.handshaking = Handshaking(agreed, certificate, remote)
        self._dispatch(self.handshaking.begin(now))
        for datagram, source, at in early or ():
            if now - at < EARLY_S:
                self._meet(datagram, source, now)

    def _meet(self, datagram: bytes, source: Address | None, now: float) -> None:
        """Take a datagram of DTLS from whoever may be the far end."""
        handshaking = self.handshaking
        source = source or self._latch.source
        if source is None:
            return
        if handshaking is None or handshaking.is_over:
            self._keep(datagram, source, now)
        if handshaking is None:
            return
        if not self._latch.may_prove(source):
            self._latch.strangers += 1
            return
        was_over = handshaking.is_over
        self._dispatch(handshaking.take(datagram, source))
        if was_over:
            return
        if handshaking.failure:
            self._fail(handshaking)
        elif handshaking.keys is not None and handshaking.source is not None:
            self.srtp = srtp_session(handshaking.keys)
            self._latch.believe(handshaking.source)
            if handshaking.source != self._latch.expected:
                self._around.emit(SourceChanged(self._leg, *handshaking.source))
            if self._agreed is not None:
                self._around.emit(Secured(self._leg, self._agreed, handshaking.keys))
            self._settled(handshaking.source)

    def _fail(self, handshaking: Handshaking) -> None:
        self._is_vain = True
        self._around.emit(HandshakeFailed(self._leg, handshaking.why, is_final=bool(handshaking.failure)))
        self._settled(None)

    def tick(self, now: float) -> None:
        """Send again what may be lost, and tell when the keys take too long."""
        if self._reports is not None:
            self._reports.tick(now)
        handshaking = self.handshaking
        if handshaking is None:
            return
        was_over = handshaking.is_over
        self._dispatch(handshaking.tick(now))
        is_late = handshaking.is_late(now)
        if is_late or (handshaking.failure and not was_over):
            self._fail(handshaking)
        if is_late:
            self._dispatch(handshaking.begin(now))

    def _dispatch(self, parcels: list[Parcel]) -> None:
        for datagram, address in parcels:
            is_known = address == self._latch.source
            with suppress(OSError):
                (self._way if is_known else self.ports.aim(address))(datagram)

    def close(self) -> None:
        """End the handshake, and hold nothing that holds the leg."""
        self.handshaking = self._reports = self._ports = None
        self._settled, self._way = _nobody, discard


def _nobody(_where: Address | None) -> None:
    """Whose handshake it was is gone."""
