"""The office as routing sees it: every name is resolved and every number normalised. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from b2bua.routing.calendar import Calendar
from b2bua.routing.destination import Confirm, Destination, Outcome, Person
from b2bua.routing.load import Condition
from b2bua.routing.number_ranges import NumberRange
from b2bua.routing.rates import Budget
from b2bua.routing.rota import Rota
from b2bua.routing.schedule import Schedule

QueueStrategy = Literal["ringall", "roundrobin", "linear", "random", "longest-idle", "fewest-calls"]


@dataclass(frozen=True, slots=True)
class DialExtension:
    """A menu's option after which the caller types an extension."""


Choice = Destination | DialExtension


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scheme."""

    destination: Destination
    """What it does."""
    after: frozenset[Outcome] | None = None
    """Outcomes of the last entered step after which it is entered; None: after whatever did not succeed."""
    hours: str | None = None
    """Opening hours outside of which it is skipped; None: always."""
    when: tuple[Condition, ...] = ()
    """Conditions on the load; it is skipped when none of them holds. Empty: always entered."""
    key: str = ""
    """Where it stands in the configuration, e.g. ``scheme.sales.step.2``."""

    def follows(self, causes: frozenset[Outcome]) -> bool:
        """Return whether one of the outcomes leads into this step."""
        return self.after is None or bool(self.after & causes)


@dataclass(frozen=True, slots=True)
class Scheme:
    """What happens to a caller, step by step."""

    name: str
    """Key of the scheme."""
    steps: tuple[Step, ...]
    """In order."""
    allows_dead_end: bool = False
    """The owner wants callers to be released when the steps run out."""
    works: Schedule | None = None
    """When it works; None: always."""
    when: tuple[Condition, ...] = ()
    """Conditions on the load; it works while one of them holds. Empty: whatever the load is."""
    works_on: str = ""
    """Both in words, e.g. ``office`` or ``mon-fri, when free in sales > 1``."""
    otherwise: str | None = None
    """Scheme that is in force when this one does not work; None: it is passed over."""


@dataclass(frozen=True, slots=True)
class NumberSpec:
    """A number of the office."""

    number: str
    """Normalised; a range as it is written."""
    in_hours: str
    """Scheme while the schedule is open, or always without one."""
    off_hours: str | None = None
    """Scheme while it is closed; None without a schedule."""
    holiday: str | None = None
    """Scheme while it is closed on a holiday; None: as on other days."""
    schedule: str | None = None
    """Opening hours that decide between the two."""
    source: str | None = None
    """Where callers found the number, e.g. ``google``."""
    label: str = ""
    """What whoever answers reads before the caller, e.g. ``Site B``."""
    sticky_seconds: float | None = None
    """How long whoever talked with the caller today is rung before the scheme; None: they are not."""
    return_call: str | None = None
    """How its missed callers are called back; None: by people alone."""
    key: str = field(default="", compare=False)
    """Its table, as people write it."""

    @property
    def schemes(self) -> tuple[str, ...]:
        """Return the schemes with which its calls may start."""
        return tuple(filter(None, (self.in_hours, self.off_hours, self.holiday)))


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """Somebody who can be rung."""

    name: str
    """Key of the person."""
    display: str
    """How others see them, e.g. ``Anna Nowak``."""
    extension: str | None = None
    """What colleagues and callers of a menu dial."""
    mobile: str | None = None
    """Normalised number."""
    mobile_post_dial: str = ""
    """What is pressed once the mobile has answered."""
    mobile_confirm: Confirm | None = None
    """By what whoever answers the mobile takes the call, where a step says nothing; None: by the answer."""
    mailbox: str | None = None
    """Where messages go when their extension was dialled; None: the office's mailbox."""
    may_override: bool = True
    """Whether their phones may decide for all calls of the office."""
    devices: Mapping[str, str] = field(default_factory=dict)
    """Logins of those of their phones that can be rung alone, by key."""
    listens_to: tuple[str, ...] = ()
    """Mailboxes whose messages are theirs to hear, their own first."""


