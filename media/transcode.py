"""Sound of one codec turned into another's, packet by packet in even time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from media import codecs
from media.codecs.g711 import ALAW_TO_ULAW, ULAW_TO_ALAW
from media.dtmf import EVENT_BYTES, SEGMENT_TICKS, duration_of, longest, prolonged
from media.encoding import Encoding
from media.outgoing import MARKER, OutgoingStream
from media.relay import HEADER_BYTES, Convert, Header
from media.rtp import timestamp_delta
from media.speech import Speech

EVENT_SECONDS = 0.06
"""So long behind a packet of a key press no sound is sent: the next one is due within it."""
AWAY_S = 0.1
"""Longer than any packet: who is asked for nothing meanwhile was not heard, but something else."""


def _as_it_is(payload: bytes) -> bytes:
    return payload


def table(source: str, target: str) -> Convert | None:
    """Return what turns payloads of ``source`` into ``target`` without decoding: G.711 to G.711 alone."""
    if (source, target) == ("PCMA", "PCMU"):
        return lambda payload: payload.translate(ALAW_TO_ULAW)
    if (source, target) == ("PCMU", "PCMA"):
        return lambda payload: payload.translate(ULAW_TO_ALAW)
    return None


class Transcoder:
    """Decodes what one leg sends and encodes it for another, which takes a packet from here when one is due.

    Between them lies a jitter buffer: an encoder must get its samples in order and without holes.
    """

    def __init__(
        self,
        out: OutgoingStream,
        encoding: Encoding,
        *,
        accepts: Mapping[int, str],
        events: Mapping[int, Callable[[bytes], bytes] | None],
        event_type: int | None,
    ) -> None:
        """Speak into ``out`` what comes as ``accepts`` says by payload type, press the keys of ``events``."""
        self._out = out
        self._accepts = accepts
        self._events = events
        self._event_type = event_type
        self._encoding = encoding
        self._encoder: codecs.Codec | None = None
        self._rate = codecs.encoder(encoding).sample_rate_hz
        self._size = self._rate * encoding.ptime_ms // 1000
        self._speech = Speech(self._rate)
        self._event = -1
        """RTP timestamp of the key press under way, on the speaker's clock."""
        self._former_event = -1
        """That of the one before it."""
        self._event_key = -1
        self._event_before = 0
        """How long its segments before this one were (RFC 4733 §2.5.1.3), on the listener's clock."""
        self._event_start = 0
        self._event_until = 0.0
        self._asked_at = 0.0

    # What arrives

    def take(self, header: Header, packet: bytearray, size: int, now: float) -> None:
        """Take an RTP packet without CSRC, extension and padding."""
        _, second, _, timestamp, ssrc = header
        payload_type = second & 0x7F
        payload = bytes(packet[HEADER_BYTES:size])
        codec = self._accepts.get(payload_type)
        if codec is not None:
            take = self._speech.hold if self._out.is_taken else self._speech.push
            take(codec, payload, timestamp=timestamp, ssrc=ssrc, now=now)
        elif not self._out.is_taken and payload_type in self._events and self._event_type is not None:
            convert = self._events[payload_type] or _as_it_is
            if len(payload) >= EVENT_BYTES and timestamp != self._former_event:  # that is over
                self._pass_event(payload, timestamp, second > 0x7F, convert, now)

    def _pass_event(
        self, payload: bytes, timestamp: int, is_marked: bool, convert: Callable[[bytes], bytes], now: float
    ) -> None:
        """Send a packet of a key press on; all of one press bear the time it began (RFC 4733 §2.3.1)."""
        assert self._event_type is not None
        out = self._out
        begun = out.take_over(self._events, now)
        is_new = timestamp != self._event
        if is_new and not is_marked and self._continues(payload, timestamp):
            is_new = False
            self._event_before += duration_of(convert(longest(payload)))
        elif is_new:
            self._event_key, self._event_start, self._event_before = payload[0], begun, 0
        if timestamp != self._event:
            self._former_event, self._event = self._event, timestamp
        out.timestamp = begun
        self._event_until = now + EVENT_SECONDS
        out.send_packet(
            (MARKER if is_new else 0) | self._event_type,
            prolonged(convert(payload), self._event_before),
            timestamp=self._event_start,
            now=now,
        )

    def _continues(self, payload: bytes, timestamp: int) -> bool:
        """Return whether a press that was too long for one event goes on with ``payload``."""
        return payload[0] == self._event_key and timestamp_delta(timestamp, self._event) == SEGMENT_TICKS

    # What leaves

    def next_frame(self, now: float) -> bytes | None:
        """Return the payload that is due; None while the speaker pauses or presses a key."""
        if now - self._asked_at > AWAY_S:  # a prompt was in its place, to which the far end is used now
            self._encoder = None
        self._asked_at = now
        due = self._speech.pull(self._size, now)
        if due is None or now < self._event_until:
            return None
        self._encoder = self._encoder or codecs.encoder(self._encoding)
        return self._encoder.encode(due)
