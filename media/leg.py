"""One far end: what it hears, what it says, which keys it presses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from media.background import Background
from media.commands import (
    DigitPressed,
    Event,
    Heard,
    Play,
    Played,
    Record,
    Recorded,
    RtpTimedOut,
    SourceChanged,
    Trouble,
)
from media.dtmf import EventReceiver
from media.endpoint import Address, Endpoint, Latch
from media.errors import MalformedMedia
from media.incoming import IncomingStream, plain_size
from media.keypad import Keypad
from media.outgoing import CLOCK_HZ, VERSION_2, OutgoingStream, discard, unpack_header
from media.player import Player
from media.recorder import Recorder
from media.relay import HEADER_BYTES, Relay, Route
from media.reports import REPORT_SECONDS, Reporter
from media.sdp.negotiate import StreamAgreement
from media.soundfile import Loudness
from media.sounds import SoundLibrary
from media.transcode import converter

CHECK_SECONDS = 1.0
"""How often a leg is looked after, recordings apart."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all legs of an engine share."""

    emit: Callable[[Event], None]
    """Tells signalling."""
    sounds: SoundLibrary
    """Prompts, encoded once."""
    files: Background
    """Writes recordings."""
    syncs: Background
    """Waits for the disk, so that `files` need not."""
    random: Random
    """Where streams begin."""


