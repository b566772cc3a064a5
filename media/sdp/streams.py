"""Which of the offered streams we take, and which one an answer is about."""

from __future__ import annotations

from typing import TypeAlias

from media.encoding import clock_rate_hz
from media.errors import NoCommonCodec
from media.sdp.crypto import Crypto, SrtpPolicy, agree, read_crypto
from media.sdp.formats import OPUS, Format, read_formats
from media.sdp.handshake import Handshake, answer_to
from media.sdp.local import LocalMedia
from media.sdp.model import MediaDescription, SessionDescription
from media.sdp.network import address_of

PLAIN_RTP = ("RTP/AVP", "RTP/AVPF")
DTLS_RTP = ("UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")
SECURE_RTP = ("RTP/SAVP", "RTP/SAVPF", *DTLS_RTP)

Security: TypeAlias = Crypto | Handshake | None
"""How an offered stream would be protected: by this key line, by this handshake, or not at all."""


def choose_stream(
    theirs: SessionDescription, local: LocalMedia, prefer: str | None
) -> tuple[MediaDescription, Format, Security]:
    """Return the first stream of the offer that we can take, the codec, and how to protect it.

    Raises:
        MalformedMedia: a connection line cannot be read.
        NoCommonCodec: there is none.
    """
    for stream, security in _candidates(theirs, local):
        address = address_of(theirs, stream)
        if address is not None and address.version not in local.versions:
            continue
        common = [known for known in read_formats(stream) if is_ours(known, local)]
        if common:
            codec = next((known for known in common if known.encoding == prefer), common[0])
            return stream, codec, security
    offered = "; ".join(str(stream) for stream in theirs.media) or "no stream"
    networks = " and ".join(f"IPv{version}" for version in sorted(local.versions))
    raise NoCommonCodec(
        f"offered {offered}; we have {networks} and {', '.join(local.codecs)}, SRTP is {local.srtp}"
    )


def _candidates(theirs: SessionDescription, local: LocalMedia) -> list[tuple[MediaDescription, Security]]:
    """Return the audio streams that our SRTP policy admits, those first that can be protected."""
    secured: list[tuple[MediaDescription, Security]] = []
    plain: list[tuple[MediaDescription, Security]] = []
    for stream in filter(is_usable, theirs.media):
        if not is_secure(stream) and not local.srtp.accepts_plain:
            continue
        security = _security(theirs, stream, local)
        if security is not None:
            secured.append((stream, security))
        elif not is_secure(stream):
            plain.append((stream, None))
    return secured + plain


def _security(theirs: SessionDescription, stream: MediaDescription, local: LocalMedia) -> Security:
    """Return how our policy lets ``stream`` be protected: by its first key line for which we have a key, too.

    A handshake comes about where there is none, or the protocol admits nothing else.
    """
    if local.srtp is SrtpPolicy.OFF:
        return None
    is_dtls = local.srtp is SrtpPolicy.DTLS or stream.protocol.upper() in DTLS_RTP
    lines = () if is_dtls else read_crypto(stream)
    crypto = next((each for each in lines if agree(each, local.crypto) is not None), None)
    if crypto is not None or not is_secure(stream) or not local.fingerprint:
        return crypto
    return answer_to(theirs, stream, ours=local.fingerprint, before=local.handshake, waits=local.waits)


def is_ours(known: Format, local: LocalMedia) -> bool:
    """Return whether ``known`` is one of our codecs, at its usual rate and number of channels."""
    channels = OPUS.channels if known.encoding == OPUS.encoding else 1
    is_usual = known.clock_rate_hz == clock_rate_hz(known.encoding) and known.channels == channels
    return known.encoding in local.codecs and is_usual


def is_usable(stream: MediaDescription) -> bool:
    """Return whether ``stream`` is audio over RTP that is not switched off."""
    return stream.kind == "audio" and stream.port != 0 and stream.protocol.upper() in PLAIN_RTP + SECURE_RTP


def is_secure(stream: MediaDescription) -> bool:
    """Return whether ``stream`` is SRTP or nothing."""
    return stream.protocol.upper() in SECURE_RTP


def answered_stream(
    ours: SessionDescription, theirs: SessionDescription
) -> tuple[MediaDescription, MediaDescription]:
    """Return the first stream that both sides want, as offered and as answered.

    Raises:
        NoCommonCodec: there is none.
    """
    for asked, answered in zip(ours.media, theirs.media, strict=False):
        if is_usable(asked) and is_usable(answered):
            return asked, answered
    raise NoCommonCodec("the answer refuses the stream")
