"""The payload types of one stream: static ones known by number, dynamic ones by ``a=rtpmap``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from media.encoding import LOWEST_OPUS_BIT_RATE, OPUS_BIT_RATE
from media.errors import NoCommonCodec
from media.sdp.model import MOST_REMEMBERED, Line, MediaDescription

TELEPHONE_EVENT = "telephone-event"

EVENT_PAYLOAD_TYPES = {8000: 101, 48_000: 110}
"""Ours for DTMF by clock rate. 101 is what nearly every peer uses, so that even those who ignore the SDP are
understood; browsers use 110."""
OPUS_PARAMETERS = "useinbandfec=1;stereo=0;sprop-stereo=0"
"""RFC 7587 §6.1. Most packets go on to another phone as they are, and its decoder repairs losses by FEC."""

_RTPMAP = re.compile(r"([0-9]{1,3})[ \t]+([^\s/]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?\s*", re.ASCII)
_MAX_BIT_RATE = re.compile(r"(?:^|[;\s])maxaveragebitrate[ \t]*=[ \t]*([0-9]{1,7})", re.ASCII | re.IGNORECASE)


class Format(NamedTuple):
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
        """Whether DTMF events at the clock of one of our codecs travel under it (RFC 4733 §2.1)."""
        return self.encoding == TELEPHONE_EVENT and self.clock_rate_hz in EVENT_PAYLOAD_TYPES

    @property
    def rtpmap(self) -> Line:
        """The ``a=rtpmap`` line that says so."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return Line("a", f"rtpmap:{self.payload_type} {self.encoding}/{self.clock_rate_hz}{channels}")

    @property
    def fmtp(self) -> tuple[Line, ...]:
        """The ``a=fmtp`` line with what we have to say of it, if anything."""
        parameters = "0-15" if self.is_event else OPUS_PARAMETERS if self.encoding == "opus" else ""
        return (Line("a", f"fmtp:{self.payload_type} {parameters}"),) if parameters else ()


STATIC = {
    0: Format(0, "PCMU", 8000),
    3: Format(3, "GSM", 8000),
    8: Format(8, "PCMA", 8000),
    9: Format(9, "G722", 8000),
    18: Format(18, "G729", 8000),
}
"""Payload types that mean the same without ``a=rtpmap`` (RFC 3551 §6), as far as phones use them."""

OPUS = Format(111, "opus", 48_000, 2)
"""The number that browsers use; always as two channels at 48 kHz, whatever is sent (RFC 7587 §7)."""

_SPELLINGS = {known.encoding.lower(): known.encoding for known in (*STATIC.values(), OPUS)}
_SPELLINGS[TELEPHONE_EVENT] = TELEPHONE_EVENT


def our_format(codec: str, numbers: Mapping[str, int]) -> Format:
    """Return ``codec`` as we offer it: under the number that the peer knows already, or the usual one.

    Raises:
        NoCommonCodec: it has no payload type.
    """
    usual = next((known for known in (*STATIC.values(), OPUS) if known.encoding == codec), None)
    if usual is None:
        raise NoCommonCodec(f"{codec} has no payload type")
    return usual._replace(payload_type=numbers.get(codec, usual.payload_type))


@lru_cache(maxsize=MOST_REMEMBERED)
def our_formats(codecs: tuple[str, ...], numbers: tuple[tuple[str, int], ...]) -> tuple[Format, ...]:
    """Return ``codecs`` as we offer them, and DTMF events at their clocks behind them.

    Raises:
        NoCommonCodec: one has no payload type.
    """
    known_numbers = dict(numbers)
    audio = tuple(our_format(codec, known_numbers) for codec in codecs)
    clocks = {known.clock_rate_hz for known in audio}
    return (*audio, *our_events(clocks, taken=(known.payload_type for known in audio)))


@lru_cache(maxsize=MOST_REMEMBERED)
def format_lines(formats: tuple[Format, ...]) -> tuple[Line, ...]:
    """Return the lines that say what ``formats`` are."""
    return (*(known.rtpmap for known in formats), *(line for known in formats for line in known.fmtp))


def our_events(clock_rates: Iterable[int], taken: Iterable[int]) -> tuple[Format, ...]:
    """Return DTMF events at each of ``clock_rates``, the lowest first, under numbers not ``taken``."""
    events: list[Format] = []
    used = set(taken)
    for rate in sorted(set(clock_rates)):
        usual = EVENT_PAYLOAD_TYPES[rate]
        number = next(each for each in (usual, *_DYNAMIC) if each not in used)
        used.add(number)
        events.append(Format(number, TELEPHONE_EVENT, rate))
    return tuple(events)


_DYNAMIC = range(96, 128)
"""Payload types that mean what the SDP says (RFC 3551 §6)."""


def event_for(formats: Iterable[Format], clock_rate_hz: int) -> Format | None:
    """Return the events among ``formats`` that go with audio of a clock; others where there are none such.

    Many phones offer Opus with events at 8 kHz alone. Their durations count ticks of 8 kHz then; the
    timestamps are those of the stream all the same.
    """
    events = [known for known in formats if known.is_event]
    return next((known for known in events if known.clock_rate_hz == clock_rate_hz), next(iter(events), None))


def bit_rate(stream: MediaDescription, codec: Format) -> int:
    """Return the bits per second of Opus, no more than the peer's ``maxaveragebitrate`` (RFC 7587 §6.1)."""
    if codec.encoding != OPUS.encoding:
        return OPUS_BIT_RATE
    for value in stream.attributes("fmtp"):
        number, _, parameters = value.partition(" ")
        match = _MAX_BIT_RATE.search(parameters)
        if match is not None and number == str(codec.payload_type):
            allowed = max(LOWEST_OPUS_BIT_RATE, min(int(match[1]), OPUS_BIT_RATE))
            return allowed // 800 * 800  # whole bytes in 10 ms
    return OPUS_BIT_RATE


def read_formats(stream: MediaDescription, offered: Iterable[Format] = ()) -> tuple[Format, ...]:
    """Return the payload types of ``stream`` that can be told, most wanted first.

    A number without ``a=rtpmap`` means what ``offered`` said of it, else what RFC 3551 says: some phones
    leave the line out, above all in answers.
    """
    return _read_formats(stream.formats, stream.attributes("rtpmap"), tuple(offered))


@lru_cache(maxsize=MOST_REMEMBERED)
def _read_formats(
    written: tuple[str, ...], rtpmaps: tuple[str, ...], offered: tuple[Format, ...]
) -> tuple[Format, ...]:
    meanings = STATIC | {known.payload_type: known for known in offered}
    meanings |= {known.payload_type: known for known in map(_read_rtpmap, rtpmaps) if known}
    numbers = (int(text) for text in written if text.isascii() and text.isdigit() and len(text) < 4)
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