class Leg:
    """The media of one party of a call; the engine calls it, nothing here waits."""

    def __init__(self, number: int, name: str, around: Surroundings, *, pace: Callable[[Leg], None]) -> None:
        self.number = number
        self.name = name
        self.agreement: StreamAgreement | None = None
        self.incoming = IncomingStream()
        self.out = OutgoingStream(around.random)
        self.latch = Latch()
        self.recorder: Recorder | None = None
        self.sink: Relay | None = None
        self.partner: Leg | None = None
        """Who hears this leg and is heard by it: another leg, itself (echo), or nobody."""
        self._around = around
        self._pace = pace
        self._endpoint: Endpoint | None = None
        self._accepts: dict[int, str] = {}
        self._event_types: frozenset[int] = frozenset()
        self._events = EventReceiver(CLOCK_HZ)
        self._player: Player | None = None
        self._keypad = Keypad()
        self._rtp_timeout_s = 0.0
        self._due_since = 0.0
        self._is_silent = False
        self._reporter = Reporter(self.out, self.incoming)
        self._check_at = 0.0
        self._report_at = 0.0

    # Connection

    def attach(self, endpoint: Endpoint) -> None:
        """Take the ports."""
        self._endpoint = endpoint

    @property
    def endpoint(self) -> Endpoint:
        """The leg's ports."""
        assert self._endpoint is not None
        return self._endpoint

    def connect(
        self, agreement: StreamAgreement, *, allows_nat: bool, rtp_timeout_s: float, now: float
    ) -> None:
        """Take what offer and answer settled; the outgoing stream stays continuous."""
        was, self.agreement = self.agreement, agreement
        self._accepts = dict(agreement.accepts) if agreement.receives else {}
        self._event_types = agreement.event_payload_types if agreement.receives else frozenset()
        self._rtp_timeout_s = rtp_timeout_s
        if was is None:
            self._check_at = now + CHECK_SECONDS * self._around.random.random()
            # The first report comes early (RFC 3550 §6.2), and no two legs report at once.
            self._report_at = now + REPORT_SECONDS * (0.2 + 0.3 * self._around.random.random())
        if was is None or not was.receives:
            self._due_since = now
        if agreement.remote is not None and self.latch.expect(agreement.remote, allows_nat=allows_nat):
            self.out.send = self.endpoint.aim(agreement.remote)
        if self._player is not None and (was is None or was.codec != agreement.codec):
            self._load(self._player)
        self.link()
        if self.partner is not None:
            self.partner.link()

    @property
    def can_send(self) -> bool:
        """Whether the far end wants to hear something, and where is known."""
        return self.agreement is not None and self.agreement.sends and self.out.send is not discard

    # What arrives

    def on_packet(self, packet: bytearray, size: int, source: Address | None, now: float) -> None:
        """Take one datagram; ``packet`` is changed. ``source`` is None where the network has checked it."""
        if size < HEADER_BYTES or packet[0] != VERSION_2:
            size = plain_size(packet, size)
            if not size:
                self.incoming.malformed += 1
                return
        header = unpack_header(packet)
        _, second, sequence, timestamp, ssrc = header
        payload_type = second & 0x7F
        codec = self._accepts.get(payload_type)
        if codec is None and payload_type not in self._event_types:
            self.incoming.unknown += 1
            if source is None or source == self.latch.source:
                self.incoming.heard_at = (
                    now  # comfort noise (RFC 3389) is no audio of ours, but a sign of life
                )
            return
        if source is not None and source != self.latch.source and not self._latch(source):
            return
        if self.incoming.heard_at is None:
            self._around.emit(Heard(self.number))
        self.incoming.count(sequence, timestamp, ssrc, now)
        if codec is None:
            self._take_event(bytes(packet[HEADER_BYTES:size]), timestamp, second > 0x7F, sequence)
        elif self.recorder is not None:
            audio = bytes(packet[HEADER_BYTES:size])
            self.recorder.write(codec, audio, timestamp=timestamp, ssrc=ssrc, now=now)
        if self.sink is not None:
            self.sink.forward(header, packet, size, now)

    def _latch(self, source: Address) -> bool:
        if not self.latch.admits(source):
            return False
        self.out.send = self.endpoint.lock(source)
        if source != self.latch.expected:
            self._around.emit(SourceChanged(self.number, *source))
        return True

    def _take_event(self, payload: bytes, timestamp: int, is_marked: bool, sequence: int) -> None:
        try:
            digits = self._events.feed(payload, timestamp, is_marked, sequence)
        except MalformedMedia:
            self.incoming.malformed += 1
            return
        for digit in digits:
            self._around.emit(DigitPressed(self.number, digit))

    # Who hears whom

    def link(self) -> None:
        """Route what arrives here to whoever listens, by both agreements as they are now."""
        listener = self.partner
        self.sink = None if listener is None else Relay(listener.out, routes(self, listener))

    def part(self) -> None:
        """End a bridge or an echo on both sides."""
        partner, self.partner, self.sink = self.partner, None, None
        if partner is not None and partner is not self:
            partner.part()

    # What it is played

    def play(self, command: Play) -> None:
        """Replace what plays."""
        self.stop_playing()
        self._player = Player(command.playback, command.items, is_looped=command.is_looped)
        self._take_turns()
        if self.agreement is not None:
            self._load(self._player)

    def stop_playing(self) -> None:
        """Cut what plays."""
        player, self._player = self._player, None
        if player is not None:
            self._take_turns()
            self._around.emit(Played(self.number, player.number, is_complete=False))

    def press(self, digits: str) -> None:
        """Send ``digits`` after those still to be sent."""
        self._keypad.press(digits)
        self._take_turns()

    def clear_keypad(self) -> None:
        """Forget digits that were not sent."""
        self._keypad.clear()
        self._take_turns()

    @property
    def is_paced(self) -> bool:
        """Whether the leg has something of its own to send each 20 ms."""
        has_sound = self._player is not None and self._player.is_loaded
        return self.agreement is not None and (has_sound or not self._keypad.is_idle)

    def tick(self, now: float) -> bool:
        """Send the next 20 ms; return whether that was possible, so that more is to come."""
        agreement, player = self.agreement, self._player
        if agreement is None or (not self._keypad.is_idle and self._press_on(agreement, now)):
            return agreement is not None
        frame = player.next_frame() if player is not None and player.is_loaded else None
        if frame is not None:
            if agreement.sends:
                self.out.send_frame(agreement.payload_type, frame, source=player, now=now)
            return True
        if player is not None and player.is_loaded:
            self._player = None
            self._take_turns()
            self._around.emit(Played(self.number, player.number, is_complete=True))
        return False

    def _press_on(self, agreement: StreamAgreement, now: float) -> bool:
        """Spend 20 ms of the digits to be sent; return whether they took the place of audio."""
        event_type = agreement.telephone_event
        if event_type is None or not self.can_send:
            self._keypad.clear()
            self._around.emit(Trouble(self.number, "digits not sent: the far end takes no RFC 4733 events"))
            return False
        is_pressing = self._keypad.is_pressing
        self._keypad.tick(self.out, event_type, now)
        self._take_turns()
        return is_pressing

    def _take_turns(self) -> None:
        self.out.is_taken = self._player is not None or self._keypad.is_pressing
        if self.is_paced:
            self._pace(self)

    def _load(self, player: Player) -> None:
        assert self.agreement is not None
        codec = self.agreement.codec

        def loaded(sounds: list[bytes], troubles: list[str]) -> None:
            for trouble in troubles:
                self._around.emit(Trouble(self.number, trouble))
            if self.agreement is not None and self.agreement.codec == codec:
                player.load(sounds)
                self._take_turns()

        self._around.sounds.load(player.items, codec, loaded)

    # What is recorded

    def record(self, command: Record, now: float) -> None:
        """Record the far end, in place of what is being recorded."""
        self.stop_recording()
        codec = "PCMA" if self.agreement is None else self.agreement.codec

        def ended(seconds: float, loudness: Loudness, error: str) -> None:
            if self.recorder is recorder:
                self.recorder = None
            peak, is_silent = loudness.peak_dbfs, loudness.is_silent
            self._around.emit(
                Recorded(self.number, command.recording, seconds, peak, is_silent=is_silent, error=error)
            )

        recorder = self.recorder = Recorder(
            Path(command.path),
            codec,
            files=self._around.files,
            syncs=self._around.syncs,
            ended=ended,
            now=now,
            max_seconds=command.max_seconds,
        )

    def stop_recording(self) -> None:
        """Finish what is being recorded."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.finish()

    # Time and end

    def check(self, now: float) -> None:
        """Do what is due a few times a second: hand over recorded audio, notice a silent far end."""
        if self.recorder is not None:
            self.recorder.flush(now)
            if self.recorder.is_over:
                self.recorder = None
        if self.agreement is None or now < self._check_at:
            return
        self._check_at = now + CHECK_SECONDS
        self._watch_silence(self.agreement, now)
        if now >= self._report_at and self.can_send:
            self._report_at = now + REPORT_SECONDS
            self.endpoint.send_rtcp(self._reporter.report(now))

    def _watch_silence(self, agreement: StreamAgreement, now: float) -> None:
        """Tell once when nothing came for too long; again only after something came."""
        since = max(self._due_since, self.incoming.heard_at or 0.0)
        is_silent = agreement.receives and now - since >= self._rtp_timeout_s
        if is_silent and not self._is_silent:
            self._around.emit(RtpTimedOut(self.number))
        self._is_silent = is_silent

    def on_report(self, compound: bytes, source: Address, now: float) -> None:
        """Take an RTCP datagram; only the far end's counts, whatever port it uses."""
        known = self.latch.source or self.latch.expected
        if known is not None and source[0] == known[0]:
            self._reporter.take(compound, now)
            self._due_since = now  # who mutes without sending RTP still reports

    def statistics(self) -> dict[str, float]:
        """Return the leg's numbers."""
        return {**self._reporter.statistics(), "strangers": self.latch.strangers}

    def close(self, now: float) -> None:
        """End all that is under way and give the ports back."""
        self.part()
        self.stop_playing()
        self.stop_recording()
        self.endpoint.close(now)


def routes(source: Leg, listener: Leg) -> dict[int, Route]:
    """Return how each payload type that ``source`` may send reaches ``listener``; nothing while on hold."""
    theirs, ours = source.agreement, listener.agreement
    if theirs is None or ours is None or not ours.sends or not theirs.receives:
        return {}
    table: dict[int, Route] = {}
    if ours.telephone_event is not None:
        table |= dict.fromkeys(theirs.event_payload_types, (ours.telephone_event, None))
    table |= {number: (ours.payload_type, converter(codec, ours.codec)) for number, codec in theirs.accepts}
    return table
