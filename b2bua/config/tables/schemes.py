"""What is done with callers: numbers, schemes and what their steps name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from b2bua.config.tables.base import Named, Table
from b2bua.config.tables.outside import WebAddress
from b2bua.config.values import (
    Confirms,
    Emails,
    Seconds,
    Secret,
    Texts,
)
from b2bua.routing.destination import Outcome, RingMode, Shows
from b2bua.routing.plan import QueueStrategy

Digit = Annotated[str, Field(pattern=r"^[0-9*#]$")]
RING_SECONDS = 20.0
RESPONSIBLE_SECONDS = 30.0
STAGGER_SECONDS = 5.0
CONFIRM_SECONDS = 20.0
OF_RING = ("confirm", "confirm_seconds", "caller_id", "music", "whisper", "backup")
"""What can be said of no other action."""
ACTIONS = (
    "ring",
    "extension",
    "queue",
    "menu",
    "voicemail",
    "scheme",
    "webhook",
    "crm",
    "say",
    "echo",
    "dial-extension",
)


class Destination(Table):
    """What can be done with a caller: exactly one of the keys up to ``echo``."""

    ring: Texts | None = Field(default=None, min_length=1)
    extension: str | None = None
    queue: str | None = None
    menu: str | None = None
    voicemail: str | None = None
    scheme: str | None = None
    webhook: str | None = None
    crm: Literal["responsible", "mobile of responsible"] | None = None
    say: str | None = None
    echo: Literal[True] | None = None
    mode: RingMode | None = None
    for_seconds: Seconds | None = Field(default=None, validation_alias="for", gt=0, le=3600)
    stagger_seconds: Seconds | None = Field(default=None, validation_alias="stagger", gt=0, le=600)
    confirm: Confirms | None = None
    """By what whoever answers outside takes the call; None: for mobiles, what ``mobile-confirm`` says."""
    confirm_seconds: Seconds | None = Field(default=None, validation_alias="confirm-within", ge=5, le=60)
    caller_id: Shows | None = None
    """Whose number is shown outside; None: as the trunk has it."""
    music: str | None = None
    """The caller is answered, and hears this instead of ringing."""
    whisper: str | None = None
    """Prompt that whoever answers hears before they are connected."""
    backup: Literal[True] | None = None
    """Whoever is rung is the backup, for reports and alerts."""

    @property
    def actions(self) -> tuple[str, ...]:
        """Return the keys that say what to do."""
        return tuple(key for key in ACTIONS if getattr(self, key.replace("-", "_"), None))

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if len(self.actions) != 1:
            found = " and ".join(self.actions) or "none of them"
            raise ValueError(f"expected exactly one of {', '.join(ACTIONS)}; found {found}")
        if (self.mode or self.stagger_seconds) and self.ring is None:
            raise ValueError("mode and stagger belong to ring")
        if self.ring is None and any(getattr(self, key) is not None for key in OF_RING):
            raise ValueError("confirm, confirm-within, caller-id, music, whisper and backup belong to ring")
        if self.for_seconds and not (self.ring or self.queue or self.crm):
            raise ValueError('"for" belongs to ring, queue and crm; menus and webhooks have their own')
        if self.stagger_seconds and self.mode is not RingMode.STAGGERED:
            raise ValueError('stagger needs mode = "staggered"')
        return self


class MenuOption(Destination):
    """What a digit does."""

    dial_extension: Literal[True] | None = None
    """The caller types an extension next."""
    label: str | None = None
    """What whoever answers reads of the choice; None: what it leads to."""

    @property
    def title(self) -> str:
        """Return what the option is about, where that can be told: "Support"."""
        name = self.queue or self.scheme or self.menu or ""
        return name.capitalize() if self.label is None else self.label


class Step(Destination):
    """``[[scheme.x.step]]``."""

    after: tuple[Outcome, ...] | None = Field(default=None, min_length=1)
    """Only after one of these; None: after whatever did not succeed."""
    hours: str | None = None
    """Only in these opening hours."""
    when: Texts = ()
    """Only while one of these holds, e.g. ``free in sales < 2``; none: whatever the load is."""

    @field_validator("after")
    @classmethod
    def _can_be_followed(cls, outcomes: tuple[Outcome, ...] | None) -> tuple[Outcome, ...] | None:
        if outcomes and (final := {Outcome.ANSWERED, Outcome.MESSAGE} & set(outcomes)):
            raise ValueError(f"nothing follows after {', '.join(sorted(final))}: the caller was served")
        return outcomes


class Scheme(Named):
    """``[scheme.x]``: steps in order."""

    steps: tuple[Step, ...] = Field(
        validation_alias="step", min_length=1, description="what to do with a caller"
    )
    allow_dead_end: bool = False
    """Let callers go when the steps run out."""
    days: Texts = ()
    """Days of the week on which it works, e.g. ``mon-fri``; none: all."""
    hours: str | None = None
    """Opening hours in which it works."""
    when: Texts = ()
    """It works while one of these conditions on the load holds, e.g. ``waiting in sales <= 3``."""
    otherwise: str | None = None
    """Scheme for callers who come at another time, or at another load."""

    @model_validator(mode="after")
    def _works_at_one_time(self) -> Self:
        if self.days and self.hours:
            raise ValueError("give either days or hours; a table of hours has days of its own")
        if self.otherwise and not (self.days or self.hours or self.when):
            raise ValueError("otherwise belongs to days, hours or when: this scheme works always")
        return self


class Number(Named):
    """``[number."+48…"]``: one scheme always, or two by opening hours."""

    scheme: str | None = None
    in_hours: str | None = None
    off_hours: str | None = None
    holiday: str | None = None
    """Scheme while the schedule is closed on a holiday; None: as ``off_hours``."""
    schedule: str | None = None
    source: str | None = None
    """Where callers found the number."""
    label: str | None = None
    """What whoever answers reads before the caller; None: the source."""
    sticky: Literal["today"] | None = None
    """Whoever talked with the caller today is rung before the scheme; None: they are not."""
    sticky_seconds: Seconds = Field(default=RING_SECONDS, validation_alias="sticky-for", gt=0, le=300)
    return_call: str | None = None
    """How missed callers of it are called back; None: by people alone."""

    @model_validator(mode="after")
    def _leads_somewhere_always(self) -> Self:
        by_hours = (self.schedule, self.in_hours, self.off_hours)
        if self.scheme and (any(by_hours) or self.holiday):
            raise ValueError("give either scheme, or schedule with in-hours and off-hours")
        if not self.scheme and not all(by_hours):
            raise ValueError('expected scheme = "…", or all of schedule, in-hours and off-hours')
        return self


class NumberGroup(Number):
    """``[number-group.x]``: numbers for which all the same holds."""

    numbers: Texts = Field(min_length=1, description="the numbers of the group")


class Menu(Named):
    """``[menu.x]``: both ways out for callers who cannot choose are mandatory."""

    greeting: Texts = Field(min_length=1, description="the prompts to play")
    options: Mapping[Digit, MenuOption] = Field(min_length=1, description="what each digit does")
    no_input: Destination = Field(description="where callers go who press nothing")
    invalid: Destination = Field(description="where callers go who press what is not offered")
    tries: int = Field(default=2, ge=1, le=5)
    input_seconds: Seconds = Field(default=5.0, validation_alias="input-timeout", ge=1, le=30)
    interdigit_seconds: Seconds = Field(default=2.0, validation_alias="interdigit-timeout", ge=0.5, le=10)
    for_seconds: Seconds = Field(default=105.0, validation_alias="for", ge=10, le=600)
    direct_extensions: bool = True
    """Extensions can be typed without choosing an option first."""


class Queue(Named):
    """``[queue.x]``."""

    agents: Texts = Field(min_length=1, description="who takes the calls")
    strategy: QueueStrategy = "ringall"
    announce_every_s: Seconds = Field(default=30.0, validation_alias="announce-every", ge=5, le=600)
    max_wait_s: Seconds = Field(default=180.0, validation_alias="max-wait", ge=1, le=7200)
    ring_seconds: Seconds = Field(default=20.0, validation_alias="ring-for", ge=1, le=300)
    wrap_up_s: Seconds = Field(default=0.0, validation_alias="wrap-up", ge=0, le=3600)
    music: str = "calm"
    greeting: str = "queue-welcome"
    messages: Texts = ()
    messages_every_s: Seconds = Field(default=60.0, validation_alias="messages-every", ge=5, le=3600)
    announce_position: bool = True
    announce_wait: bool = True
    whisper: bool = False
    offer_call_back: bool = False


class Mailbox(Named):
    """``[voicemail.x]``."""

    greeting: str | None = None
    emails: Emails = ()
    url: WebAddress | None = None
    """A server that is told of each message, as JSON."""
    secret: Secret | None = Field(default=None, repr=False)
    """Signs what the server gets."""
    max_seconds: Seconds = Field(default=120.0, validation_alias="max", ge=5, le=3600)
    min_seconds: Seconds = Field(default=1.0, validation_alias="min", ge=0, le=10)

    @model_validator(mode="after")
    def _signs_something(self) -> Self:
        if self.secret and self.url is None:
            raise ValueError("secret belongs to a url")
        return self

    @model_validator(mode="after")
    def _can_keep_something(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError("min is longer than max, so that no message could ever be kept")
        return self


class Extension(Destination):
    """``[extension."205"]``: an extension that is no person's."""
