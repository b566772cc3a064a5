"""What the interface may see of the office, and change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from b2bua.call.roll import Roll
from b2bua.config.editing import Edit
from b2bua.config.models import Config
from b2bua.errors import Problem
from b2bua.people.decisions import Decisions
from b2bua.people.directory import Directory
from b2bua.people.occupancy import Occupancy
from b2bua.people.presence import Presence
from b2bua.registrar.bindings import Bindings
from b2bua.routing.plan import Plan
from b2bua.store.callbacks import Callbacks, NewCallback
from b2bua.store.links import Signer
from b2bua.store.messages import Messages
from b2bua.store.promises import Promises
from b2bua.store.recordings import Recordings


class Edited(Protocol):
    """What an edit came to."""

    @property
    def config(self) -> Config:
        """The office as it is written now."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What the checker says of it and did not say before."""

    @property
    def is_in_force(self) -> bool:
        """Whether the next call follows it."""


@dataclass(frozen=True, slots=True)
class Office:
    """The parts of a running office."""

    directory: Callable[[], Directory]
    """The people in force."""
    presence: Presence
    """Who takes calls."""
    decisions: Decisions
    """What holds for all calls."""
    plan: Callable[[], Plan]
    """The office in force, as routing sees it."""
    bindings: Bindings
    """Registered phones."""
    occupancy: Occupancy
    """Who talks."""
    calls: Roll
    """The calls that are up."""
    promises: Promises
    """Whom the office owes a call."""
    messages: Messages
    """Voicemail."""
    recordings: Recordings
    """What was talked."""
    signer: Signer
    """Knows the links that were made here."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    zone: Callable[[], tzinfo]
    """Where the office's clock hangs."""
    language: Callable[[], str]
    """What people read."""
    config: Callable[[], Config]
    """The configuration in force."""
    completed: Callable[[Config], Plan]
    """A configuration as routing sees it, with what is known of its calendars."""
    extensions_dialled: Callable[[], Awaitable[Mapping[tuple[str, str], int]]]
    """In how many calls callers of a number dialled an extension, by both."""
    callbacks: Callbacks
    """Who asked on the web to be called back."""
    promise: Callable[[NewCallback], Awaitable[bool]]
    """Promises a call; False: the disk does not take it yet."""
    call_now: Callable[[NewCallback, str], None]
    """Rings the people of a scheme, or of the number it is about, for somebody who wants to be called."""
    edit: Callable[[Edit, str], Awaitable[Edited]]
    """Carries out an edit of the configuration, for somebody."""
