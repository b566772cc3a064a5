"""Who is on the other side: trunks and people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from b2bua.config.tables.base import Named
from b2bua.config.tables.office import Codecs, Srtp
from b2bua.config.values import (
    Address,
    Addresses,
    Amount,
    Confirms,
    Email,
    Network,
    Seconds,
    Secret,
    Texts,
    named,
)

LOGIN = r"^[A-Za-z0-9_.-]{1,40}$"
DEVICE = r"^[A-Za-z0-9_-]{1,20}$"
"""A name that fits into "desk of anna"."""
NO_DEVICES = ("mobile", "mobiles")
"""Names that mean something else there."""
NOT_FOR_REGISTRAR = (
    *("accepts_from", "number", "caller_id", "channels", "max_unanswered_s"),
    *("follows_redirects", "allows_nat", "srtp", "codecs", "rates", "daily_cap"),
)
"""Fields of a trunk that matter to calls alone."""


def _as_text(value: object) -> object:
    """Return the text of an id that is a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


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
    host: Address | None = None
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
    """Whether sound is protected: SRTP, by keys in SDP (RFC 4568) or a handshake (RFC 5763)."""
    codecs: Codecs | None = None
    """Offered and accepted on this trunk; None: those of the office."""
    rates: str | None = None
    """What calls through it cost; None: nobody counts."""
    daily_cap: Amount | None = Field(default=None, gt=0)
    """Once a day's calls through it have cost so much, no more that cost something are placed."""
    dtmf: Literal["auto", "rfc4733", "info", "inband"] = "auto"
    """How keys that are pressed come and go on this trunk."""

    @property
    def registrars(self) -> tuple[str, ...]:
        """Return all registrars in the order in which they are tried."""
        return (self.registrar, *self.backup_registrars) if self.registrar else ()

    @property
    def for_registrar(self) -> Trunk:
        """Return it with only what matters to its registrar and to questions whether it answers."""
        return self.model_copy(update=dict.fromkeys(NOT_FOR_REGISTRAR))

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


class Group(Named):
    """``[group.x]``: people and numbers that are named together."""

    members: Texts = Field(min_length=1, description="who belongs to it")


class Device(Named):
    """``[person.x.device.y]``: one of somebody's phones, which can be rung alone."""

    login: str | None = Field(default=None, pattern=LOGIN)
    """User name with which it registers; None: extension and name, as ``101-desk``."""
    sip_password: Secret | None = Field(default=None, validation_alias="password", repr=False)
    """None: that of the person."""


class Person(Named):
    """``[person.x]``: somebody with phones."""

    display: str = Field(default="", validation_alias="name")
    """Full name; empty: the key with a capital letter."""
    extension: str | None = Field(default=None, pattern=r"^\d{2,6}$")
    """What colleagues dial; also the user name of the phones."""
    sip_password: Secret | None = Field(default=None, validation_alias="password", repr=False)
    """Password of the phones; None: no phone can register."""
    mobile: str | None = None
    mobile_confirm: Confirms = False
    """By what whoever answers the mobile takes the call: it may be its voicemail."""
    email: Email | None = None
    crm_user: Annotated[str | None, BeforeValidator(_as_text)] = None
    """How the CRM names them; None: by their e-mail address."""
    voicemail: str | None = None
    """Own mailbox."""
    calendar: str | None = None
    """Whose busy events are meetings of theirs."""
    may_override: bool = True
    """Whether their phones may close the office, or send all calls to the backup, by a code."""
    follows_forwards: bool = Field(default=True, validation_alias="follow-forwards")
    """Calls go where their phones send them by 302; else that is a refusal."""
    srtp: Srtp | None = None
    """Whether the sound of their phones is protected; None: as in ``[sip]``."""
    codecs: Codecs | None = None
    """Offered to and accepted from their phones; None: those of the office."""
    devices: Annotated[Mapping[Annotated[str, Field(pattern=DEVICE)], Device], BeforeValidator(named)] = (
        Field(default={}, validation_alias="device")
    )
    """Phones that can be rung alone, with a login each."""

    @property
    def title(self) -> str:
        """Return what others see."""
        return self.display or self.name.capitalize()

    @property
    def logins(self) -> Mapping[str, str]:
        """Return the user names with which single devices register, and which device each is."""
        return {self.login_of(name): name for name in self.devices}

    def login_of(self, device: str) -> str:
        """Return the user name with which a device of theirs registers."""
        return self.devices[device].login or f"{self.extension}-{device}"

    def password_of(self, login: str) -> str | None:
        """Return the password of the phone that registers so; None: it cannot."""
        device = self.logins.get(login)
        own = self.devices[device].sip_password if device is not None else None
        return own or self.sip_password

    @model_validator(mode="after")
    def _can_register(self) -> Self:
        if self.sip_password and not self.extension:
            raise ValueError("a password needs an extension: it is the user name of the phones")
        if self.mobile_confirm and not self.mobile:
            raise ValueError("mobile-confirm needs a mobile")
        for name, device in self.devices.items():
            if name in NO_DEVICES:
                raise ValueError(f'no device can be called {name}: "{name} of {self.name}" is another number')
            if not (device.sip_password or self.sip_password):
                raise ValueError(f"device {name} has no password, and its person has none either")
            if not (device.login or self.extension):
                raise ValueError(f"device {name} needs a login: its person has no extension")
        return self
