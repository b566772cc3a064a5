"""SRTP of one leg: keys in, protected packets out (RFC 3711; AEAD by RFC 7714)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from pylibsrtp import Error, Policy, Session

from media.outgoing import HEADER, VERSION_2, Packet, Send, pack_header, unpack_header
from media.sdp.crypto import SUITES, StreamKeys

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
_ROLLOVER = 0x10000
MOST_ROLLOVERS, MOST_SEARCHES = 70, 8
"""Of a stream of a day and a quarter, and how often it is searched for: strangers send packets, too."""
_STEP = 0x4000
"""By how much a context may be advanced at once: half a roll-over would be taken for a step back."""


class RolloverIndex:
    """Index of the newest packet of one SSRC: sequence number and, above it, how often that has wrapped
    (RFC 3711 §3.3.1)."""

    __slots__ = ("newest", "ssrc")

    def __init__(self) -> None:
        self.ssrc = 0
        self.newest = -1

    def count(self, packet: bytes) -> None:
        """Take one RTP packet."""
        ssrc = int.from_bytes(packet[8:12], "big")
        sequence = packet[2] << 8 | packet[3]
        if ssrc != self.ssrc or self.newest < 0:
            self.ssrc, self.newest = ssrc, sequence
            return
        ahead = ((sequence - self.newest + 0x8000) & 0xFFFF) - 0x8000
        if ahead > 0:
            self.newest += ahead

    @property
    def has_wrapped(self) -> bool:
        """Whether whoever joins the stream now cannot guess the index."""
        return self.newest >= _ROLLOVER


class SrtpSession:
    """The crypto contexts of both directions."""

    def __init__(self, keys: StreamKeys, *, is_resumed: bool = False) -> None:
        """``is_resumed`` is whether the far end may have sent by these keys for long."""
        self.forged = 0
        """Packets that were not made with the far end's key."""
        self.replayed = 0
        """Packets that came once before, or far too late."""
        self._keys = keys
        self._sent = RolloverIndex()
        self._heard = RolloverIndex()
        self._sender = _session(keys.suite, keys.sending, Policy.SSRC_ANY_OUTBOUND)
        self._receivers = [_Receiver(keys)]
        self.searches = MOST_SEARCHES if is_resumed else 0
        """How often it may still be tried to find out how long that was."""

    @property
    def counts(self) -> dict[str, int]:
        """What was not let in, by why."""
        return {"forged": self.forged, "replayed": self.replayed}

    def rekey(self, keys: StreamKeys) -> bool:
        """Take the keys of a new offer and answer; return whether our stream has to begin with a new SSRC.

        Who keeps the roll-over counter across keys, as RFC 3711 §3.3.1 asks, and who begins again at zero, as
        many do, agree only where it is zero. That of our own stream is made so by a new SSRC. Of the far end
        both are tried, and its old key as well for packets that were under way; the first packet that
        fits one of the new contexts decides.
        """
        was, self._keys = self._keys, keys
        if keys == was:
            return False
        has_new_sender = (keys.suite, keys.sending) != (was.suite, was.sending)
        if has_new_sender:
            self._sender = _session(keys.suite, keys.sending, Policy.SSRC_ANY_OUTBOUND)
        if _incoming(keys) != _incoming(was):
            fresh, old = _Receiver(keys), self._receivers[-1]
            continued = [_Receiver(keys, after=self._heard)] if self._heard.has_wrapped else []
            self._receivers = [*continued, fresh, old]
        return has_new_sender or self._sent.has_wrapped

    def protecting(self, send: Send) -> Send:
        """Return what protects RTP and gives it to ``send``."""

        def protect_and_send(packet: Packet) -> None:
            plain = bytes(packet)
            try:
                protected = self._sender.protect(plain)
            except (Error, ValueError):  # a duplicate, which must never be encrypted anew, or far too long
                return
            self._sent.count(plain)
            send(protected)

        return protect_and_send

    def unprotect(self, packet: bytes) -> bytes | None:
        """Return the RTP packet in ``packet``; None, and counted, when it is forged or a replay."""
        plain, receiver = self._try(packet, _Receiver.unprotect)
        if plain is not None:
            self.searches = 0
            self._heard.count(plain)
            if receiver is not self._receivers[-1]:
                self._receivers = [receiver]
        return plain

    def search(self, packet: bytes) -> bytes | None:
        """Return the RTP packet in what seemed forged, should its stream have wrapped some times before.

        Of use while there are `searches`, and only for what may be the far end's: others would use them up.
        """
        self.searches -= 1
        if len(packet) < HEADER.size:
            return None
        found, (_, _, sequence, _, ssrc) = _Receiver(self._keys), unpack_header(packet)
        for wrapped in range(1, MOST_ROLLOVERS):
            found.advance(self._keys, wrapped * _ROLLOVER + sequence, ssrc)
            with suppress(Error, ValueError):
                plain = found.unprotect(packet)
                self._receivers, self.forged, self.searches = [found], self.forged - 1, 0
                self._heard.ssrc, self._heard.newest = ssrc, wrapped * _ROLLOVER + sequence
                return plain
        return None

    def protect_rtcp(self, compound: bytes) -> bytes:
        """Return ``compound`` as SRTCP."""
        return self._sender.protect_rtcp(compound)

    def unprotect_rtcp(self, packet: bytes) -> bytes | None:
        """Return the RTCP compound in ``packet``; None, and counted, when it is forged or a replay."""
        return self._try(packet, _Receiver.unprotect_rtcp)[0]

    def _try(
        self, packet: bytes, unprotect: Callable[[_Receiver, bytes], bytes]
    ) -> tuple[bytes | None, _Receiver]:
        """Return what ``packet`` holds and the context that says so."""
        is_replay = False
        for receiver in self._receivers:
            try:
                return unprotect(receiver, packet), receiver
            except (Error, ValueError) as error:
                is_replay = is_replay or str(error).startswith("replay")
        self.replayed += is_replay
        self.forged += not is_replay
        return None, receiver


