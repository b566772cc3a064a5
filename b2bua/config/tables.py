"""The tables of the configuration, one frozen model each: kebab-case keys in TOML, snake_case fields here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from b2bua.config.values import (
    NAME,
    Address,
    Addresses,
    Nameservers,
    Network,
    Ports,
    Seconds,
    Secret,
    Texts,
    split_address,
)
from b2bua.routing.destination import Outcome, RingMode
from b2bua.routing.plan import QueueStrategy

Srtp = Literal["off", "offered", "required"]
Digit = Annotated[str, Field(pattern=r"^[0-9*#]$")]


class Table(BaseModel):
    """What all tables share: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda field: field.replace("_", "-"),
        validate_by_name=True,
        validate_by_alias=False,  # the loader asks for aliases; Python code uses the fields' names
        validate_default=False,
        arbitrary_types_allowed=True,
    )


class Named(Table):
    """A table that knows its key: ``name`` is ``anna`` in ``[person.anna]``."""

    name: str = Field(validation_alias=NAME)


class Office(Table):
    """``[office]``: what holds for everything."""

    country: str = Field(default="PL", pattern="^[A-Z]{2}$")
    timezone: str = "UTC"
    language: Literal["en", "uk", "ru", "pl"] = "en"
    data: Path = Path("data")
    prompts: Path | None = None
    """Folder of own prompts; they win over those that come with the program."""
    default_trunk: str | None = None
    """Trunk of calls to external numbers; None: the first one that can place calls."""
    default_scheme: str | None = None
    """Scheme of numbers that are not configured."""
    voicemail: str | None = None
    """Mailbox of the last resort; None: the first one that is configured."""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f'{name!r} is no time zone, expected for example "Europe/Warsaw"') from None
        return name


LEAST_SESSION_S = 90.0
"""No shorter session is allowed (RFC 4028 §5)."""


