"""Session descriptions: RFC 4566 text to values and back, and the RFC 3264 offer/answer on top."""

from __future__ import annotations

from media.sdp.agreement import StreamAgreement
from media.sdp.local import LocalMedia
from media.sdp.model import Line, MediaDescription, SessionDescription
from media.sdp.negotiate import make_answer, make_offer, read_answer

__all__ = [
    "Line",
    "LocalMedia",
    "MediaDescription",
    "SessionDescription",
    "StreamAgreement",
    "make_answer",
    "make_offer",
    "read_answer",
]
