"""One far end: what it hears, what it says, which keys it presses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from media.audience import Audience
from media.commands import Counted, DigitPressed, Heard, Role, RtpTimedOut, SourceChanged
from media.dtmf import EventReceivers
from media.encoding import clock_rate_hz
from media.endpoint import Address, Latch, LegPorts
from media.errors import MalformedMedia
from media.flow import Flow, Receive, usual_flow
from media.guard import Guard
from media.incoming import IncomingStream, plain_size
from media.interpreter import Interpreter
from media.mixer import Room, Seat
from media.multiplex import is_foreign, told_apart
from media.outgoing import VERSION_2, OutgoingStream, Send, discard, to_each, unpack_header
from media.pauses import Pauses
from media.relay import HEADER_BYTES, Header, Relay
from media.reports import Reporter
from media.routes import is_open, must_decode, routes
from media.sdp.agreement import StreamAgreement
from media.silence import SilenceWatch
from media.surroundings import Surroundings
from media.voice import Voice

CHECK_SECONDS = 1.0
"""How often a leg is looked after, recordings apart."""


class Leg:
    """The media of one party of a call; the engine calls it, nothing here waits."""

    __slots__ = (
        "_accepts", "_around", "_check_at", "_events", "_guard", "_interpreter", "_is_multiplexed", "_pauses",
        "_ports", "_receivers", "_reporter", "agreement", "audience", "flow", "incoming", "latch", "number",
        "out", "partner", "receive", "seat", "silence", "sink", "voice",
    )  # fmt: skip

    def __init__(self, number: int, around: Surroundings, *, pace: Callable[[Voice], None]) -> None:
        self.number = number
        self.agreement: StreamAgreement | None = None
        self.incoming = IncomingStream()
        self.out = OutgoingStream(around.random)
        self.voice = Voice(number, self.out, emit=around.emit, sounds=around.sounds, pace=pace)
        self.receive: Receive = self.on_packet
        """Takes one datagram of the network: `on_packet`, or what unprotects or sorts it first."""
        self.flow: Flow | None = None
        """What comes as usual, and may be read and sent on at once; None: nothing may."""
        self.latch = Latch()
        self.audience = Audience(number, around, changed=self._choose_way)
        """Who takes the audio that comes, besides whoever it is sent on to."""
        self.sink: Relay | Seat | None = None
        self.partner: Leg | None = None
        """Who hears this leg and is heard by it: another leg, itself (echo), or nobody."""
        self.seat: Seat | None = None
        """Its place in a room, if it is in one."""
        self._around = around
        self._ports: LegPorts | None = None
        self._accepts: Mapping[int, str] = {}
        self._events: Mapping[int, int] = {}
        """By payload type: their clock."""
        self._receivers: EventReceivers | None = None
        """Of key presses, once one comes."""
        self._pauses: Pauses | None = None
        """What fills its pauses, if anything does."""
        self._interpreter: Interpreter | None = None
        """At work since the listener was sent what it could not get as it is."""
        self._guard = Guard(number, around, self.latch, settled=self._settled)
        self._is_multiplexed = False
        self.silence = SilenceWatch(self.incoming)
        self._reporter = Reporter(self.out, self.incoming)
        self._check_at = 0.0

    # Connection

    def attach(self, ports: LegPorts) -> None:
        """Take the ports."""
        self._ports = ports
        self._guard.attach(ports)

    @property
    def ports(self) -> LegPorts:
        """Where this leg receives."""
        assert self._ports is not None
        return self._ports

    def connect(
        self,
        agreement: StreamAgreement,
        *,
        allows_nat: bool,
        peer_host: str,
        rtp_timeout_s: float,
        now: float,
    ) -> None:
        """Take what offer and answer settled; the outgoing stream stays continuous."""
        self.settle()
        was, self.agreement = self.agreement, agreement
        self._accepts = agreement.accepted if agreement.receives else {}
        self._events = agreement.event_rates if agreement.receives else {}
        self.incoming.clock_hz = clock_rate_hz(agreement.codec)
        self.out.take_encoding(agreement.encoding, self._around.random)
        self.silence.timeout_s = rtp_timeout_s
        if was is None:
            self._check_at = now + CHECK_SECONDS * self._around.random.random()
            self._reporter.begin(now, self._around.random)
        if was is None or (was.sends, was.receives) != (agreement.sends, agreement.receives):
            self.silence.begin(now)  # who held without music and is back has to be heard anew
        self._protect(agreement)
        self._multiplex(agreement)
        if agreement.remote is not None and self.latch.expect(
            agreement.remote, allows_nat=allows_nat, peer_host=peer_host
        ):
            self._send_by(self.ports.aim(agreement.remote))
            self.ports.rtcp_remote = agreement.remote_rtcp
        elif was is not None and _is_talk(agreement) and not _is_talk(was) and self.latch.reopen():
            self._send_by(to_each([self.ports.aim(each) for each in self.latch.targets]))
        if not self._guard.is_waiting:  # else nobody would hear how it begins
            self.voice.connect(agreement)
        if self._pauses is not None:
            self._pauses.connect(agreement.encoding)
        if agreement != was:  # what refreshes the session is not to be heard
            self.link()
            if self.partner is not None:
                self.partner.link()
        self._guard.begin(agreement, now)

    def _protect(self, agreement: StreamAgreement) -> None:
        """Begin, change or end the protection of both directions."""
        is_other_stream, is_other_way = self._guard.take(agreement)
        if is_other_stream:
            self.out.restart(self._around.random)
        if is_other_way:
            self._start_anew()

    def _settled(self, source: Address | None) -> None:
        """Send by the keys of a handshake where ``source`` is; None: speak to nobody, as there are none."""
        if source is not None:
            self.out.restart(self._around.random)
            self._send_by(self.ports.lock(source))
        if self.agreement is not None:
            self.voice.connect(self.agreement)

    def _multiplex(self, agreement: StreamAgreement) -> None:
        """Have RTCP on the RTP port, or on the one above, as agreed (RFC 5761)."""
        if agreement.is_multiplexed != self._is_multiplexed:
            self._is_multiplexed = agreement.is_multiplexed
            self.ports.multiplex(is_on=agreement.is_multiplexed)
            self._start_anew()

    def _start_anew(self) -> None:
        """Let what arrives go to who understands it now, and find out anew where it comes from."""
        self._choose_way()
        self.out.send = discard
        if self.latch.expected is not None:
            self.ports.aim(self.latch.expected)
        self.latch.forget()

    def _choose_way(self) -> None:
        """Let what arrives go the shortest way to who understands it now."""
        self.settle()
        take = self.on_packet if self._guard.is_open else self._on_guarded
        self.receive = told_apart(take, self.on_report) if self._is_multiplexed else take
        self.flow = self._usual_flow()
        self.voice.fill(self._pauses if self.partner is None and self.seat is None else None)
        if self._ports is not None:
            self._ports.read_anew()

    def fill_pauses(self) -> None:
        """Send silence from now on where there is nothing else to send."""
        if self._pauses is None:
            self._pauses = Pauses(self._around.sounds)
            if self.agreement is not None:
                self._pauses.connect(self.agreement.encoding)
            self._choose_way()

    def _usual_flow(self) -> Flow | None:
        """Return the stream that nobody has to look at, None where each packet has to be."""
        agreement, relay = self.agreement, self.sink
        if agreement is None or not self._guard.is_open or isinstance(relay, Seat):
            return None
        rival = None if self.partner is None else self.partner.voice
        return usual_flow(
            agreement, self.incoming, relay, self.audience, otherwise=self._on_news, rival=rival
        )

    def settle(self) -> None:
        """Have all numbers of both directions here; to be called before they are read or changed."""
        if self.flow is not None:
            self.flow.settle()
        self.out.settle()

    def deliver(self) -> None:
        """Let who listens have all that came; to be called before that is written or looked at."""
        if self.flow is not None:
            self.flow.deliver()

    def _send_by(self, send: Send) -> None:
        self.out.settle()
        self.out.send = self._guard.sending(send)

    # What arrives

    def _on_news(self, packet: bytearray, size: int, source: Address | None, now: float) -> None:
        """Take what is no usual packet of a flow, or comes as that has just ended."""
        self.settle()
        self.receive(packet, size, source, now)

    def _on_guarded(self, packet: bytearray, size: int, source: Address | None, now: float) -> None:
        """Take one datagram of SRTP: what the far end's key did not make is not even looked at."""
        size = self._guard.unprotect(packet, size, source, now)
        if size:
            self.on_packet(packet, size, source, now)

    def on_packet(self, packet: bytearray, size: int, source: Address | None, now: float) -> None:
        """Take one datagram; ``packet`` is changed. ``source`` is None where the network has checked it."""
        if size < HEADER_BYTES or packet[0] != VERSION_2:
            came, size = size, plain_size(packet, size)
            if not size:
                self.incoming.malformed += not is_foreign(packet, came)
                self._guard.keep(packet, came, source, now)
                return
        header = unpack_header(packet)
        _, second, sequence, timestamp, ssrc = header
        payload_type = second & 0x7F
        codec = self._accepts.get(payload_type)
        if codec is None and payload_type not in self._events:
            self._pass_over(sequence, ssrc, source, now)
            return
        if source is not None and not self.latch.is_sure_of(source) and not self._latch(source, now):
            return
        if self.incoming.heard_at is None:
            self._around.emit(Heard(self.number))
        if codec is None:
            self.incoming.count_untimed(sequence, ssrc, now)
            payload = bytes(packet[HEADER_BYTES:size])
            self._take_event(payload_type, payload, timestamp, second > 0x7F, sequence)
        else:
            self.incoming.count(sequence, timestamp, ssrc, now)
            if self.audience.listeners:
                self.audience.listen(codec, bytes(packet[HEADER_BYTES:size]), timestamp, ssrc, now)
        if self.sink is not None:
            self.sink.forward(header, packet, size, now)

    def _pass_over(self, sequence: int, ssrc: int, source: Address | None, now: float) -> None:
        """Take a packet of a payload type that nobody agreed to."""
        self.incoming.unknown += 1
        if source is None or source == self.latch.source:
            self.incoming.pass_over(sequence, ssrc, now)
            if isinstance(self.sink, Relay):
                self.sink.leave_out(sequence, ssrc)

    def _latch(self, source: Address, now: float) -> bool:
        """Return whether a packet from ``source`` counts, and send there from now on if that is new."""
        was = self.latch.source
        if not self.latch.admits(source, now):
            return False
        if self.latch.is_settled:
            self._send_by(self.ports.lock(source))
        elif self.latch.source != was:
            self._send_by(to_each([self.ports.aim(each) for each in self.latch.targets]))
        if self.latch.source not in (None, was or self.latch.expected):
            self._around.emit(SourceChanged(self.number, *source))
        return True

    def _take_event(
        self, payload_type: int, payload: bytes, timestamp: int, is_marked: bool, sequence: int
    ) -> None:
        try:
            self._receivers = self._receivers or EventReceivers()
            receiver = self._receivers.at(self._events[payload_type])
            digits = receiver.feed(payload, timestamp, is_marked, sequence)
        except MalformedMedia:
            self.incoming.malformed += 1
            return
        for digit in digits:
            self._around.emit(DigitPressed(self.number, digit))

    # Who hears whom

    def link(self) -> None:
        """Route what arrives here to whoever listens, by both agreements as they are now."""
        self._end_interpreting()
        listener = self.partner
        if self.seat is not None:
            self.sink = self.seat
            self.seat.connect(self.agreement)
        elif listener is None:
            self.sink = None
        else:
            says, hears = self.agreement, listener.agreement
            foreign = self._interpret if is_open(says, hears) else None
            if foreign is not None and says and hears and must_decode(says, hears):
                self._around.shelf.has(says.codec, hears.codec)  # the first packet will ask for them
            self.sink = Relay(listener.out, routes(says, hears), foreign=foreign)
        self._choose_way()

    def _interpret(self, header: Header, packet: bytearray, size: int, now: float) -> None:
        """Take a packet that the listener cannot get as it is."""
        listener = self.partner
        if self._interpreter is None and listener is not None and self.agreement and listener.agreement:
            self._interpreter = Interpreter(
                self._around.shelf, self.agreement, listener.agreement, listener.voice, listener.out
            )
        if self._interpreter is not None:
            self._interpreter.take(header, packet, size, now)

    def _end_interpreting(self) -> None:
        interpreter, self._interpreter = self._interpreter, None
        if interpreter is not None:
            interpreter.end()

    def sit(self, room: Room, role: Role, to: int) -> None:
        """Take a place in ``room``; ``to`` is the only one that hears a coach."""
        self.seat = room.seats[self.number] = Seat(room, self.number, role, to)
        self.voice.hear(self.seat)
        self.link()

    def part(self) -> None:
        """End a bridge or an echo on both sides, or leave a room."""
        self._end_interpreting()
        if self.seat is None and self.partner is None:
            return
        if self.seat is not None:
            self.seat.room.leave(self.number)
            self.seat = None
            self.voice.hear(None)
        partner, self.partner, self.sink = self.partner, None, None
        self._choose_way()
        if partner is not None and partner is not self:
            partner.part()

    # Time and end

    def check(self, now: float) -> None:
        """Do what is due a few times a second: hand over recorded audio, notice a silent far end."""
        if self.audience.is_due(now):
            self.deliver()
            self.audience.flush(now)
        self._guard.tick(now)
        if self.agreement is None or now < self._check_at:
            return
        self._check_at = now + CHECK_SECONDS
        if self.silence.is_news(now, is_due=self.agreement.receives, flow=self.flow):
            self._around.emit(RtpTimedOut(self.number))
        if self._reporter.is_due(now) and self.agreement.remote is not None and self.out.is_aimed:
            self._around.emit(Counted(self.number, self.statistics(now)))
            self._guard.send_report(self._reporter.report(now))

    def on_report(self, compound: bytes, source: Address | None, now: float) -> None:
        """Take an RTCP datagram; only the far end's counts, whatever port it uses.

        ``source`` is None where the network has checked it.
        """
        plain = self._guard.unprotect_report(compound, source)
        if plain is None:
            return
        known = self.latch.source or self.latch.expected
        if source is None or (known is not None and source[0] == known[0]):
            if self._reporter.take(plain, now) and source is not None:
                self.ports.rtcp_remote = source  # symmetric, as RTP is (RFC 4961)
            self.silence.due_since = now  # who mutes without sending RTP still reports

    def statistics(self, now: float) -> dict[str, float]:
        """Return the leg's numbers."""
        self.settle()
        heard = {"strangers": self.latch.strangers, "silent_s": self.silence.seconds(now, self.agreement)}
        return {**self._reporter.statistics(), **heard, **self._guard.statistics()}

    def close(self, now: float) -> None:
        """End all that is under way, give the ports back, and hold nothing any more that holds this leg."""
        self.settle()
        goodbye = self._reporter.goodbye(now)
        if goodbye is not None and self.out.is_aimed:  # on hold too: the far end may keep what it knows of us
            self._guard.send_report(goodbye)
        self.part()
        self.voice.close()
        self.audience.close()
        self.ports.close()
        self._guard.close()
        self._ports, self._pauses, self.receive, self.flow = None, None, _pass_over, None
        self.out.close()


def _is_talk(agreement: StreamAgreement) -> bool:
    """Return whether both are to be heard: neither holds."""
    return agreement.sends and agreement.receives


def _pass_over(_packet: bytearray, _size: int, _source: Address | None, _now: float) -> None:
    """Take a datagram for a leg that is closed."""
