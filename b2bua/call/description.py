"""How a leg describes its sound to the far end: our side of offers and answers (RFC 3264)."""

from __future__ import annotations

import random
from dataclasses import replace

from b2bua.call.sound import SoundProfile
from media.client import MediaLeg
from media.sdp.agreement import StreamAgreement
from media.sdp.crypto import Crypto, SrtpPolicy, new_keys
from media.sdp.local import LocalMedia
from media.sdp.negotiate import make_answer, make_offer


class Description:
    """What we say of our sound in one dialog, and what the far end knows of it by now."""

    __slots__ = ("_hosts", "_profile", "_said", "_told", "local")

    def __init__(self, media: MediaLeg, profile: SoundProfile, peer: str, *, waits: bool) -> None:
        """``waits`` is whether ``peer`` may only be reached where it sends from."""
        self._profile = profile
        self._hosts = media.hosts
        address, other_address = profile.addresses_toward(peer, own=media.hosts)
        self.local = LocalMedia(
            address=address,
            port=media.address[1],
            session_id=random.getrandbits(40),  # it has to be another one, and need not be secret
            version=1,
            codecs=profile.codecs,
            ptime_ms=profile.ptime_ms,
            srtp=profile.srtp,
            crypto=() if profile.srtp in (SrtpPolicy.OFF, SrtpPolicy.DTLS) else new_keys(),
            other_address=other_address,
            fingerprint=media.fingerprint,
            waits=waits,
        )
        """What holds now."""
        self._told = _kept(self.local)
        """What the far end knows."""
        self._said = b""
        """How we described ourselves last."""

    @property
    def has_moved(self) -> bool:
        """Whether the far end knows another port of ours, or other keys, than those that hold now."""
        return self._told != _kept(self.local)

    def face(self, peer: str) -> None:
        """Take the addresses that ``peer``, whose signalling is at that address, can send sound to."""
        address, other = self._profile.addresses_toward(peer, own=self._hosts)
        self.local = replace(self.local, address=address, other_address=other)

    def begin_anew(self, local: LocalMedia) -> None:
        """Describe ``local`` from now on, to somebody who knows nothing of us yet."""
        self._said = b""
        self.local = replace(local, version=local.version + 1, origin=None, handshake=None)

    def next_version(self) -> None:
        """Begin a description that follows another one."""
        self.local = replace(self.local, version=self.local.version + 1)

    def offer_again(self) -> bytes:
        """Return an offer that follows another description."""
        self.next_version()
        return self.offer()

    def offer(self) -> bytes:
        """Return an offer; what it says of its origin holds for the whole dialog."""
        self.local = replace(self.local, origin=self.local.origin or self.local.address)
        self._told = _kept(self.local)
        self._said = make_offer(self.local, after=self._said)
        return self._said

    def answer(self, offer: bytes, *, prefer: str | None = None) -> tuple[bytes, StreamAgreement]:
        """Return our answer, with the codec ``prefer`` where it is offered, and what it settles.

        Raises:
            MediaError: the offer is broken or shares no codec with us.
        """
        answer, agreement = make_answer(offer, self.local, prefer=prefer)
        self._told, self._said = _kept(self.local), answer
        return answer, agreement

    def answer_again(self, offer: bytes, was: StreamAgreement | None) -> tuple[bytes, StreamAgreement]:
        """Return our answer to an offer within the dialog (§8): hold, resume, new address, other codec.

        The codec stays where it is offered still, as the other leg may have it too; but who offers others
        than before, or in another order, wants another one. Where nothing changes, as in a refresh of the
        session, the description is the same to the letter: its version grows with changes alone.

        Raises:
            MediaError: as ``answer``.
        """
        before, said = self.local, self._said
        answer, agreement = self._answer_anew(offer, was)
        if answer.replace(_version(self.local), _version(before), 1) == said:
            self._told, self.local, self._said = _kept(before), before, said
        return self._said, agreement

    def _answer_anew(self, offer: bytes, was: StreamAgreement | None) -> tuple[bytes, StreamAgreement]:
        self.next_version()
        answer, agreement = self.answer(offer, prefer=was.codec if was is not None else None)
        if was is not None and was.shared and was.shared != agreement.shared:
            return self.answer(offer)
        return answer, agreement

    def settled(self, agreement: StreamAgreement) -> None:
        """Take what offer and answer came to."""
        self.local = self.local.after(agreement)

    def move(self, media: MediaLeg) -> None:
        """Take another port, and other keys as the next worker does not know how far the old ones went."""
        self._hosts = media.hosts
        self.local = replace(self.local, port=media.address[1])
        if media.agreement is not None and media.agreement.is_keyed_by_sdp:
            self.local = replace(self.local, crypto=new_keys())


def _kept(local: LocalMedia) -> tuple[int, tuple[Crypto, ...]]:
    """Return what stays as it is in a dialog, unless its sound moves: port and keys."""
    return local.port, local.crypto


def _version(local: LocalMedia) -> bytes:
    """Return what stands in the description's ``o=`` of a version."""
    return b"o=- %d %d " % (local.session_id, local.version)
