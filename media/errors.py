"""The errors of the media package. Signalling turns them into SIP statuses; media knows none."""

from __future__ import annotations


class MediaError(Exception):
    """Root of every error that this package raises on purpose."""


class MalformedMedia(MediaError):
    """A peer, or a file, breaks the format it claims to be in (SDP, RTP, RTCP, RFC 4733, WAV)."""


class NoCommonCodec(MediaError):
    """No audio stream that both sides can carry: codec, protocol or address family differ."""


class PortsExhausted(MediaError):
    """Every RTP port of the configured range is leased."""


class EngineGone(MediaError):
    """The media engine died or does not answer; a new one may be there in a second."""


def in_words(error: Exception) -> str:
    """Return what went wrong as an owner of an office reads it: "No space left on device"."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
