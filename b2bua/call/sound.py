"""How our legs negotiate sound, and where it can be sent to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from b2bua.call.aiming import FindHosts, nobody_finds
from b2bua.call.digits import DtmfMode
from b2bua.sip.transport.addressing import is_ipv6, is_private, with_zone
from media.call_tones import CallTones, call_tones
from media.sdp.agreement import StreamAgreement
from media.sdp.crypto import SrtpPolicy


@dataclass(frozen=True, slots=True)
class SoundProfile:
    """How our legs negotiate sound; the same for a whole office, but that trunks have their own SRTP."""

    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    """What is offered and accepted, most wanted first."""
    public_addresses: tuple[str, ...] = ()
    """What goes into SDP toward peers beyond a NAT, one of each IP version; none: the address of the port."""
    rtp_timeout_s: float = 30.0
    """A talker who was heard and then sends nothing for so long is dead."""
    srtp: SrtpPolicy = SrtpPolicy.OFF
    """Whether sound is protected."""
    ptime_ms: int = 20
    """Milliseconds of sound per packet that we ask for."""
    tones: CallTones = field(default_factory=lambda: call_tones(""))
    """What tells the far end how its call stands."""
    dtmf: DtmfMode = DtmfMode.AUTO
    """How keys that are pressed come and go."""
    find_hosts: FindHosts = nobody_finds
    """Looks up hosts that an SDP has by their names."""

    def of_party(
        self, srtp: str | None, codecs: Sequence[str] | None = None, dtmf: str = DtmfMode.AUTO
    ) -> SoundProfile:
        """Return the same for a party that has a policy of SRTP, codecs or a way of digits of its own."""
        own = self.srtp if srtp is None else SrtpPolicy(srtp), tuple(codecs or self.codecs), DtmfMode(dtmf)
        if own == (self.srtp, self.codecs, self.dtmf):
            return self
        return replace(self, srtp=own[0], codecs=own[1], dtmf=own[2])

    def needs_certificate(self, offer: bytes | None = None) -> bool:
        """Return whether a leg has to prove who it is: our offers ask for certificates, or ``offer`` does."""
        is_asked = self.srtp is not SrtpPolicy.OFF and b"a=fingerprint:" in (offer or b"")
        return is_asked or self.srtp is SrtpPolicy.DTLS

    def first(self, codecs: Sequence[str], *, ptime_ms: int) -> SoundProfile:
        """Return the same for who is to talk with a peer that has ``codecs``: these first, in its order."""
        first = tuple(codec for codec in codecs if codec in self.codecs)
        rest = tuple(codec for codec in self.codecs if codec not in first)
        if (first + rest, ptime_ms) == (self.codecs, self.ptime_ms):
            return self
        return replace(self, codecs=first + rest, ptime_ms=ptime_ms)

    def address_toward(self, peer: str, *, own: str) -> str:
        """Return the address for SDP: phones beside us get the real one, few routers send theirs back in."""
        if is_private(peer):
            return own
        return next((each for each in self.public_addresses if is_ipv6(each) == is_ipv6(own)), own)

    def addresses_toward(self, peer: str, *, own: Sequence[str]) -> tuple[str, str | None]:
        """Return the address for our offers to ``peer``, of the IP version of its signalling, and the other.

        RFC 6157 §4.1 leaves the choice to us; who signals by one version can most likely hear by it, too.
        """
        if len(own) == 1:
            return self.address_toward(peer, own=own[0]), None
        hosts = sorted(own, key=lambda host: is_ipv6(host) != is_ipv6(peer))
        first, *others = (self.address_toward(peer, own=host) for host in hosts)
        return first, next(iter(others), None)


def scoped(agreement: StreamAgreement, peer: str) -> StreamAgreement:
    """Return ``agreement`` with the link on which its link-local address is: the one that ``peer`` is on.

    An SDP cannot name the link itself.
    """
    if agreement.remote is None or "%" not in peer:
        return agreement
    host, port = agreement.remote
    return replace(agreement, remote=(with_zone(host, peer), port))
