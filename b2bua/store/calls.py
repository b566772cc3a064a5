"""What the journal keeps of a call: plain values, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from b2bua.store.quality import LegQuality


class CallOutcome(StrEnum):
    """The one way in which a call ends."""

    TALKED = "talked"
    """The caller talked to a human."""
    MESSAGE = "message"
    """The caller left a voicemail."""
    SELF_SERVED = "self-served"
    """The caller got what the menu had to say (or the echo test) and needs nobody."""
    PROMISE = "promise"
    """Nobody served the caller: somebody has to call back."""
    REFUSED = "refused"
    """A rule refused the call."""
    UNANSWERED = "unanswered"
    """One of our own people called and nobody answered; nobody is owed a call back."""


class EventKind(StrEnum):
    """What happened in a call. ``who`` and ``detail`` of the event mean what is said here."""

    RANG = "rang"
    """``who`` was rung for ``seconds``; ``detail`` says how it ended in words: "no answer", "busy"."""
    OFFLINE = "offline"
    """``who`` has no phone that can be reached."""
    EXCUSED = "excused"
    """``who`` took no calls; ``detail`` says what they were: "in a meeting until 15:00"."""
    ANSWERED = "answered"
    """``who`` picked up."""
    PICKED_UP = "picked up"
    """``who`` took a call that rang for ``detail``."""
    DIALLED_ON = "dialled on"
    """``detail`` was pressed behind the number of ``who`` once that had answered."""
    TALKED = "talked"
    """The caller talked with ``who`` for ``seconds``."""
    QUEUED = "queued"
    """The caller was put into the queue ``who``."""
    LEFT_QUEUE = "left queue"
    """The caller waited ``seconds`` in the queue ``who``; ``detail`` says why it ended."""
    MENU = "menu"
    """The caller pressed ``detail`` in the menu ``who``; no detail: pressed nothing."""
    EXTENSION = "extension"
    """The caller dialled the extension ``detail`` in the menu ``who``; calls of old versions name no menu."""
    VOICEMAIL = "voicemail"
    """The caller was asked to leave a message in the box ``who``."""
    MESSAGE = "message"
    """The caller left a message of ``seconds`` in the box ``who``."""
    LISTENED = "listened"
    """One of our people listened to the message that ``who`` left; ``detail``: "deleted" when they did."""
    ASKED = "asked"
    """``who`` outside was asked where the caller goes; ``detail`` says what came: "named Anna Nowak"."""
    DECLARED = "declared"
    """One of our people said by phone what ``who`` is from now on: ``detail``, "away until 15:00"."""
    DECIDED = "decided"
    """One of our people decided by phone what ``who``, the office, does from now on: ``detail``."""
    TOLD = "told"
    """One of our people dialled a code and heard only that: ``detail``, "the office works by its hours"."""
    PROMISED = "promised"
    """``who`` promised to call back."""
    REQUESTED = "requested"
    """The caller asked on the web to be called back; ``detail`` says when and why."""
    PROMPT = "prompt"
    """The prompt ``detail`` was played."""
    BACKUP = "backup"
    """The call came to the step that is the backup."""
    LOAD = "load"
    """The call came to a step because of how busy the office was: ``detail``, "waiting in sales > 3"."""
    HELD = "held"
    """The call was answered before its carrier gave up; ringing went on as sound."""
    HUNG_UP = "hung up"
    """The caller hung up ``seconds`` after the call came; ``detail``: "while waiting (position 2)".

    ``who`` is the menu in which they were, if they were in one.
    """
    INTERRUPTED = "interrupted"
    """The program was stopped or killed in the middle of the call."""
    ERROR = "error"
    """Something failed; ``detail`` says what, in words for the office."""


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call at the moment it comes."""

    call_id: str
    """Names the call among those that are up; also found in the log."""
    caller: str
    """Number or address of the caller; empty when withheld."""
    caller_name: str
    """Display name, may be empty."""
    dialled: str
    """The number that was dialled."""
    trunk: str
    """Name of the trunk it came by; empty for a phone of the office."""
    at: datetime
    """When its first byte came; aware."""
    direction: str = "in"
    """``in``, ``internal`` or ``out``; ``web``: somebody asked on the web to be called back."""
    source: str = ""
    """Where callers found the number that was dialled; empty: not known."""

    @property
    def other_party(self) -> str:
        """The number of the person outside, to whom a promise may be owed."""
        return self.dialled if self.direction == "out" else self.caller


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened in a call."""

    at: datetime
    """When; aware."""
    kind: EventKind
    """What; it gives the other fields their meaning."""
    who: str = ""
    """The person, number, queue, menu or mailbox concerned."""
    detail: str = ""
    """More, in words."""
    seconds: float | None = None
    """How long it took."""
    party: str = ""
    """Whom of ours it is about, as a scheme names them: ``anna``, ``mobile of anna``; empty: nobody.

    Of a talk, and of what was rung.
    """


@dataclass(frozen=True, slots=True)
class Cost:
    """What one party that was called outside, and answered, cost."""

    who: str
    """Whom it reached, as the story calls them."""
    number: str
    """The number that was called."""
    trunk: str
    """By which trunk."""
    answered_at: datetime
    """When; aware."""
    seconds: float
    """From then to its end."""
    billed_seconds: int
    """How long that is in full increments, which are paid for."""
    amount: Decimal
    """What it cost, exactly."""
    currency: str
    """ISO 4217 code."""


@dataclass(frozen=True, slots=True)
class CallStory:
    """A call with all that happened in it."""

    call: NewCall
    """How it came."""
    events: tuple[CallEvent, ...]
    """In the order in which they happened."""
    ended_at: datetime | None = None
    """None while it is up, or when the program died and has not been started again."""
    outcome: CallOutcome | None = None
    """None as long as ``ended_at`` is."""
    why: str = ""
    """Why it ended so, in words."""
    legs: tuple[LegQuality, ...] = ()
    """How the sound of each party was, the caller first, then who answered; read for single calls only."""
    costs: tuple[Cost, ...] = ()
    """What the parties cost that were called outside, in the order of their ends."""


@dataclass(frozen=True, slots=True)
class PartialMessage:
    """A voicemail whose recording has ended: at its own end, or with the program."""

    id: int
    """Its row."""
    box: str
    """The mailbox."""
    path: Path
    """The recording."""
    began_at: datetime
    """When the recording began."""
    seconds: float | None
    """What is in the file; None when there is no readable file."""


@dataclass(frozen=True, slots=True)
class UnfinishedCall:
    """A call that was up when the program died; by now it is a promise."""

    call: NewCall
    """How it came."""
    messages: tuple[PartialMessage, ...] = ()
    """What the caller had said into a mailbox by then."""
