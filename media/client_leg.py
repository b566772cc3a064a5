"""One party's sound as signalling knows it: what it does is remembered here, and outlives its worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from media import commands
from media.client_room import MediaRoom
from media.commands import AnswererJudged, Command, Event, PlayItem, Role
from media.conversation_tape import ConversationTape
from media.deaths import Deaths
from media.errors import MediaError
from media.figures import Figures
from media.once import Once
from media.playback import Playback, Recording
from media.sdp.agreement import StreamAgreement
from media.slot import Opening, WorkerSlot
from media.spoken import Spoken
from media.written import Written

RTP_TIMEOUT_S = 30.0
PATIENCE_S = 5.0
"""How long the engine may take to answer; a healthy one needs a millisecond."""


class MediaLeg:
    """The sound of one party of a call.

    Each order is remembered and sent to the worker. When that dies, the next one is told what is to be
    known at that moment, on the same port where possible: the far end need not know. Where it has to,
    ``on_moved`` is called.
    """

    __slots__ = (
        "_allows_nat", "_is_closing", "_is_listening", "_on_judged", "_peer_host", "_role", "_spoken",
        "_to", "_written", "address", "agreement", "closed", "deaths", "figures", "has_certificate",
        "hosts", "is_heard", "is_open", "name", "number", "on_digit", "on_lost", "on_moved",
        "on_rtp_timeout", "on_tone", "on_unsecured", "partner", "room", "rtp_timeout_s", "slot", "source",
        "unsecured",
    )  # fmt: skip

    def __init__(self, slot: WorkerSlot, name: str, opened: commands.LegOpened) -> None:
        self.name = name
        self.agreement: StreamAgreement | None = None
        """What offer and answer settled last."""
        self.is_heard = False
        """Whether RTP ever came."""
        self.source: tuple[str, int] | None = None
        """Where RTP comes from, if not from where the SDP said."""
        self.figures = Figures()
        """What workers have counted."""
        self.rtp_timeout_s = RTP_TIMEOUT_S
        """Silence after which `on_rtp_timeout` is called; counts from the next `connect`."""
        self.on_digit: Callable[[str], None] | None = None
        """Told each key that comes as an event (RFC 4733)."""
        self.on_tone: Callable[[str], None] | None = None
        """Told each key that is heard in the sound, while that is listened for."""
        self._on_judged: Callable[[AnswererJudged], None] | None = None
        """Told who answered, while that is listened for."""
        self.on_rtp_timeout: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        """Called when the worker died, no other took its place, and the leg's sound is gone."""
        self.unsecured = ""
        """Why the keys of the last agreement will never come; empty: they did, may, or were not needed."""
        self.on_unsecured: Callable[[str], None] | None = None
        """Told why each time they did not come for long, or never will: nothing is heard."""
        self.on_moved: Callable[[], None] | None = None
        """Called when the far end must learn of another address or of other keys to be heard again."""
        self.has_certificate = False
        """Whether the far end is, or may be, told by which certificate it knows this leg."""
        self.closed = Once()
        self.deaths = Deaths()
        """Of the workers that it was in."""
        self.slot = slot
        """The worker that it is in."""
        self._allows_nat, self._peer_host = False, ""
        self._spoken = Spoken()
        """What it is given to hear."""
        self._written = Written()
        """What is written of it."""
        self.partner: MediaLeg | None = None
        """Who hears this leg and is heard by it; itself: an echo."""
        self.room: MediaRoom | None = None
        """Where more than two hear one another."""
        self._role = Role.PARTY
        self._to: MediaLeg | None = None
        self._is_listening = False
        """Whether keys are listened for in the sound."""
        self._take_place(opened)

    def _take_place(self, opened: commands.LegOpened) -> None:
        self.hosts = opened.hosts
        """Every address at which it receives, one of each IP version, at the same port."""
        self.address = opened.hosts[0], opened.port
        """Where it receives; goes into our SDP."""
        self.number = opened.leg
        """Under which the worker knows it."""
        self.is_open = True
        """Whether the worker knows it yet."""
        self._is_closing = False
        """Whether the worker was told to close it."""
        self.slot.legs[opened.leg] = self

    @property
    def statistics(self) -> dict[str, float]:
        """After `close`: packets, lost, jitter_ms, sent, strangers, round_trip_ms..."""
        return self.figures.total

    @property
    def fingerprint(self) -> str:
        """Of the certificate by which far ends know this leg; empty: it has none, whatever others have."""
        return self.slot.fingerprint if self.has_certificate else ""

    def send(self, command: Command) -> None:
        """Give an order to the worker, if that knows the leg."""
        if self.is_open:
            self.slot.send(command)

    # Orders

    def connect(self, agreement: StreamAgreement, *, allows_nat: bool = False, peer_host: str = "") -> None:
        """Take what offer and answer settled, also of a re-INVITE: the stream goes on.

        ``allows_nat``: sound may come from elsewhere than SDP says, as from ``peer_host`` of the signalling.
        """
        is_new = self.agreement is None
        if self.agreement is None or self.agreement.handshake != agreement.handshake:
            self.unsecured = ""
        agreement = agreement.following(self.agreement)
        self.agreement, self._allows_nat, self._peer_host = agreement, allows_nat, peer_host
        self.send(
            commands.ConnectLeg(
                self.number,
                agreement,
                allows_nat=allows_nat,
                rtp_timeout_s=self.rtp_timeout_s,
                peer_host=peer_host,
            )
        )
        if is_new:
            self._spoken.begin(self)

    def play(self, items: Sequence[PlayItem], *, loop: bool = False, start_s: float = 0.0) -> Playback:
        """Play ``items`` in the place of what plays; a bridge toward this leg waits meanwhile.

        The first ``start_s`` seconds are left out; of a loop, the first time only.
        """
        return self._spoken.play(self, items, is_looped=loop, start_s=start_s)

    def stop(self) -> None:
        """Cut what plays, and digits not yet sent."""
        self._spoken.stop(self)

    def fill_pauses(self) -> None:
        """Send silence from now on whenever nothing plays and nobody is to be heard."""
        self._spoken.fill_pauses(self)

    def bridge(self, other: MediaLeg) -> None:
        """Let both hear each other, and nobody else any more; one is moved if they are in two workers."""
        self._part()
        other._part()
        self.partner, other.partner = other, self
        self._join()

    def unbridge(self) -> None:
        """End a bridge, on both sides, or an echo, or leave a room."""
        self._part()
        self.send(commands.Unbridge(self.number))

    def echo(self) -> None:
        """Send back what comes."""
        self._part()
        self.partner = self
        self._join()

    def join(self, room: MediaRoom, role: Role = Role.PARTY, *, to: MediaLeg | None = None) -> None:
        """Hear, and be heard in, ``room``; ``to`` is the only one that hears a coach.

        Joining again changes the role. Who is in another worker than the others is moved there.
        """
        if self.room is not room:
            self._part()
            room.members.append(self)
            self.room = room
        self._role, self._to = role, to
        self._join()

    def _part(self) -> None:
        if self.room is not None:
            self.room.members.remove(self)
            self.room = None
        partner, self.partner = self.partner, None
        if partner is not None:
            partner.partner = None

    def _join(self) -> None:
        """Tell the worker of the bridge, the echo or the room, once all ends are in it."""
        if self.room is not None:
            self._take_seat(self.room)
        other = self.partner
        if other is None or not (self.is_open and other.is_open):
            return
        if other is self:
            self.send(commands.Echo(self.number))
        elif other.slot is self.slot:
            self.send(commands.Bridge(self.number, other.number))
        elif self._written.is_by(self.slot):
            other.move(self.slot)
        else:
            self.move(other.slot)

    def _take_seat(self, room: MediaRoom) -> None:
        slot = room.members[0].slot
        if not self.is_open:
            return
        if self.slot is not slot:
            self.move(slot)
        else:
            to = 0 if self._to is None else self._to.number
            self.send(commands.JoinRoom(self.number, room.number, self._role, to))

    def send_digits(self, digits: str) -> None:
        """Press keys (RFC 4733); a comma, ``p`` or ``w`` waits two seconds."""
        self._spoken.press(self, digits)

    def listen_for_tones(self, is_on: bool) -> None:
        """Search what the far end says for the tones of keys, or no more; `on_tone` tells them."""
        if is_on != self._is_listening:
            self._is_listening = is_on
            self.send(commands.ListenForTones(self.number, is_on))

    def listen_for_answerer(self, on_judged: Callable[[AnswererJudged], None] | None) -> None:
        """Find out who has just answered, from now on, and tell it; None: it is not of interest any more.

        What is unclear after some four seconds is told; should it prove a recording later, that is told, too.
        """
        was_listening, self._on_judged = self._on_judged is not None, on_judged
        if was_listening or on_judged is not None:
            self.send(commands.ListenForAnswerer(self.number, on_judged is not None))

    def record(self, path: Path, *, max_seconds: float | None = None) -> Recording:
        """Write what the far end says to a WAV file while it arrives; a recording under way ends."""
        return self._written.record(self, path, max_seconds=max_seconds)

    def tap(self, tape: ConversationTape, channel: int) -> None:
        """Let what the far end says go onto a channel of ``tape``, as soon as both are in one worker."""
        self._written.tap(self, tape, channel)

    def untap(self) -> None:
        """Let it be on no tape any more."""
        self._written.untap(self)

    # Its end

    async def close(self) -> None:
        """End all that is under way and give the ports back; sets `statistics`."""
        if not self.closed.is_set():
            self.drop()
            patience = asyncio.get_running_loop().call_later(PATIENCE_S, self.closed.set)
            try:
                await self.closed.wait()
            finally:
                patience.cancel()

    def drop(self) -> None:
        """Begin to close without waiting."""
        self._part()
        if self._is_closing:
            return
        if self.is_open:
            self._is_closing = True
            self.slot.close_leg(self.number)
        elif not self.closed.is_set():
            self.slot.forget(self.number)
            self._end("the leg is closed")

    def lose(self, why: str | MediaError) -> None:
        """Take that the leg is gone with its worker."""
        self.is_open = False
        self._end(str(why))
        if self.on_lost is not None:
            self.on_lost()

    def _end(self, why: str) -> None:
        self._part()
        self._spoken.lose()
        self._written.lose(why)
        self.closed.set()

    # From worker to worker

    def strand(self) -> None:
        """Leave a worker that died, and ask the next one for the same port; unless it was being closed."""
        if self._is_closing:
            self.is_open = False
            self._end("it was being closed")
            return
        self._leave()
        self._written.strand(self.slot)
        self.number = self.slot.open(Opening(self.address[1], self._reopened, self.lose, self.deaths))

    def move(self, slot: WorkerSlot) -> None:
        """Go to another worker; what is recorded ends, as the worker that writes it lives."""
        self.slot.part(self.number)
        self._leave()
        self._written.part()
        self.slot = slot
        self.number = slot.open(Opening(0, self._reopened, self.lose, self.deaths))

    def _leave(self) -> None:
        self.is_open = self._is_closing = False
        self._spoken.leave(self)

    def _reopened(self, opened: commands.LegOpened) -> None:
        """Tell a new worker what this leg is about."""
        was = self.hosts, self.address
        self._take_place(opened)
        if self.has_certificate:
            self.slot.certify(self._connect_again)
        else:
            self._connect_again()
        self._written.go_on(self)
        self._spoken.go_on(self)
        if self._is_listening:
            self.send(commands.ListenForTones(self.number, is_on=True))
        if self._on_judged is not None:
            self.send(commands.ListenForAnswerer(self.number, is_on=True))
        self._join()
        self._spoken.press_on(self)
        has_keys = self.agreement is not None and self.agreement.is_keyed_by_sdp
        if self.on_moved is not None and (has_keys or (self.hosts, self.address) != was):
            self.on_moved()

    def _connect_again(self) -> None:
        if self.agreement is not None and self.is_open:
            self.connect(self.agreement, allows_nat=self._allows_nat, peer_host=self._peer_host)

    def take(self, event: Event) -> None:
        """Take an event of the engine."""
        if isinstance(event, commands.DigitPressed):
            told = self.on_tone if event.is_tone else self.on_digit
            if told is not None:
                told(event.digit)
        elif isinstance(event, AnswererJudged):
            if self._on_judged is not None:
                self._on_judged(event)
        elif isinstance(event, commands.RtpTimedOut) and self.on_rtp_timeout is not None:
            self.on_rtp_timeout()
        elif isinstance(event, commands.Heard):
            self.is_heard = True
        elif isinstance(event, commands.SourceChanged):
            self.source = event.host, event.port