@dataclass(frozen=True, slots=True)
class MenuSpec:
    """A voice menu."""

    name: str
    """Key of the menu."""
    greeting: tuple[str, ...]
    """Prompts, played one after another."""
    options: Mapping[str, Choice]
    """By digit."""
    no_input: Destination
    """Where callers go who press nothing."""
    invalid: Destination
    """Where callers go who press what is not offered."""
    tries: int = 2
    """How often the greeting is played before one of these edges is taken."""
    input_seconds: float = 5.0
    """Silence after the greeting that counts as no input."""
    interdigit_seconds: float = 2.0
    """Silence after a digit that ends an extension."""
    for_seconds: float = 105.0
    """Limit of the whole menu."""
    dials_extensions: bool = True
    """Extensions can be typed at once."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What whoever answers reads of an option, by digit; empty: nothing."""


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A line of callers in front of some agents."""

    name: str
    """Key of the queue."""
    agents: tuple[str, ...]
    """Keys of people."""
    strategy: QueueStrategy = "ringall"
    """Who of the free agents gets the next call: all at once, or one of them."""
    announce_every_s: float = 30.0
    """Seconds from one announcement to the next."""
    max_wait_s: float = 180.0
    """Seconds after which the caller leaves the queue."""
    ring_seconds: float = 20.0
    """How long an agent is rung for one offer."""
    wrap_up_s: float = 0.0
    """Pause of an agent after a call."""
    music: str = "calm"
    """Name of the music that is played while waiting."""
    greeting: str = "queue-welcome"
    """Prompt that welcomes whoever has to wait; empty: none."""
    messages: tuple[str, ...] = ()
    """The office's own prompts, which callers hear one after another while they wait."""
    messages_every_s: float = 60.0
    """Seconds from one of these to the next."""
    announces_position: bool = True
    """Tells the caller their position."""
    announces_wait: bool = True
    """Tells the caller about how long it will take."""
    whispers_wait: bool = False
    """Tells who takes the call how long the caller has waited, before they are connected."""
    offers_call_back: bool = False
    """Whoever presses 1 is owed a call, and need not wait."""


@dataclass(frozen=True, slots=True)
class MailboxSpec:
    """Where messages are kept and who is told of them."""

    name: str
    """Key of the mailbox."""
    greeting: str | None = None
    """Prompt; None: the default greeting."""
    emails: tuple[str, ...] = ()
    """Who gets the recording."""
    max_seconds: float = 120.0
    """A message is cut here."""
    min_seconds: float = 1.0
    """What is shorter is no message."""


@dataclass(frozen=True, slots=True)
class FormSpec:
    """Digits that a caller is asked for."""

    ask: tuple[str, ...]
    """Prompts that ask."""
    fewest: int
    """Fewer are none."""
    most: int
    """Who has entered so many has entered all."""
    reads_back: bool = True
    """They hear what they entered, and say whether it is right."""
    tries: int = 3
    """How often they are asked."""


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """A server of somebody's own that says where callers go."""

    name: str
    """Key of the webhook."""
    url: str
    """``http:`` or ``https:``."""
    method: Literal["GET", "POST"] = "POST"
    """How it is asked."""
    budget_s: float = 1.5
    """Seconds after which the caller goes on without an answer."""
    for_seconds: float = 45.0
    """How long whoever is named rings."""
    secret: str | None = field(default=None, repr=False)
    """Signs the requests; None: they are not signed."""
    caches: bool = False
    """The last good answer for a caller counts while the server is down."""
    form: FormSpec | None = None
    """What the caller is asked for first; None: nothing."""


