"""What a step of a scheme does with a caller, and how that can end. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Shows = Literal["own", "caller", "asserted"]
"""Which number a call to the outside shows: ours, the caller's, or ours with the caller's asserted."""


class Confirm(StrEnum):
    """By what whoever answers outside takes the call, as an answer there may be a voicemail's."""

    KEY = "key"
    """They are asked to press one."""
    VOICE = "voice"
    """They are heard to say hello and wait; who does not is asked to press a key."""


class Outcome(StrEnum):
    """How a step ended; the edges between steps are labelled with these."""

    ANSWERED = "answered"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    OFFLINE = "offline"
    ERROR = "error"
    MAX_WAIT = "max-wait"
    NO_INPUT = "no-input"
    INVALID = "invalid"
    OFF_HOURS = "off-hours"
    REJECTED = "rejected"
    MESSAGE = "message"
    DONE = "done"


class RingMode(StrEnum):
    """Who of the targets of one step rings when."""

    TOGETHER = "together"
    IN_TURN = "in-turn"
    STAGGERED = "staggered"


@dataclass(frozen=True, slots=True)
class Person:
    """Every phone that is registered for one person, or one of them."""

    name: str
    """Key of the person, e.g. ``anna``."""
    device: str = ""
    """Key of the one phone, e.g. ``desk``; empty: all."""

    def __str__(self) -> str:
        return f"{self.device} of {self.name}" if self.device else self.name


@dataclass(frozen=True, slots=True)
class External:
    """A number outside of the office, reached through a trunk."""

    number: str
    """E.164, or a short number of the office's country as it is dialled."""
    post_dial: str = ""
    """What is pressed once it has answered: digits, and ``,`` or ``w`` for pauses."""
    confirm: Confirm | None = None
    """By what whoever answers there takes the call; None: the answer is enough."""
    shows: Shows | None = None
    """Whose number is shown there; None: as the trunk has it."""


@dataclass(frozen=True, slots=True)
class Mobile:
    """The mobile of a person, reached through a trunk; the number is looked up when it is dialled."""

    person: str
    """Key of the person."""
    confirm: Confirm | None = None
    """By what whoever answers there takes the call; None: the answer is enough."""
    shows: Shows | None = None
    """Whose number is shown there; None: as the trunk has it."""


@dataclass(frozen=True, slots=True)
class SipAddress:
    """A SIP URI outside of the office, e.g. an account of another PBX."""

    uri: str
    """``sip:`` or ``sips:`` URI as configured."""
    confirm: Confirm | None = None
    """By what whoever answers there takes the call; None: the answer is enough."""


Target = Person | External | Mobile | SipAddress


@dataclass(frozen=True, slots=True)
class Duty:
    """Targets that ring only while their member of a rota is on duty."""

    rota: str
    """Key of the rota."""
    by_member: tuple[tuple[str, tuple[Target, ...]], ...]
    """Members, as the rota has them, and whom to ring for each."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """Return everybody who may be on duty."""
        return tuple(target for _, targets in self.by_member for target in targets)


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring people and numbers until one answers."""

    targets: tuple[Target, ...]
    """In the order in which they ring."""
    mode: RingMode = RingMode.TOGETHER
    """Who rings when."""
    for_seconds: float = 20.0
    """How long the step rings; in turn: how long each target rings."""
    stagger_seconds: float = 5.0
    """Staggered: after how long the next target joins those that ring already."""
    confirm_seconds: float = 20.0
    """How long who has to confirm that they take the call has for it, from their answer on."""
    music: str = ""
    """Name of the music that the caller, who is answered then, hears meanwhile; empty: ringing."""
    whisper: str = ""
    """Name of the prompt that whoever answers hears before the caller is connected; empty: none."""
    duties: tuple[Duty, ...] = ()
    """Which of the targets ring only while they are on duty."""
    is_backup: bool = False
    """The owner says that whoever is rung is the backup."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Wait in line for an agent."""

    name: str
    """Key of the queue."""
    for_seconds: float | None = None
    """How long to wait at most; None: as long as the queue itself allows."""


@dataclass(frozen=True, slots=True)
class Menu:
    """Let the caller choose by digits."""

    name: str
    """Key of the menu."""


@dataclass(frozen=True, slots=True)
class Voicemail:
    """Take a message."""

    box: str
    """Key of the mailbox."""


@dataclass(frozen=True, slots=True)
class Echo:
    """Send back what the caller says, until they hang up."""


@dataclass(frozen=True, slots=True)
class Say:
    """Answer and play a prompt; as the last step of a scheme the call is hung up after it."""

    prompt: str
    """Name of the prompt."""


@dataclass(frozen=True, slots=True)
class Goto:
    """Run another scheme here; when it runs out of steps, the outer one goes on."""

    scheme: str
    """Key of the scheme."""


@dataclass(frozen=True, slots=True)
class RingAgain:
    """Ring whoever talked with this caller today; comes before the scheme of a sticky number alone."""

    for_seconds: float
    """How long it rings."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Let one of our people listen to their messages; no scheme leads here."""

    person: str
    """Key of the person."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Ask somebody's own server where the caller goes."""

    name: str
    """Key of the webhook."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Carry out what one of our people dialled a code for; no scheme leads here."""

    person: str
    """Key of the person."""
    dialled: str
    """The code, with what follows it."""


@dataclass(frozen=True, slots=True)
class Responsible:
    """Ring whoever the CRM says is responsible for the caller."""

    for_seconds: float = 30.0
    """How long they ring."""
    order: tuple[str, ...] = ()
    """Kinds of records in which the CRM looks, for those who ask why."""
    budget_s: float = 1.5
    """Seconds after which the caller goes on without an answer."""
    on_mobile: bool = False
    """Their mobile rings, and no phone of the office."""


Destination = (
    Ring | Queue | Menu | Voicemail | Echo | Say | Goto | Listen | RingAgain | Webhook | Responsible | Feature
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The end of a step that found out where the caller goes; without success there the next step follows."""

    destination: Destination
    """What comes next."""