class Sip(Table):
    """``[sip]``: where phones and trunks reach us."""

    listen: Addresses = Field(default=("127.0.0.1:5060",), min_length=1)
    """For UDP and TCP; TLS and WebSocket are on the same addresses with ports of their own."""
    transports: tuple[Literal["udp", "tcp", "tls", "ws", "wss"], ...] = Field(
        default=("udp", "tcp"), min_length=1
    )
    tls_port: int = Field(default=5061, ge=1, le=65535)
    ws_port: int = Field(default=8088, ge=1, le=65535)
    wss_port: int = Field(default=8089, ge=1, le=65535)
    tls_certificate: Path | None = None
    """Ours and those between it and its authority, PEM; read again when it changes."""
    tls_key: Path | None = None
    """Its private key; None: in the same file."""
    tls_ca: Path | None = None
    """Whose certificates are trusted; None: whom the system trusts."""
    tls_verify: bool = True
    """Whether the servers that we call have to prove who they are."""
    tls_verify_clients: bool = False
    """Whether those who call us by TLS have to show a certificate."""
    most_connections: int = Field(default=2000, ge=1)
    """TCP, TLS or WebSocket, on each port; further ones are closed at once."""
    most_connections_of_address: int = Field(default=200, ge=1)
    """From one address."""
    domain: str | None = None
    """Realm and domain of the phones; None: the address we listen on."""
    public_address: str | None = None
    """What the outside sees in Via and Contact behind a NAT."""
    digest: tuple[Literal["MD5", "SHA-256"], ...] = Field(default=("MD5",), min_length=1)
    """Challenges for phones, in order. Many phones fail when they see one that they do not know."""
    nameservers: Nameservers = ()
    """Asked instead of the system's; port 53 where none is given."""
    qualify_every_s: Seconds = Field(default=0.0, validation_alias="qualify-every", ge=0, le=3600)
    """Phones are asked by OPTIONS this often whether they still answer; 0: never."""
    session_timer_s: Seconds = Field(default=1800.0, validation_alias="session-timer", ge=0, le=86400)
    """Calls whose far end can (RFC 4028) are refreshed twice in that time, dead ones end by it; 0: never."""
    srtp: Srtp = "off"
    """Whether the phones' sound is protected (SRTP with keys in SDP, RFC 4568)."""

    @field_validator("session_timer_s")
    @classmethod
    def _long_enough(cls, seconds: float) -> float:
        if 0 < seconds < LEAST_SESSION_S:
            raise ValueError("must be 90 seconds or more, or 0 for never")
        return seconds

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Return host and port of each of ``listen``."""
        return tuple(split_address(address, default_port=5060) for address in self.listen)

    @property
    def listening(self) -> str:
        """Return ``listen`` in words."""
        return " and ".join(self.listen)

    @property
    def host(self) -> str:
        """Return the address part of the first of ``listen``."""
        return self.addresses[0][0]

    @property
    def port(self) -> int:
        """Return the port part of the first of ``listen``."""
        return self.addresses[0][1]

    @model_validator(mode="after")
    def _can_prove_who_it_is(self) -> Self:
        if {"tls", "wss"} & set(self.transports) and self.tls_certificate is None:
            raise ValueError("tls and wss need a certificate: tls-certificate, and tls-key")
        if self.tls_key is not None and self.tls_certificate is None:
            raise ValueError("tls-key belongs to a tls-certificate")
        return self


class Rtp(Table):
    """``[rtp]``: where audio is received."""

    address: str = "127.0.0.1"
    public_address: str | None = None
    """What goes into SDP toward peers beyond a NAT; None: ``address``."""
    ports: Ports = (10000, 20000)

    @field_validator("address")
    @classmethod
    def _can_be_sent_to(cls, address: str) -> str:
        """Peers are told this address, so it must be one."""
        if address in ("0.0.0.0", "::", ""):  # noqa: S104 - compared with, not bound to
            raise ValueError(
                f'{address!r} is no address to send to, expected this machine\'s, e.g. "192.168.1.10"'
            )
        return address


class Media(Table):
    """``[media]``: how audio is treated."""

    codecs: tuple[Literal["PCMA", "PCMU"], ...] = Field(default=("PCMA", "PCMU"), min_length=1)
    """Offered in this order."""
    rtp_timeout_s: Seconds = Field(default=30.0, validation_alias="rtp-timeout", ge=5, le=3600)
    """Without a packet for that long a leg is dead."""


class Smtp(Table):
    """``[smtp]``: the server that takes our mail."""

    host: str = Field(description="the name of the mail server")
    port: int = Field(default=587, ge=1, le=65535)
    username: str | None = None
    password: Secret | None = Field(default=None, repr=False)
    sender: str = Field(validation_alias="from", pattern="@", description="our own address")
    starttls: bool = True


class Trunk(Named):
    """``[trunk.x]``: a way to and from the outside."""

    accepts_from: tuple[Network, ...] = ()
    """Calls from these addresses are this trunk's."""
    registrar: Address | None = None
    """Where we register; None: the provider knows our address."""
    backup_registrars: Addresses = ()
    """Where we register while those before do not answer, in this order."""
    keep_alive_s: Seconds = Field(default=25.0, validation_alias="keep-alive", ge=0, le=3600)
    """Between the packets that keep the way from the registrar to us open; 0: none."""
    qualify_every_s: Seconds = Field(default=0.0, validation_alias="qualify-every", ge=0, le=3600)
    """The trunk is asked by OPTIONS this often whether it answers; 0: never."""
    username: str | None = None
    password: Secret | None = Field(default=None, repr=False)
    realm: str | None = None
    """Answers challenges of this realm only; None: of any."""
    expires_s: Seconds = Field(default=600.0, validation_alias="expires", ge=30, le=86400)
    """How long a registration is asked for."""
    outbound_proxy: Address | None = None
    """Where all requests to this trunk go; None: to ``host``."""
    host: str | None = None
    """Where calls are sent; None: to the registrar."""
    port: int | None = Field(default=None, ge=1, le=65535)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    number: str | None = None
    """Our own number toward this trunk."""
    caller_id: Literal["own", "caller", "asserted"] = "own"
    """Number shown to whom we call: ours, the caller's, or the latter in P-Asserted-Identity (RFC 3325)."""
    channels: int | None = Field(default=None, ge=1)
    """Simultaneous calls that the provider sells; None: unlimited."""
    max_unanswered_s: Seconds = Field(default=60.0, validation_alias="max-unanswered", ge=5, le=600)
    """The carrier drops a call that rings longer; it is answered before that."""
    follows_redirects: bool = Field(default=False, validation_alias="follow-redirects")
    """Calls go where a 3xx of the provider sends them; else that is a refusal."""
    allows_nat: bool = False
    """Audio may come from another address than its SDP says."""
    srtp: Srtp = "off"
    """Whether sound is protected (SRTP with keys in SDP, RFC 4568)."""

    @property
    def registrars(self) -> tuple[str, ...]:
        """Return all registrars in the order in which they are tried."""
        return (self.registrar, *self.backup_registrars) if self.registrar else ()

    @property
    def places_calls(self) -> bool:
        """Return whether calls can be sent to it."""
        return bool(self.host or self.registrar)

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not (self.accepts_from or self.places_calls):
            raise ValueError("a trunk needs accepts-from (addresses), a registrar or a host")
        if self.registrar and not (self.username and self.password):
            raise ValueError("to register, a trunk needs a username and a password")
        if (self.backup_registrars and not self.registrar) or (
            self.qualify_every_s and not self.places_calls
        ):
            raise ValueError(
                "backup-registrars belong to a registrar, qualify-every to a registrar or a host"
            )
        return self


