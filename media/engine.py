"""The media engine without sockets, clock or threads: commands and packets in, packets and events out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from media.answerers import Answerers
from media.commands import (
    Bridge,
    CloseLeg,
    Command,
    ConnectLeg,
    Echo,
    FillPauses,
    JoinRoom,
    LegClosed,
    LegOpened,
    LegRefused,
    ListenForAnswerer,
    ListenForTones,
    OpenLeg,
    Play,
    Record,
    SendDigits,
    StopPlaying,
    StopRecording,
    StopTape,
    Tap,
    Unbridge,
    Untap,
)
from media.endpoint import LegPorts
from media.errors import PortsExhausted
from media.inband import Listeners
from media.keying import CertificateMade, MakeCertificate
from media.leg import Leg
from media.mixer import Room
from media.pacing import Pacer
from media.surroundings import Surroundings
from media.tape import Tapes
from media.voice import Voice

CHECK_SECONDS = 0.1
"""Each leg has its own instants within a second, so that a thousand legs are never looked after at once."""

_OF_NO_LEG = (OpenLeg, StopTape, MakeCertificate)
"""What is ordered where there is no leg yet, or not of one."""


class OpenPorts(Protocol):
    """Where legs get their ports."""

    def __call__(self, leg: Leg, wished: int = 0, *, is_spare: bool = False) -> LegPorts:
        """Lease ports for ``leg``, one wished for or 0, and let its packets come to `Leg.receive`.

        Raises:
            PortsExhausted: none is free.
        """


class Grid:
    """The voices whose packets are equally long, and when these are due."""

    def __init__(self, interval_s: float) -> None:
        self.voices: dict[int, Voice] = {}
        """By leg."""
        self._pacer = Pacer(interval_s)

    @property
    def deadline(self) -> float:
        """When `tick` is due; in the past when it is due at once."""
        return self._pacer.deadline or 0.0

    def tick(self, now: float) -> None:
        """Send the packets that are due on all legs together."""
        if self.voices:
            self._pacer.start(now)
            for _ in range(self._pacer.due(now)):
                self._serve(now)
        self._rest()

    def drop(self, leg: int) -> None:
        """Let ``leg`` send here no more."""
        self.voices.pop(leg, None)
        self._rest()

    def _rest(self) -> None:
        """Owe nobody anything for a time in which nobody sends."""
        if not self.voices:
            self._pacer.stop()

    def _serve(self, now: float) -> None:
        for voice in [voice for voice in self.voices.values() if not voice.tick(now)]:
            if not voice.is_paced:
                self.voices.pop(voice.leg, None)


class Engine:
    """All legs of one process. Whoever drives it calls `tick` when `deadline` has come."""

    def __init__(
        self, around: Surroundings, open_ports: OpenPorts, *, wake: Callable[[], None] = lambda: None
    ) -> None:
        """Call ``wake`` when a packet, and no command, made something due."""
        self._wake = wake
        self._around = around
        self._open_ports = open_ports
        self._legs: dict[int, Leg] = {}
        self._spares: dict[int, Leg] = {}
        """Legs that nobody has used yet."""
        self._rooms: dict[int, Room] = {}
        self._grids: dict[int, Grid] = {}
        """By milliseconds of a packet; nearly all legs are on that of 20."""
        self._listeners = Listeners(around.emit)
        self._answerers = Answerers(around.emit, has_codec=around.shelf.has)
        self._tapes = Tapes(around.emit, files=around.files, syncs=around.syncs)
        self._check_at = 0.0
        self._let_speak = self._pace
        """One for all legs, each of which keeps it."""
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            OpenLeg: self._open,
            ConnectLeg: self._connect,
            Play: self._play,
            StopPlaying: self._stop_playing,
            FillPauses: self._fill_pauses,
            Bridge: self._bridge,
            Unbridge: self._unbridge,
            Echo: self._echo,
            JoinRoom: self._join_room,
            SendDigits: self._send_digits,
            Record: self._record,
            StopRecording: self._stop_recording,
            Tap: self._tap,
            Untap: self._untap,
            StopTape: self._stop_tape,
            ListenForTones: self._listen_for_tones,
            ListenForAnswerer: self._listen_for_answerer,
            MakeCertificate: self._make_certificate,
            CloseLeg: self._close,
        }

    def handle(self, command: Command, now: float) -> None:
        """Do what signalling asks for. What concerns a leg that is gone is passed over: the two cross."""
        if command.leg in self._spares:
            self._use(command.leg, self._spares.pop(command.leg), now)
        if isinstance(command, _OF_NO_LEG):
            self._handlers[type(command)](command, now)
        elif command.leg in self._legs:
            self._legs[command.leg].settle()
            self._handlers[type(command)](command, now)

    @property
    def deadline(self) -> float | None:
        """When `tick` is due; in the past when it is due at once, None when nothing is."""
        deadlines = [grid.deadline for grid in self._grids.values() if grid.voices]
        if self._legs or self._tapes.is_busy:
            deadlines.append(self._check_at)
        return min(deadlines, default=None)

    def tick(self, now: float) -> None:
        """Send the packets that are due, and look after the legs."""
        for grid in self._grids.values():
            grid.tick(now)
        if now >= self._check_at:
            self._check(now)

    def _pace(self, voice: Voice) -> None:
        """Let ``voice`` send on the grid of its packets, and on no other any more."""
        if voice.ptime_ms not in self._grids:
            self._grids[voice.ptime_ms] = Grid(voice.ptime_ms / 1000)
        if not self._grids[voice.ptime_ms].voices:
            self._wake()
        for ptime_ms, grid in self._grids.items():
            if ptime_ms == voice.ptime_ms:
                grid.voices[voice.leg] = voice
            else:
                grid.drop(voice.leg)

    def _check(self, now: float) -> None:
        self._check_at = now + CHECK_SECONDS
        for leg in self._legs.values():
            leg.check(now)
        self._tapes.flush(now)
        self._listeners.hear(now)
        for number in self._answerers.hear(now):
            self._legs[number].audience.listen_for_answerer(None)

    def close(self, now: float) -> None:
        """Close all legs; recordings are finished in the background."""
        for number in (*self._legs, *self._spares):
            self.handle(CloseLeg(number), now)
        self._tapes.close(now)

    # Commands

    def _open(self, command: OpenLeg, now: float) -> None:
        leg = Leg(command.leg, self._around, pace=self._let_speak)
        try:
            leg.attach(self._open_ports(leg, command.port, is_spare=command.is_spare))
        except PortsExhausted as error:
            self._around.emit(LegRefused(command.leg, str(error)))
            return
        if command.is_spare:
            self._spares[command.leg] = leg
        else:
            self._use(command.leg, leg, now)
        self._around.emit(LegOpened(command.leg, leg.ports.hosts, leg.ports.port))

    def _use(self, number: int, leg: Leg, now: float) -> None:
        """Look after ``leg`` from now on."""
        if not self._legs:
            self._check_at = now + CHECK_SECONDS
        self._legs[number] = leg

    def _connect(self, command: ConnectLeg, now: float) -> None:
        self._legs[command.leg].connect(
            command.agreement,
            allows_nat=command.allows_nat,
            peer_host=command.peer_host,
            rtp_timeout_s=command.rtp_timeout_s,
            now=now,
        )

    def _play(self, command: Play, _now: float) -> None:
        self._legs[command.leg].voice.play(command)

    def _stop_playing(self, command: StopPlaying, _now: float) -> None:
        voice = self._legs[command.leg].voice
        voice.clear_keypad()
        voice.stop()

    def _fill_pauses(self, command: FillPauses, _now: float) -> None:
        self._legs[command.leg].fill_pauses()

    def _bridge(self, command: Bridge, now: float) -> None:
        leg, other = self._legs[command.leg], self._legs.get(command.other)
        leg.part()
        if other is None:
            return
        other.part()
        leg.partner, other.partner = other, leg
        leg.silence.due_since = other.silence.due_since = now
        leg.link()
        other.link()

    def _unbridge(self, command: Unbridge, _now: float) -> None:
        self._legs[command.leg].part()

    def _echo(self, command: Echo, _now: float) -> None:
        leg = self._legs[command.leg]
        leg.part()
        leg.partner = leg
        leg.link()

    def _join_room(self, command: JoinRoom, now: float) -> None:
        leg = self._legs[command.leg]
        if leg.seat is not None and leg.seat.room is self._rooms.get(command.room):
            leg.seat.role, leg.seat.to = command.role, command.to
            return
        leg.part()
        room = self._rooms.get(command.room)
        if room is None:
            room = self._rooms[command.room] = Room(
                lambda codec: self._around.shelf.has(codec, "PCMA"),
                on_empty=lambda: self._rooms.pop(command.room, None),
            )
        leg.silence.due_since = now
        leg.sit(room, command.role, command.to)

    def _send_digits(self, command: SendDigits, _now: float) -> None:
        self._legs[command.leg].voice.press(command.digits)

    def _record(self, command: Record, now: float) -> None:
        leg = self._legs[command.leg]
        leg.audience.record(command, _codec_of(leg), now)

    def _stop_recording(self, command: StopRecording, _now: float) -> None:
        self._legs[command.leg].audience.stop_recording()

    def _tap(self, command: Tap, now: float) -> None:
        leg = self._legs[command.leg]
        leg.audience.tap(self._tapes.tape(command, now).on(command.channel, _codec_of(leg)))

    def _untap(self, command: Untap, _now: float) -> None:
        self._legs[command.leg].audience.tap(None)

    def _stop_tape(self, command: StopTape, now: float) -> None:
        for leg in self._legs.values():
            leg.deliver()
        self._tapes.stop(command.tape, now)

    def _listen_for_tones(self, command: ListenForTones, now: float) -> None:
        self._listeners.drop(command.leg)
        listener = self._listeners.add(command.leg, now) if command.is_on else None
        self._legs[command.leg].audience.listen_for_tones(None if listener is None else listener.listen)

    def _listen_for_answerer(self, command: ListenForAnswerer, now: float) -> None:
        self._answerers.drop(command.leg)
        audience = self._legs[command.leg].audience
        audience.listen_for_answerer(self._answerers.add(command.leg, now) if command.is_on else None)

    def _make_certificate(self, command: MakeCertificate, _now: float) -> None:
        self._around.credential.make(
            command.pem, lambda made: self._around.emit(CertificateMade(0, made.fingerprint, made.pem))
        )

    def _close(self, command: CloseLeg, now: float) -> None:
        leg = self._legs.pop(command.leg)
        self._listeners.drop(command.leg)
        self._answerers.drop(command.leg)
        leg.close(now)
        for grid in self._grids.values():
            grid.drop(command.leg)
        self._around.emit(LegClosed(command.leg, leg.statistics(now)))


def _codec_of(leg: Leg) -> str:
    """Return the codec in which ``leg`` will most likely be heard."""
    return "PCMA" if leg.agreement is None else leg.agreement.codec
