"""What signalling tells the media engine and what it hears back: values that go on the wire."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from media.keying import CertificateMade, HandshakeFailed, MakeCertificate, Secured
from media.sdp.agreement import StreamAgreement

QUIETEST_DBFS = -96.0
"""Peak of a recording in which every sample is 0."""


class Role(StrEnum):
    """What somebody is in a room."""

    PARTY = "party"
    """Hears all parties, is heard by all. A monitor who becomes one barges in."""
    MONITOR = "monitor"
    """Hears all parties, is heard by nobody."""
    COACH = "coach"
    """Hears all parties, is heard by one leg alone."""


class Answerer(StrEnum):
    """Who has answered, by what is heard of them."""

    PERSON = "person"
    MACHINE = "machine"
    """A mailbox, an announcement or a fax."""
    UNCLEAR = "unclear"


class Clip(Struct, frozen=True, tag=True, array_like=True):
    """A sound file to be heard."""

    path: Path
    """The file; read and encoded once per codec, then shared by all listeners."""
    gain_db: float = 0.0
    """Louder or softer than recorded."""
    lufs: float | None = None
    """The loudness that it is brought to (ITU-R BS.1770), before the gain; None: as recorded."""
    is_kept: bool = False
    """Whether it may stay on disk as it is encoded: it is a prompt or music, and nobody's message."""


class Tone(Struct, frozen=True, tag=True, array_like=True):
    """Sine tones sounding together."""

    frequencies: tuple[float, ...]
    """Hz."""
    seconds: float
    """How long."""
    level_db: float = -13.0
    """dBFS of each tone."""


class Silence(Struct, frozen=True, tag=True, array_like=True):
    """A pause that is sent as audio, so that the far end sees no gap."""

    seconds: float
    """How long."""


PlayItem: TypeAlias = Clip | Tone | Silence
Row: TypeAlias = tuple[PlayItem, ...]
"""Sounds that follow each other."""


# Commands. `leg`, `playback` and `recording` are numbers that the client gives.


class OpenLeg(Struct, frozen=True, tag=True, array_like=True):
    """Lease a port pair; answered by LegOpened or LegRefused."""

    leg: int
    port: int = 0
    """Wished for: where the far end of a leg whose worker died sends to; 0: any."""
    is_spare: bool = False
    """Whether it is for a call that is still to come: nothing has to be done for it until then."""


class ConnectLeg(Struct, frozen=True, tag=True, array_like=True):
    """What offer and answer settled; again at every re-INVITE."""

    leg: int
    agreement: StreamAgreement
    allows_nat: bool
    """Whether sound may come from another IP address than the SDP names."""
    rtp_timeout_s: float
    """Seconds without RTP, where some is due, after which RtpTimeout is told."""
    peer_host: str = ""
    """IP address of the far end's signalling: from there sound is believed soonest, if not from the SDP's."""


class Play(Struct, frozen=True, tag=True, array_like=True):
    """Replace what the leg plays; answered by Played when it ends or is cut."""

    leg: int
    playback: int
    items: tuple[PlayItem, ...]
    is_looped: bool
    skip_ms: int = 0
    """How much of it was heard before, in a worker that died."""


class StopPlaying(Struct, frozen=True, tag=True, array_like=True):
    """Cut what the leg plays and what digits it still has to send."""

    leg: int


class FillPauses(Struct, frozen=True, tag=True, array_like=True):
    """Send silence from now on whenever there is nothing else to send and nobody to be heard."""

    leg: int


class Bridge(Struct, frozen=True, tag=True, array_like=True):
    """Let two legs hear each other."""

    leg: int
    other: int


class Unbridge(Struct, frozen=True, tag=True, array_like=True):
    """End a bridge or an echo, or leave a room."""

    leg: int


class Echo(Struct, frozen=True, tag=True, array_like=True):
    """Send back what comes."""

    leg: int


class JoinRoom(Struct, frozen=True, tag=True, array_like=True):
    """Let the leg hear, and be heard in, a room of more than two; in place of a bridge or another room."""

    leg: int
    room: int
    """A number that the client gives; the room is there as long as somebody is in it."""
    role: Role
    to: int = 0
    """The only leg that hears it, where it is a coach."""


class SendDigits(Struct, frozen=True, tag=True, array_like=True):
    """Press keys toward the far end (RFC 4733)."""

    leg: int
    digits: str
    """``0-9*#A-D``; ``,``, ``p`` and ``w`` wait two seconds, anything else is skipped."""


class Record(Struct, frozen=True, tag=True, array_like=True):
    """Write what the leg's far end says; answered by Recorded when it ends, for whatever reason."""

    leg: int
    recording: int
    path: str
    max_seconds: float | None
    is_resumed: bool = False
    """Whether it goes on at the end of the file that a worker that died has begun."""


class StopRecording(Struct, frozen=True, tag=True, array_like=True):
    """Finish a recording; answered by Recorded."""

    leg: int
    recording: int