class Person(Named):
    """``[person.x]``: somebody with phones."""

    display: str = Field(default="", validation_alias="name")
    """Full name; empty: the key with a capital letter."""
    extension: str | None = Field(default=None, pattern=r"^\d{2,6}$")
    """What colleagues dial; also the user name of the phones."""
    sip_password: Secret | None = Field(default=None, validation_alias="password", repr=False)
    """Password of the phones; None: no phone can register."""
    mobile: str | None = None
    email: str | None = Field(default=None, pattern="@")
    voicemail: str | None = None
    """Own mailbox."""

    @property
    def title(self) -> str:
        """Return what others see."""
        return self.display or self.name.capitalize()

    @model_validator(mode="after")
    def _can_register(self) -> Self:
        if self.sip_password and not self.extension:
            raise ValueError("a password needs an extension: it is the user name of the phones")
        return self


class Destination(Table):
    """What can be done with a caller: exactly one of the keys up to ``echo``."""

    ring: Texts | None = Field(default=None, min_length=1)
    extension: str | None = None
    queue: str | None = None
    menu: str | None = None
    voicemail: str | None = None
    scheme: str | None = None
    say: str | None = None
    echo: Literal[True] | None = None
    mode: RingMode | None = None
    for_seconds: Seconds | None = Field(default=None, validation_alias="for", gt=0, le=3600)
    stagger_seconds: Seconds | None = Field(default=None, validation_alias="stagger", gt=0, le=600)

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
        if self.for_seconds and self.ring is None and self.queue is None:
            raise ValueError('"for" belongs to ring and queue; a menu has its own in [menu.x]')
        if self.stagger_seconds and self.mode is not RingMode.STAGGERED:
            raise ValueError('stagger needs mode = "staggered"')
        return self


RING_SECONDS = 20.0
STAGGER_SECONDS = 5.0
ACTIONS = ("ring", "extension", "queue", "menu", "voicemail", "scheme", "say", "echo", "dial-extension")


class MenuOption(Destination):
    """What a digit does."""

    dial_extension: Literal[True] | None = None
    """The caller types an extension next."""


class Step(Destination):
    """``[[scheme.x.step]]``."""

    after: tuple[Outcome, ...] | None = Field(default=None, min_length=1)
    """Only after one of these; None: after whatever did not succeed."""
    hours: str | None = None
    """Only in these opening hours."""

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


class Number(Named):
    """``[number."+48…"]``: one scheme always, or two by opening hours."""

    scheme: str | None = None
    in_hours: str | None = None
    off_hours: str | None = None
    schedule: str | None = None
    source: str | None = None
    """Where callers found the number."""

    @model_validator(mode="after")
    def _leads_somewhere_always(self) -> Self:
        by_hours = (self.schedule, self.in_hours, self.off_hours)
        if self.scheme and any(by_hours):
            raise ValueError("give either scheme, or schedule with in-hours and off-hours")
        if not self.scheme and not all(by_hours):
            raise ValueError('expected scheme = "…", or all of schedule, in-hours and off-hours')
        return self


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
    announce_position: bool = True
    announce_wait: bool = True


class Mailbox(Named):
    """``[voicemail.x]``."""

    greeting: str | None = None
    emails: Texts = ()
    max_seconds: Seconds = Field(default=120.0, validation_alias="max", ge=5, le=3600)
    min_seconds: Seconds = Field(default=1.0, validation_alias="min", ge=0, le=10)


class Extension(Destination):
    """``[extension."205"]``: an extension that is no person's."""
