"""Rooms in which more than two hear one another: conference, monitoring, barge-in, a word to one alone."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media import codecs
from media.commands import Role
from media.relay import HEADER_BYTES, Header
from media.resample import Resampler
from media.sdp.agreement import StreamAgreement
from media.speech import Speech

NARROW_HZ, WIDE_HZ = 8000, 16_000
"""Rooms are mixed in wideband as soon as somebody in them speaks it."""
FRAMES_PER_SECOND = 50
KEPT_FRAMES = 6
"""Longer packets, and legs whose turn comes a little later, find frames that others have taken already."""
LATE_S = 0.03
"""Who asks so much later than its packets are long was given something else to say or to press meanwhile."""
AWAY_S = 0.1
"""Longer than any packet: who asks for nothing meanwhile had something else to hear, or to press."""
LOUDEST = 32_000
RELEASE = 0.02
"""By how much a limiter opens again with each frame: after a second it is as before."""

Pcm = NDArray[np.int16]
Wide = NDArray[np.int32]


class Limiter:
    """Keeps a sum of voices within 16 bits: at once softer where it is too loud, slowly louder again."""

    def __init__(self) -> None:
        self._gain = 1.0

    def limit(self, total: Wide) -> Pcm:
        """Return ``total`` without a click and without a wrap."""
        peak = int(np.abs(total).max(initial=0))
        if self._gain == 1.0 and peak <= LOUDEST:
            return total.astype(np.int16)
        gain = min(1.0, self._gain + RELEASE, LOUDEST / max(peak, 1))
        # A rising gain passes over the frame; a falling one must hold from its first sample on.
        gains = np.linspace(min(self._gain, gain), gain, len(total))
        self._gain = gain
        return (total * gains).astype(np.int16)


@dataclass(frozen=True, slots=True)
class _Mixed:
    """20 ms of a room."""

    voices: dict[int, Wide]
    """What each leg says, by its number; who is silent is not there."""
    everybody: Wide
    """The sum of what is for all."""


class Room:
    """Who is in it, and what was said in the last frames.

    Whoever's turn comes first has the next frame mixed; the others find it there. All take turns on the same
    absolute grid, so nobody's clock is the room's.
    """

    def __init__(self, has_codec: Callable[[str], bool], *, on_empty: Callable[[], object]) -> None:
        """``has_codec`` says whether a codec can be made at once; if not, it can in a moment.

        ``on_empty`` is told when the last one has left.
        """
        self.has_codec = has_codec
        self._on_empty = on_empty
        self.seats: dict[int, Seat] = {}
        """By leg."""
        self.rate = NARROW_HZ
        """Samples per second."""
        self._frames: deque[_Mixed] = deque(maxlen=KEPT_FRAMES)
        self.mixed = 0
        """How many frames were mixed."""

    def leave(self, leg: int) -> None:
        """Let ``leg`` be here no more."""
        self.seats.pop(leg, None)
        if not self.seats:
            self._on_empty()

    def tune(self) -> None:
        """Take the rate that those who are in it need."""
        is_wide = any(seat.is_wideband for seat in self.seats.values())
        rate = WIDE_HZ if is_wide else NARROW_HZ
        if rate != self.rate:
            self.rate = rate
            self._frames.clear()
            for seat in self.seats.values():
                seat.retune()

    def frame(self, number: int, now: float) -> tuple[int, _Mixed]:
        """Return the frame ``number``, or the next one where that was forgotten, and its number."""
        if number < self.mixed - len(self._frames) or number > self.mixed:
            number = self.mixed
        if number == self.mixed:
            self._frames.append(self._mix(now))
            self.mixed += 1
        return number, self._frames[number - self.mixed]

    def _mix(self, now: float) -> _Mixed:
        size = self.rate // FRAMES_PER_SECOND
        everybody = np.zeros(size, np.int32)
        voices: dict[int, Wide] = {}
        for leg, seat in self.seats.items():
            said = seat.speech.pull(size, now)
            if said is not None and seat.role is not Role.MONITOR:
                voices[leg] = said.astype(np.int32)
                if seat.role is Role.PARTY:
                    everybody += voices[leg]
        return _Mixed(voices, everybody)


class Seat:
    """One leg in a room: takes its packets, and has what it is to hear ready when its packet is due."""

    def __init__(self, room: Room, leg: int, role: Role, to: int) -> None:
        """``to`` is the only leg that hears a coach."""
        self.room = room
        self.leg = leg
        self.role = role
        self.to = to
        self.speech = Speech(room.rate)
        self._agreement: StreamAgreement | None = None
        self._accepts: Mapping[int, str] = {}
        self._encoder: codecs.Codec | None = None
        self._resampler = Resampler(room.rate, room.rate)
        self._limiter = Limiter()
        self._ready: Pcm = np.empty(0, np.int16)
        self._next = room.mixed
        self._asked_at = math.inf
        self._ahead = 0
        """How many frames others had taken before it when it asked last."""

    @property
    def is_wideband(self) -> bool:
        """Whether it hears more than a telephone lets through."""
        return self._encoder is not None and self._encoder.sample_rate_hz > NARROW_HZ

    def connect(self, agreement: StreamAgreement | None) -> None:
        """Take what offer and answer settled."""
        self._agreement = agreement
        self._accepts = agreement.accepted if agreement is not None and agreement.receives else {}
        self._encoder = None
        self._prepare()

    def _prepare(self) -> None:
        """Make the encoder once its codec is there; the first of a kind may need a moment."""
        agreement = self._agreement
        if agreement is None or not self.room.has_codec(agreement.codec):
            return
        self._encoder = codecs.encoder(agreement.encoding)
        self.retune()
        self.room.tune()

    def retune(self) -> None:
        """Take the rate of the room."""
        self.speech = Speech(self.room.rate)
        self._ready = self._ready[:0]
        if self._encoder is not None:
            self._resampler = Resampler(self.room.rate, self._encoder.sample_rate_hz)

    def forward(self, header: Header, packet: bytearray, size: int, now: float) -> None:
        """Take an RTP packet without CSRC, extension and padding; key presses are for no ear."""
        _, second, _, timestamp, ssrc = header
        codec = self._accepts.get(second & 0x7F)
        if codec is not None and self.room.has_codec(codec):
            payload = bytes(packet[HEADER_BYTES:size])
            self.speech.push(codec, payload, timestamp=timestamp, ssrc=ssrc, now=now)

    def next_frame(self, now: float) -> bytes | None:
        """Return the payload that is due: all that this leg may hear, or silence.

        None while its codec is not there yet.
        """
        if self._encoder is None or self._agreement is None:
            self._prepare()
            return None
        if now - self._asked_at > self._agreement.ptime_ms / 1000 + LATE_S:
            self._next = max(self._next, self.room.mixed - self._ahead)  # so as not to be later than before
        self._ahead = self.room.mixed - self._next
        if now - self._asked_at > AWAY_S:  # a prompt was in its place, to which the far end is used now
            self._encoder, self._ready = codecs.encoder(self._agreement.encoding), self._ready[:0]
        self._asked_at = now
        size = self._encoder.sample_rate_hz * self._agreement.ptime_ms // 1000
        while len(self._ready) < size:
            number, mixed = self.room.frame(self._next, now)
            self._next = number + 1
            heard = self._resampler.feed(self._limiter.limit(self._heard_in(mixed)))
            self._ready = np.concatenate((self._ready, heard))
        due, self._ready = self._ready[:size], self._ready[size:]
        return self._encoder.encode(due)

    def _heard_in(self, mixed: _Mixed) -> Wide:
        """Return the sum of the others, and of who speaks to this leg alone."""
        heard = mixed.everybody
        if self.role is Role.PARTY and self.leg in mixed.voices:
            heard = heard - mixed.voices[self.leg]
        for leg, seat in self.room.seats.items():
            if seat.role is Role.COACH and seat.to == self.leg and leg in mixed.voices:
                heard = heard + mixed.voices[leg]
        return heard