class _Receiver:
    """One key of the far end."""

    def __init__(self, keys: StreamKeys, *, after: RolloverIndex | None = None) -> None:
        """Expect a stream from its beginning, or its packets ``after`` those that were heard."""
        suite = SUITES[keys.suite]
        self._session = _session(keys.suite, keys.receiving, Policy.SSRC_ANY_INBOUND)
        self._mki_bytes = keys.receiving_mki_bytes
        self._tag_bytes = suite.tag_bytes
        self._rtcp_tag_bytes = suite.rtcp_tag_bytes
        self._maker: Session | None = None
        self._advanced = 0
        if after is not None:
            self.advance(keys, after.newest, after.ssrc)
            self._maker = None

    def advance(self, keys: StreamKeys, newest: int, ssrc: int) -> None:
        """Count roll-overs up to ``newest``; libsrtp lets nobody set them, but packets of our making do."""
        self._maker = self._maker or _session(keys.suite, keys.receiving, Policy.SSRC_ANY_OUTBOUND)
        for index in range(self._advanced, newest, _STEP):
            packet = pack_header(VERSION_2, 0, index & 0xFFFF, 0, ssrc)
            self._session.unprotect(self._maker.protect(packet))
            self._advanced = index + _STEP

    def unprotect(self, packet: bytes) -> bytes:
        if self._mki_bytes:
            packet = _without(packet, self._mki_bytes, before=self._tag_bytes)
        return self._session.unprotect(packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        if self._mki_bytes:
            packet = _without(packet, self._mki_bytes, before=self._rtcp_tag_bytes)
        return self._session.unprotect_rtcp(packet)


def _without(packet: bytes, mki_bytes: int, *, before: int) -> bytes:
    """Return ``packet`` without the key identifier, which nothing protects (RFC 3711 §3.1, §3.4)."""
    end = len(packet) - before
    return packet[: max(0, end - mki_bytes)] + packet[end:]


def _incoming(keys: StreamKeys) -> tuple[str, bytes, int]:
    return keys.suite, keys.receiving, keys.receiving_mki_bytes


def _session(suite: str, key: bytes, kind: int) -> Session:
    return Session(Policy(key, kind, srtp_profile=PROFILES[suite]))