@dataclass(frozen=True, slots=True)
class ReturnSpec:
    """How callers of some numbers are called back whom nobody served."""

    name: str
    """Its key."""
    after_s: float
    """So long after their call ended."""
    again_s: tuple[float, ...]
    """So long after the first attempt the next ones follow."""
    hours: str | None
    """Only then; None: at any time."""
    greeting: str
    """Prompt for the customer; empty: ours."""
    is_confirmed: bool
    """Whether the customer has to press 1."""
    scheme: str | None
    """What is done with them; None: what is done with callers of the number."""
    ring_s: float
    """So long they are rung."""
    calls_abroad: bool
    """Whether numbers of other countries are called too."""
    ignore_s: float
    """Who hung up sooner is not called."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    country: str = "PL"
    """ISO 3166 code of the country whose national numbers are understood."""
    timezone: str = "UTC"
    """IANA name of the zone in which opening hours are read."""
    default_mailbox: str = "office"
    """The last resort of every scheme."""
    default_scheme: str | None = None
    """For numbers that are not configured; None: straight to the default mailbox."""
    voicemail_number: str = ""
    """What our people dial to listen to their messages; empty: nothing."""
    group_pickup_code: str = ""
    """What phones dial to take any call of the office that rings; empty: nothing."""
    directed_pickup_code: str = ""
    """What phones dial before an extension to take the call that rings there; empty: nothing."""
    backup_scheme: str | None = None
    """For all calls, while somebody has decided so; None: nobody can."""
    override_code: str = ""
    """What phones dial before a digit to decide for all calls of the office; empty: nothing."""
    call_back_code: str = ""
    """What phones dial to promise a call to whom they talk with; empty: nothing."""
    status_code: str = ""
    """What phones dial before a digit to say whether their person takes calls; empty: nothing."""
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    """By key."""
    numbers: Mapping[str, NumberSpec] = field(default_factory=dict)
    """By normalised number."""
    ranges: Mapping[NumberRange, NumberSpec] = field(default_factory=dict)
    """What holds for all numbers of a range but those that are in ``numbers``; no two ranges overlap."""
    menus: Mapping[str, MenuSpec] = field(default_factory=dict)
    """By key."""
    queues: Mapping[str, QueueSpec] = field(default_factory=dict)
    """By key."""
    mailboxes: Mapping[str, MailboxSpec] = field(default_factory=dict)
    """By key; has the default one."""
    extensions: Mapping[str, Destination] = field(default_factory=dict)
    """What each extension reaches, those of people included."""
    people: Mapping[str, PersonSpec] = field(default_factory=dict)
    """By key."""
    hours: Mapping[str, Schedule] = field(default_factory=dict)
    """By key."""
    asks_load: bool = False
    """Whether any step or scheme has a condition on the load."""
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    """By key."""
    budget: Budget = field(default_factory=Budget)
    """What calls to the outside cost, and may cost."""
    webhooks: Mapping[str, WebhookSpec] = field(default_factory=dict)
    """By key."""
    return_calls: Mapping[str, ReturnSpec] = field(default_factory=dict)
    """How missed callers are called back, by key."""

    @property
    def listed(self) -> tuple[NumberSpec, ...]:
        """Return what is configured for numbers and ranges; ``number`` of a range is how it is written."""
        return (*self.numbers.values(), *self.ranges.values())

    def device(self, login: str) -> Person | None:
        """Return the one phone that registers with that user name; None: there is none."""
        for person in self.people.values():
            for device, name in person.devices.items():
                if name == login:
                    return Person(person.name, device)
        return None

    def with_calendars(self, known: Mapping[str, Calendar]) -> Plan:
        """Return it with what is known of the calendars that its hours ask."""
        if not known:
            return self
        schemes = {
            name: replace(scheme, works=scheme.works.with_calendars(known)) if scheme.works else scheme
            for name, scheme in self.schemes.items()
        }
        hours = {name: schedule.with_calendars(known) for name, schedule in self.hours.items()}
        rotas = {name: rota.with_calendars(known) for name, rota in self.rotas.items()}
        return replace(self, schemes=schemes, hours=hours, rotas=rotas)
