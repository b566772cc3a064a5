"""The configuration in force, and the one that a call started with: a change holds from the next call on."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from b2bua.config.models import Config, Person
from b2bua.people.directory import Directory
from b2bua.phrases import Phrasebook
from b2bua.recording.studio import Studio
from b2bua.routing.calendar import Calendar
from b2bua.routing.plan import Plan, QueueSpec


@dataclass(frozen=True)
class Edition:
    """One configuration, and what is made of it."""

    config: Config
    """As it was read."""
    directory: Directory
    """Its people."""
    book: Phrasebook
    """What its callers are told."""
    studio: Studio | None = None
    """What records; None: nothing is recorded."""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    """What is known of the calendars."""

    @classmethod
    def of(cls, config: Config) -> Edition:
        """Return the edition of ``config``, without a studio; reads files."""
        book = Phrasebook(Phrasebook.found(), config.office.language, config.office.prompts)
        return cls(config, Directory(config), book)

    @cached_property
    def plan(self) -> Plan:
        """Return it as routing sees it."""
        return self.config.plan().with_calendars(self.calendars)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return where the office's clock hangs."""
        return ZoneInfo(self.config.office.timezone)


@dataclass(slots=True)
class Editions:
    """Knows which edition counts for whoever asks."""

    current: Edition
    """What is in force."""
    _former_users: set[str] = field(default_factory=set)

    def put_in_force(self, edition: Edition) -> None:
        """Let ``edition`` count for everything that begins from now on."""
        self._former_users |= set(self.current.directory.usernames)
        self.current = edition

    def keep(self) -> None:
        """Let the task that calls this go on with the edition that is in force now, to its end."""
        _kept.set(self.current)

    @property
    def own(self) -> Edition:
        """Return the edition that the call started with in whose task this is asked; outside, the current."""
        return _kept.get() or self.current

    def own_plan(self) -> Plan:
        """Return the plan of ``own``."""
        return self.own.plan

    def person(self, name: str) -> Person:
        """Return whom a call may ring: as they are now, those who have left as the call knows them."""
        current = self.current.directory
        return (current if current.has(name) else self.own.directory).person(name)

    def queue(self, name: str) -> QueueSpec:
        """Return how callers of the queue are served now; a queue that is gone, as the call knows it."""
        return self.current.plan.queues.get(name) or self.own.plan.queues[name]

    # --- whom phones can belong to -------------------------------------------------------------------------

    def by_username(self, username: str) -> Person | None:
        """Return whose phones use ``username`` now."""
        return self.current.directory.by_username(username)

    def by_extension(self, extension: str) -> Person | None:
        """Return whose extension it is now."""
        return self.current.directory.by_extension(extension)

    def has_left(self, username: str) -> bool:
        """Return whether phones used ``username`` once, and nobody's may now."""
        return username in self._former_users and self.by_username(username) is None


_kept: ContextVar[Edition | None] = ContextVar("the edition that the call started with", default=None)
