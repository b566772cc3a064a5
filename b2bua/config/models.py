"""The configuration as written: ``Config`` and, importable from here too, the models of its tables.

References between tables (a ring target, a mailbox) are names here;
``compile.py`` resolves them into a ``Plan``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PrivateAttr

from b2bua.config.compile import compile_plan
from b2bua.config.origin import Origin
from b2bua.config.tables import (
    Api,
    BackupAlert,
    Calendar,
    Callback,
    Crm,
    Destination,
    Extension,
    Group,
    Hours,
    Mailbox,
    Media,
    Menu,
    MenuOption,
    MissedAlert,
    Number,
    NumberGroup,
    Office,
    Person,
    Queue,
    Rates,
    Recording,
    ReturnCall,
    Rota,
    Rtp,
    Scheme,
    Sip,
    Smtp,
    Step,
    Table,
    Trunk,
    Webhook,
    WeeklyReport,
)
from b2bua.config.values import named
from b2bua.errors import ConfigError
from b2bua.routing.plan import Plan

__all__ = [
    "BackupAlert",
    "Calendar",
    "Callback",
    "Config",
    "Crm",
    "Destination",
    "Extension",
    "Group",
    "Hours",
    "Mailbox",
    "Media",
    "Menu",
    "MenuOption",
    "MissedAlert",
    "Number",
    "NumberGroup",
    "Office",
    "Person",
    "Queue",
    "Rates",
    "Recording",
    "ReturnCall",
    "Rota",
    "Rtp",
    "Scheme",
    "Sip",
    "Smtp",
    "Step",
    "Trunk",
    "Webhook",
    "WeeklyReport",
]


class Config(Table):
    """The whole office."""

    office: Office = Office()
    sip: Sip = Sip()
    rtp: Rtp = Rtp()
    media: Media = Media()
    recording: Recording = Recording()
    smtp: Smtp | None = None
    crm: Crm | None = None
    backup_alert: BackupAlert | None = None
    missed_alert: MissedAlert | None = None
    weekly_report: WeeklyReport | None = None
    api: Api | None = None
    callback: Callback | None = None
    trunks: Annotated[Mapping[str, Trunk], BeforeValidator(named)] = Field(
        default={}, validation_alias="trunk"
    )
    people: Annotated[Mapping[str, Person], BeforeValidator(named)] = Field(
        default={}, validation_alias="person"
    )
    groups: Annotated[Mapping[str, Group], BeforeValidator(named)] = Field(
        default={}, validation_alias="group"
    )
    rates: Annotated[Mapping[str, Rates], BeforeValidator(named)] = {}
    calendars: Annotated[Mapping[str, Calendar], BeforeValidator(named)] = Field(
        default={}, validation_alias="calendar"
    )
    hours: Mapping[str, Hours] = {}
    rotas: Annotated[Mapping[str, Rota], BeforeValidator(named)] = Field(default={}, validation_alias="rota")
    numbers: Annotated[Mapping[str, Number], BeforeValidator(named)] = Field(
        default={}, validation_alias="number"
    )
    number_groups: Annotated[Mapping[str, NumberGroup], BeforeValidator(named)] = Field(
        default={}, validation_alias="number-group"
    )
    schemes: Annotated[Mapping[str, Scheme], BeforeValidator(named)] = Field(
        default={}, validation_alias="scheme"
    )
    menus: Annotated[Mapping[str, Menu], BeforeValidator(named)] = Field(default={}, validation_alias="menu")
    queues: Annotated[Mapping[str, Queue], BeforeValidator(named)] = Field(
        default={}, validation_alias="queue"
    )
    mailboxes: Annotated[Mapping[str, Mailbox], BeforeValidator(named)] = Field(
        default={}, validation_alias="voicemail"
    )
    webhooks: Annotated[Mapping[str, Webhook], BeforeValidator(named)] = Field(
        default={}, validation_alias="webhook"
    )
    return_calls: Annotated[Mapping[str, ReturnCall], BeforeValidator(named)] = Field(
        default={}, validation_alias="return-call"
    )
    extensions: Mapping[Annotated[str, Field(pattern=r"^\d{2,6}$")], Extension] = Field(
        default={}, validation_alias="extension"
    )
    _origin: Origin = PrivateAttr(default_factory=Origin.nowhere)
    _written: Mapping[str, Any] = PrivateAttr(default_factory=dict)
    _plan: Plan | None = PrivateAttr(default=None)

    def emails_of(self, box: str) -> tuple[str, ...]:
        """Return who is mailed about messages in ``box``: its own list, else whose mailbox it is."""
        mailbox = self.mailboxes.get(box)
        if mailbox is not None and mailbox.emails:
            return tuple(mailbox.emails)
        return tuple(
            person.email for person in self.people.values() if person.voicemail == box and person.email
        )

    def mailboxes_of(self, name: str) -> tuple[str, ...]:
        """Return whose messages light the lamp of the person ``name``: their own mailbox first.

        Theirs are also those whose messages they are mailed.
        """
        person = self.people[name]
        own = (person.voicemail,) if person.voicemail else ()
        email = (person.email or "").lower()
        mailed = (
            box.name for box in self.mailboxes.values() if email and email in map(str.lower, box.emails)
        )
        return tuple(dict.fromkeys((*own, *mailed)))

    @property
    def origin(self) -> Origin:
        """Return where each key was read from."""
        return self._origin

    @property
    def as_written(self) -> Mapping[str, Any]:
        """Return the tables of all its files, as TOML has them."""
        return self._written

    def read_from(self, origin: Origin, written: Mapping[str, Any]) -> Self:
        """Return this configuration, which knows now where its keys stand and how they are ``written``."""
        self._origin, self._written = origin, written
        return self

    def plan(self) -> Plan:
        """Return the office as routing sees it.

        Raises:
            ConfigError: a name refers to nothing; never for a configuration that was loaded.
        """
        if self._plan is None:
            plan, faults = compile_plan(self)
            if faults:
                raise ConfigError(self._origin.problems(faults))
            self._plan = plan
        return self._plan