class Tap(Struct, frozen=True, tag=True, array_like=True):
    """Let what the leg's far end says go onto a channel of a tape, which begins with the first tap."""

    leg: int
    tape: int
    """A number of a recording; one Recorded tells its end."""
    path: str
    """The WAV file; one that is there is gone on with."""
    channel: int
    """0: left, 1: right."""
    elapsed_s: float
    """Since the tape was begun, for a worker that does not know it."""


class Untap(Struct, frozen=True, tag=True, array_like=True):
    """Let the leg be on no tape any more; on its channel is silence until somebody else is on it."""

    leg: int


class StopTape(Struct, frozen=True, tag=True, array_like=True):
    """Finish a tape, whoever is on it; answered by Recorded."""

    tape: int
    leg: int = 0
    """None: the tape may outlive all legs that were on it."""


class ListenForTones(Struct, frozen=True, tag=True, array_like=True):
    """Search what the far end says for the tones of keys, or search it no more."""

    leg: int
    is_on: bool


class ListenForAnswerer(Struct, frozen=True, tag=True, array_like=True):
    """Find out who has just answered, or no more; answered by AnswererJudged within some four seconds.

    Where it is not clear then, a second one may tell later that it is a recording.
    """

    leg: int
    is_on: bool


class CloseLeg(Struct, frozen=True, tag=True, array_like=True):
    """Give the ports back; answered by LegClosed."""

    leg: int


class Ping(Struct, frozen=True, tag=True, array_like=True):
    """Answered by Pong at once: a worker that hangs is as bad as a dead one."""

    leg: int = 0


Command: TypeAlias = (
    Ping
    | OpenLeg
    | ConnectLeg
    | Play
    | StopPlaying
    | FillPauses
    | Bridge
    | Unbridge
    | Echo
    | JoinRoom
    | SendDigits
    | Record
    | StopRecording
    | Tap
    | Untap
    | StopTape
    | ListenForTones
    | ListenForAnswerer
    | MakeCertificate
    | CloseLeg
)


# Events.


class Started(Struct, frozen=True, tag=True, array_like=True):
    """The worker takes commands."""

    leg: int = 0


class Pong(Struct, frozen=True, tag=True, array_like=True):
    """The worker does its work."""

    leg: int = 0


class LegOpened(Struct, frozen=True, tag=True, array_like=True):
    """The leg can be reached here."""

    leg: int
    hosts: tuple[str, ...]
    """One address, or one of each IP version; the port is the same."""
    port: int


class LegRefused(Struct, frozen=True, tag=True, array_like=True):
    """No port is left."""

    leg: int
    why: str


class DigitPressed(Struct, frozen=True, tag=True, array_like=True):
    """The far end pressed a key; told once per press."""

    leg: int
    digit: str
    is_tone: bool = False
    """Whether it was heard in the sound; else it was an event (RFC 4733)."""


class AnswererJudged(Struct, frozen=True, tag=True, array_like=True):
    """Who has answered."""

    leg: int
    who: Answerer
    why: str
    """What was heard, after "it": ``talked on``."""


class PlayingItem(Struct, frozen=True, tag=True, array_like=True):
    """The next item of a playback begins; nothing is told of the first."""

    leg: int
    playback: int
    index: int
    """Its place, from 0."""


class Played(Struct, frozen=True, tag=True, array_like=True):
    """A playback is over."""

    leg: int
    playback: int
    is_complete: bool
    """False: cut by a stop, another playback or the leg's end."""


class Recorded(Struct, frozen=True, tag=True, array_like=True):
    """A recording is over and its file complete."""

    leg: int
    recording: int
    seconds: float
    peak_dbfs: float
    is_silent: bool
    error: str
    """Why it ended early (disk full), else empty."""


class Heard(Struct, frozen=True, tag=True, array_like=True):
    """The first RTP packet since the leg was opened came in."""

    leg: int


class SourceChanged(Struct, frozen=True, tag=True, array_like=True):
    """RTP comes from, and goes to, another address than the SDP named (symmetric RTP)."""

    leg: int
    host: str
    port: int


class RtpTimedOut(Struct, frozen=True, tag=True, array_like=True):
    """Nothing came for the leg's time although something was due."""

    leg: int


class Counted(Struct, frozen=True, tag=True, array_like=True):
    """The leg's numbers so far: told every few seconds, as its worker may die."""

    leg: int
    statistics: dict[str, float]


class LegClosed(Struct, frozen=True, tag=True, array_like=True):
    """The leg is gone; these are its last numbers."""

    leg: int
    statistics: dict[str, float]


class Trouble(Struct, frozen=True, tag=True, array_like=True):
    """Something to be logged that does not stop the call, e.g. a prompt that cannot be read."""

    leg: int
    why: str


Event: TypeAlias = (
    Started
    | Pong
    | LegOpened
    | CertificateMade
    | LegRefused
    | DigitPressed
    | AnswererJudged
    | PlayingItem
    | Played
    | Recorded
    | Heard
    | SourceChanged
    | Secured
    | HandshakeFailed
    | RtpTimedOut
    | Counted
    | LegClosed
    | Trouble
)
