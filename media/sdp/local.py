"""Our own side of a stream, as offers and answers are made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from media.errors import NoCommonCodec
from media.sdp.agreement import StreamAgreement, one_of_all
from media.sdp.crypto import Crypto, SrtpPolicy
from media.sdp.handshake import Handshake
from media.sdp.network import is_name, read_ip


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Our side of the stream."""

    address: str
    """The IP address at which we receive."""
    port: int
    """The RTP port at which we receive."""
    session_id: int
    """Stays the same for the whole dialog."""
    version: int
    """Goes up by one with each changed description (RFC 3264 §8)."""
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    """What we can send and receive, most wanted first."""
    ptime_ms: int = 20
    """Milliseconds of audio per packet that we would like to get."""
    srtp: SrtpPolicy = SrtpPolicy.OFF
    """Whether the stream is protected."""
    crypto: tuple[Crypto, ...] = ()
    """Our keys, one for each suite; the same for the whole dialog, so that re-INVITEs change no context."""
    other_address: str | None = None
    """Where else we receive at that port: by the other IP version."""
    origin: str | None = None
    """The address of the dialog's first description, which its ``o=`` keeps (RFC 3264 §8)."""
    numbers: tuple[tuple[str, int], ...] = ()
    """Codecs whose payload types the peer knows; they stay the same for the dialog (RFC 3264 §8.3.2)."""
    is_multiplexed: bool = False
    """Whether our offers ask for RTCP on the RTP port: the peer has agreed to that (RFC 5761 §5.1.1)."""
    fingerprint: str = ""
    """Of the certificate that we prove by handshake to have; empty: there is none, so no DTLS either."""
    handshake: Handshake | None = None
    """By what the keys of this dialog came about; offers keep to it."""
    waits: bool = False
    """Whether we let the peer begin where the choice is ours: it may only be reached where it sends from."""

    @property
    def offers_dtls(self) -> bool:
        """Whether offers ask for a handshake: of its own accord, or as the dialog has had one."""
        return self.srtp is SrtpPolicy.DTLS or self.handshake is not None

    @property
    def versions(self) -> tuple[int, ...]:
        """The IP versions by which we can receive, the one at hand first."""
        own = (self.address,) if self.other_address is None else (self.address, self.other_address)
        return tuple([read_ip(each).version for each in own])

    def by(self, version: int | None) -> LocalMedia:
        """Return the same at our address of that IP version; ``self`` where we have none or need none."""
        if self.other_address is None or version != self.versions[1]:
            return self
        return replace(self, address=self.other_address, other_address=self.address)

    def after(self, agreement: StreamAgreement) -> LocalMedia:
        """Return how to go on in a dialog: by the IP version, protocol and payload types that the peer took.

        Its codec comes first from then on: whom it talks with may have chosen that for its sake.

        Raises:
            NoCommonCodec: the peer is to be reached by an IP version that we do not have.
        """
        remote = agreement.remote
        version = None if remote is None or is_name(remote[0]) else read_ip(remote[0]).version
        if version is not None and version not in self.versions:
            raise NoCommonCodec(f"answered with an address of IPv{version}, which we do not have")
        local = self.by(version)
        numbers = dict(self.numbers) | {codec: number for number, codec in reversed(agreement.accepts)}
        srtp = self.srtp
        if srtp in (SrtpPolicy.OFFERED, SrtpPolicy.BEST_EFFORT):
            srtp = SrtpPolicy.OFFERED if agreement.is_savp else SrtpPolicy.BEST_EFFORT
        return replace(
            local,
            origin=self.origin or local.address,
            codecs=one_of_all(tuple(sorted(self.codecs, key=lambda codec: codec != agreement.codec))),
            srtp=srtp,
            numbers=one_of_all(tuple(numbers.items())),
            is_multiplexed=agreement.is_multiplexed,
            handshake=agreement.handshake,
        )
