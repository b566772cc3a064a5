"""Sound of one codec turned into another's, packet by packet in even time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from media import codecs
from media.codecs.g711 import ALAW_TO_ULAW, ULAW_TO_ALAW
from media.ear import Ear
from media.encoding import Encoding, clock_rate_hz, duration_ticks
from media.jitter import Frame, JitterBuffer, Missing
from media.outgoing import MARKER, OutgoingStream
from media.relay import HEADER_BYTES, Convert, Header

EVENT_SECONDS = 0.06
"""So long behind a packet of a key press no sound is sent: the next one is due within it."""
_JOINED_S = 0.005
"""In which sound passes over what is left out."""


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
        self._encoder = codecs.encoder(encoding)
        self._rate = self._encoder.sample_rate_hz
        self._size = self._rate * encoding.ptime_ms // 1000
        self._ready: NDArray[np.int16] = np.empty(0, np.int16)
        self._codec = ""
        self._clock_hz = self._rate
        self._buffer = JitterBuffer(self._rate)
        self._ear: Ear | None = None
        self._is_after_spare = False
        self._event = -1
        """RTP timestamp of the key press under way, on the speaker's clock."""
        self._event_start = 0
        self._event_until = 0.0

    # What arrives

    def take(self, header: Header, packet: bytearray, size: int, now: float) -> None:
        """Take an RTP packet without CSRC, extension and padding."""
        _, second, _, timestamp, ssrc = header
        payload_type = second & 0x7F
        if self._out.is_taken:
            self._forget()
            return
        payload = bytes(packet[HEADER_BYTES:size])
        codec = self._accepts.get(payload_type)
        if codec is not None:
            if codec != self._codec:
                self._change_codec(codec)
            ticks = duration_ticks(codec, payload)
            if ticks:
                self._buffer.push(timestamp, ssrc, payload, ticks=ticks, now=now)
        elif payload_type in self._events and self._event_type is not None:
            self._pass_event(payload, timestamp, self._events[payload_type], now)

    def _change_codec(self, codec: str) -> None:
        self._codec = codec
        self._clock_hz = clock_rate_hz(codec)
        self._buffer = JitterBuffer(self._clock_hz)
        self._ear = Ear(codec, self._rate)

    def _forget(self) -> None:
        """Begin anew behind a prompt that takes the place of this sound."""
        self._codec = ""
        self._ear = None
        self._ready = self._ready[:0]

    def _pass_event(
        self, payload: bytes, timestamp: int, convert: Callable[[bytes], bytes] | None, now: float
    ) -> None:
        """Send a packet of a key press on; all of one press bear the time it began (RFC 4733 §2.3.1)."""
        assert self._event_type is not None
        out = self._out
        begun = out.next_timestamp(now)
        is_new = timestamp != self._event
        if is_new:
            self._event, self._event_start = timestamp, begun
        out.timestamp = begun
        out.source = self._events
        self._event_until = now + EVENT_SECONDS
        out.send_packet(
            (MARKER if is_new else 0) | self._event_type,
            payload if convert is None else convert(payload),
            timestamp=self._event_start,
            now=now,
        )

    # What leaves

    def next_frame(self, now: float) -> bytes | None:
        """Return the payload that is due; None while the speaker pauses or presses a key."""
        while len(self._ready) < self._size:
            samples = self._next_samples(now)
            if samples is None:
                return None
            self._ready = np.concatenate((self._ready, samples))
        due, self._ready = self._ready[: self._size], self._ready[self._size :]
        return None if now < self._event_until else self._encoder.encode(due)

    def _next_samples(self, now: float) -> NDArray[np.int16] | None:
        """Return the samples that follow, as many as there are at once; None in a pause."""
        if self._ear is None:
            return None
        wanted = -(-(self._size - len(self._ready)) * self._clock_hz // self._rate)
        played = self._buffer.pull(wanted, now)
        if isinstance(played, Missing):
            return self._ear.conceal(played.ticks / self._clock_hz)
        if isinstance(played, Frame):
            return self._joined(self._ear.hear(played.payload), is_spare=played.is_spare)
        return None

    def _joined(self, samples: NDArray[np.int16], *, is_spare: bool) -> NDArray[np.int16]:
        """Return ``samples``, or of spare ones their beginning alone, faded into by what follows."""
        size = min(round(_JOINED_S * self._rate), len(samples))
        if self._is_after_spare and not is_spare:
            left = self._ready[len(self._ready) - size :]
            if len(left) == size:
                rising = np.arange(size) / size
                joint = (left * (1 - rising) + samples[:size] * rising).astype(np.int16)
                self._ready = np.concatenate((self._ready[:-size], joint))
                samples = samples[size:]
        self._is_after_spare = is_spare
        return samples[:size] if is_spare else samples
