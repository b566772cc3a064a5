"""A far end for media tests that shakes hands before it says or hears anything."""

from __future__ import annotations

from functools import cache

from media.client import MediaLeg
from media.dtls import Association, Certificate
from media.memory import MemoryRtpNetwork
from media.multiplex import FIRST_REPORT, LAST_REPORT, is_dtls
from media.sdp.agreement import StreamAgreement
from media.sdp.handshake import Fingerprint, Handshake
from media.srtp import SrtpSession
from tests.media.peer import Peer


@cache
def certificate(number: int) -> Certificate:
    """Return one of the certificates of far ends, of which each ``number`` has one."""
    del number
    return Certificate()


def fingerprint_of(written: str) -> Fingerprint:
    """Return what SDP has after ``a=fingerprint:``."""
    algorithm, digest = written.split()
    return Fingerprint(algorithm, digest)


class DtlsPeer(Peer):
    """One on a memory network; the leg begins the handshake, or this."""

    def __init__(
        self, network: MemoryRtpNetwork, port: int, *, host: str = "10.0.0.1", number: int = 0
    ) -> None:
        super().__init__(network, port, host=host)
        self.certificate = certificate(number)
        self.association: Association | None = None
        self.wire: list[bytes] = []
        """All that came, as it came."""

    def secured(self, leg: MediaLeg, *, leg_begins: bool, **changes: object) -> StreamAgreement:
        """Return what ``leg`` and this settle, seen from the leg, and be ready for the handshake."""
        self.expect(leg, leg_begins=leg_begins)
        theirs = (fingerprint_of(self.certificate.fingerprint),)
        handshake = Handshake(leg.fingerprint, theirs, is_client=leg_begins)
        return self.agreement(**{"handshake": handshake, **changes})  # type: ignore[arg-type]

    def expect(self, leg: MediaLeg, *, leg_begins: bool, fingerprint: str = "") -> None:
        """Be ready for a handshake with ``leg``, whose certificate has that fingerprint."""
        theirs = (fingerprint_of(fingerprint or leg.fingerprint),)
        handshake = Handshake(self.certificate.fingerprint, theirs, is_client=not leg_begins)
        self.association, self.srtp = self.certificate.association(handshake), None

    def begin(self, to: tuple[str, int]) -> None:
        """Send the first flight."""
        assert self.association is not None
        for datagram in self.association.begin():
            self.post(datagram, to)

    def post(self, datagram: bytes, to: tuple[str, int]) -> None:
        """Send ``datagram`` as it is."""
        self._network.send(datagram, source=self.address, destination=to)

    def _receive(self, content: bytes, source: tuple[str, int]) -> None:
        self.wire.append(content)
        if not is_dtls(content, len(content)):
            if self.srtp is None:
                self.garbage += 1
            elif not FIRST_REPORT <= content[1] <= LAST_REPORT:
                super()._receive(content, source)
        elif self.association is not None:
            for datagram in self.association.take(content):
                self.post(datagram, source)
            if self.association.keys is not None and self.srtp is None:
                self.srtp = SrtpSession(self.association.keys)
