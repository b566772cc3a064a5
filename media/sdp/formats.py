"""The payload types of one stream: static ones known by number, dynamic ones by ``a=rtpmap``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from media.errors import NoCommonCodec
from media.sdp.model import Line, MediaDescription

TELEPHONE_EVENT = "telephone-event"

_RTPMAP = re.compile(r"([0-9]{1,3})[ \t]+([^\s/]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type and what travels under it."""

    payload_type: int
    """0 to 127."""
    encoding: str
    """Its name, as this package spells it where it knows it: ``PCMU``, ``telephone-event``."""
    clock_rate_hz: int
    """Of the RTP timestamp; for G.722 that is 8000 (RFC 3551 §4.5.2)."""
    channels: int = 1
    """Audio channels."""

    @property
    def is_event(self) -> bool:
        """Whether DTMF events at the 8 kHz clock of our codecs travel under it (RFC 4733 §2.1)."""
        return self.encoding == TELEPHONE_EVENT and self.clock_rate_hz == 8000

    @property
    def rtpmap(self) -> Line:
        """The ``a=rtpmap`` line that says so."""
        return Line("a", f"rtpmap:{self.payload_type} {self.encoding}/{self.clock_rate_hz}")


STATIC = {
    0: Format(0, "PCMU", 8000),
    3: Format(3, "GSM", 8000),
    8: Format(8, "PCMA", 8000),
    9: Format(9, "G722", 8000),
    18: Format(18, "G729", 8000),
}
"""Payload types that mean the same without ``a=rtpmap`` (RFC 3551 §6), as far as phones use them."""

_SPELLINGS = {known.encoding.lower(): known.encoding for known in STATIC.values()}
_SPELLINGS[TELEPHONE_EVENT] = TELEPHONE_EVENT


def static_format(codec: str) -> Format:
    """Return the static payload type of ``codec``.

    Raises:
        NoCommonCodec: it has none.
    """
    for known in STATIC.values():
        if known.encoding == codec:
            return known
    raise NoCommonCodec(f"{codec} has no static payload type")


def read_formats(stream: MediaDescription, offered: Iterable[Format] = ()) -> tuple[Format, ...]:
    """Return the payload types of ``stream`` that can be told, most wanted first.

    A number without ``a=rtpmap`` means what ``offered`` said of it, else what RFC 3551 says: some phones
    leave the line out, above all in answers.
    """
    meanings = STATIC | {known.payload_type: known for known in offered}
    meanings |= {
        known.payload_type: known for known in map(_read_rtpmap, stream.attributes("rtpmap")) if known
    }
    numbers = (int(text) for text in stream.formats if text.isascii() and text.isdigit() and len(text) < 4)
    return tuple(meanings[number] for number in dict.fromkeys(numbers) if number in meanings)


def _read_rtpmap(value: str) -> Format | None:
    """Return the format that an ``a=rtpmap`` value declares; None for what no phone can mean."""
    match = _RTPMAP.fullmatch(value)
    if match is None or int(match[1]) > 127:
        return None
    encoding = _SPELLINGS.get(match[2].lower(), match[2])
    # Old phones wrote the sampling rate of G.722 instead of its RTP clock.
    clock_rate_hz = 8000 if encoding == "G722" else int(match[3])
    return Format(int(match[1]), encoding, clock_rate_hz, int(match[4] or 1))
