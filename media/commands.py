"""What signalling tells the media engine and what it hears back: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from media.sdp.negotiate import StreamAgreement

QUIETEST_DBFS = -96.0
"""Peak of a recording in which every sample is 0."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A WAV file to be heard."""

    path: str | Path
    """The file; read and encoded once per codec, then shared by all listeners."""
    gain_db: float = 0.0
    """Louder or softer than recorded."""


@dataclass(frozen=True, slots=True)
class Tone:
    """Sine tones sounding together."""

    frequencies: tuple[float, ...]
    """Hz."""
    seconds: float
    """How long."""
    level_db: float = -13.0
    """dBFS of each tone."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A pause that is sent as audio, so that the far end sees no gap."""

    seconds: float
    """How long."""


PlayItem: TypeAlias = Clip | Tone | Silence


# Commands. `leg`, `playback` and `recording` are numbers that the client gives.


@dataclass(frozen=True, slots=True)
class OpenLeg:
    """Lease a port pair; answered by LegOpened or LegRefused."""

    leg: int
    name: str


@dataclass(frozen=True, slots=True)
class ConnectLeg:
    """What offer and answer settled; again at every re-INVITE."""

    leg: int
    agreement: StreamAgreement
    allows_nat: bool
    """Whether sound may come from another IP address than the SDP names."""
    rtp_timeout_s: float
    """Seconds without RTP, where some is due, after which RtpTimeout is told."""


@dataclass(frozen=True, slots=True)
class Play:
    """Replace what the leg plays; answered by Played when it ends or is cut."""

    leg: int
    playback: int
    items: tuple[PlayItem, ...]
    is_looped: bool


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Cut what the leg plays and what digits it still has to send."""

    leg: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """Let two legs hear each other."""

    leg: int
    other: int


@dataclass(frozen=True, slots=True)
class Unbridge:
    """End a bridge or an echo."""

    leg: int


@dataclass(frozen=True, slots=True)
class Echo:
    """Send back what comes."""

    leg: int


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Press keys toward the far end (RFC 4733)."""

    leg: int
    digits: str
    """``0-9*#A-D``; ``,`` and ``p`` wait two seconds, anything else is skipped."""


@dataclass(frozen=True, slots=True)
class Record:
    """Write what the leg's far end says; answered by Recorded when it ends, for whatever reason."""

    leg: int
    recording: int
    path: str
    max_seconds: float | None


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Finish a recording; answered by Recorded."""

    leg: int
    recording: int


@dataclass(frozen=True, slots=True)
class CloseLeg:
    """Give the ports back; answered by LegClosed."""

    leg: int


Command: TypeAlias = (
    OpenLeg
    | ConnectLeg
    | Play
    | StopPlaying
    | Bridge
    | Unbridge
    | Echo
    | SendDigits
    | Record
    | StopRecording
    | CloseLeg
)


# Events.


@dataclass(frozen=True, slots=True)
class Started:
    """The worker takes commands."""

    leg: int = 0


@dataclass(frozen=True, slots=True)
class LegOpened:
    """The leg can be reached here."""

    leg: int
    hosts: tuple[str, ...]
    """One address, or one of each IP version; the port is the same."""
    port: int


@dataclass(frozen=True, slots=True)
class LegRefused:
    """No port is left."""

    leg: int
    why: str


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The far end pressed a key; told once per press."""

    leg: int
    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """A playback is over."""

    leg: int
    playback: int
    is_complete: bool
    """False: cut by a stop, another playback or the leg's end."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording is over and its file complete."""

    leg: int
    recording: int
    seconds: float
    peak_dbfs: float
    is_silent: bool
    error: str
    """Why it ended early (disk full), else empty."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The first RTP packet since the leg was opened came in."""

    leg: int


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """RTP comes from, and goes to, another address than the SDP named (symmetric RTP)."""

    leg: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class RtpTimedOut:
    """Nothing came for the leg's time although something was due."""

    leg: int


@dataclass(frozen=True, slots=True)
class LegClosed:
    """The leg is gone; these are its last numbers."""

    leg: int
    statistics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something to be logged that does not stop the call, e.g. a prompt that cannot be read."""

    leg: int
    why: str


Event: TypeAlias = (
    Started
    | LegOpened
    | LegRefused
    | DigitPressed
    | Played
    | Recorded
    | Heard
    | SourceChanged
    | RtpTimedOut
    | LegClosed
    | Trouble
)
