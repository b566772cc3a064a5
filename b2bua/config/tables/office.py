"""The tables that hold for the whole office: itself, signalling, sound, mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, ValidationInfo, field_validator, model_validator

from b2bua.config.tables.base import Table
from b2bua.config.values import (
    EMAIL,
    Addresses,
    Amount,
    Hosts,
    Nameservers,
    Origins,
    Ports,
    Seconds,
    Secret,
    split_address,
)

Srtp = Literal["off", "offered", "required", "dtls"]
PICKUP_CODE = r"^([*#][0-9*#]{0,7})?$"
"""Begins with what no number begins with."""
Codecs = Annotated[tuple[Literal["opus", "G722", "PCMA", "PCMU"], ...], Field(min_length=1)]
"""The most wanted first."""
LEAST_SESSION_S = 90.0
"""No shorter session is allowed (RFC 4028 §5)."""


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
    daily_cap: Amount | None = Field(default=None, gt=0)
    """Once a day's calls to the outside have cost so much, no more that cost something are placed."""
    stop_waits_s: Seconds = Field(default=10.0, validation_alias="stop-waits", ge=0, le=3600)
    """How long talks may go on when the program is told to stop."""
    voicemail: str | None = None
    """Mailbox of the last resort; None: the first one that is configured."""
    voicemail_number: str = Field(default="*97", pattern=r"^([0-9*#]{2,8})?$")
    """What our people dial to listen to their messages; empty: they cannot."""
    lamps_show_callers: bool = False
    """Whether phones that watch a colleague who is being rung are told who calls."""
    group_pickup_code: str = Field(default="*8", pattern=PICKUP_CODE)
    """A phone that dials it takes the call that rings longest; empty: none."""
    directed_pickup_code: str = Field(default="*8", pattern=PICKUP_CODE)
    """Followed by an extension: a phone that dials it takes what rings there; empty: none."""
    backup_scheme: str | None = None
    """Scheme of all calls while somebody has decided so; None: nobody can."""
    override_code: str = Field(default="*46", pattern=PICKUP_CODE)
    """Dialled before a digit: closed until the next day, all to the backup, or normal; empty: none."""
    call_back_code: str = Field(default="*47", pattern=PICKUP_CODE)
    """Whoever dials it owes a call to whom they talk with, or talked with last; empty: none."""
    status_code: str = Field(default="*45", pattern=PICKUP_CODE)
    """Dialled alone or before a digit: whether who dials it takes calls; empty: none."""

    @field_validator("country")
    @classmethod
    def _has_numbers(cls, country: str) -> str:
        if country not in SUPPORTED_REGIONS:
            raise ValueError(f'no country has the letters {country!r}, expected for example "PL"')
        return country

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f'{name!r} is no time zone, expected for example "Europe/Warsaw"') from None
        return name


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
    ws_origins: Origins = ()
    """Sites whose pages may connect by WebSocket, beside those of our own hosts."""
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
    """Whether the phones' sound is protected: SRTP, by keys in SDP (RFC 4568) or a handshake (RFC 5763)."""

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

    addresses: Hosts = Field(default=("127.0.0.1",), validation_alias="address")
    """One, or one of each IP version."""
    public_addresses: Hosts = Field(default=(), validation_alias="public-address")
    """What goes into SDP toward peers beyond a NAT, one of each IP version; none: ``addresses``."""
    ports: Ports = (10000, 20000)

    @property
    def legs(self) -> int:
        """How many parties fit on the line: each takes an even port and the one above it."""
        first, last = self.ports
        return len(range(first + first % 2, last, 2))

    @property
    def room(self) -> str:
        """How many calls fit, in words."""
        return f"{self.legs} callers who wait, or {self.legs // 2} who talk"

    @field_validator("public_addresses")
    @classmethod
    def _stands_for_one_of_ours(cls, public: tuple[str, ...], known: ValidationInfo) -> tuple[str, ...]:
        versions = {":" in host for host in known.data.get("addresses", public)}
        for host in public:
            if (":" in host) not in versions:
                version = "IPv6" if ":" in host else "IPv4"
                raise ValueError(f"{host!r} stands for no address: `address` has none of {version}")
        return public


class Media(Table):
    """``[media]``: how audio is treated."""

    codecs: Codecs = ("opus", "G722", "PCMA", "PCMU")
    """Offered in this order, but for those that the other side of the call has, which come first."""
    rtp_timeout_s: Seconds = Field(default=30.0, validation_alias="rtp-timeout", ge=5, le=3600)
    """Without a packet for that long a leg is dead."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that share the calls and the RTP ports."""


class Recording(Table):
    """``[recording]``: which conversations are recorded, and what becomes of the files."""

    everything: bool = Field(default=False, validation_alias="all")
    """Every conversation."""
    numbers: tuple[str, ...] = ()
    """Calls that came to these of our numbers."""
    trunks: tuple[str, ...] = ()
    """Calls that came by these, and conversations with somebody who was called by these."""
    people: tuple[str, ...] = ()
    """Conversations of these, who called or were called."""
    announcement: str = "call-recorded"
    """Prompt that both hear before they are connected; empty: none."""
    format: Literal["wav", "opus", "mp3"] = "wav"
    """To which the file is converted after the call; until then it is a WAV file."""
    keep_s: Seconds = Field(default=90 * 86400.0, validation_alias="keep", ge=0)
    """After so long the file is deleted; 0: never."""
    folder: Path | None = None
    """None: ``recordings`` in the data folder."""

    @property
    def is_on(self) -> bool:
        """Return whether any conversation may be recorded."""
        return self.everything or bool(self.numbers or self.trunks or self.people)


class Smtp(Table):
    """``[smtp]``: the server that takes our mail."""

    host: str = Field(description="the name of the mail server")
    port: int = Field(default=587, ge=1, le=65535)
    username: str | None = None
    password: Secret | None = Field(default=None, repr=False)
    sender: str = Field(validation_alias="from", pattern=EMAIL, description="our own address")
    starttls: bool = True
