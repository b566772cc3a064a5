"""What a recipe has to be told of an office."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who takes calls."""

    key: str
    """As the file names them, e.g. ``anna``."""
    name: str
    """Full name."""
    extension: str
    """Of their phones, which is their user name too."""
    password: str = field(repr=False)
    """Of their phones."""
    mobile: str = ""
    """May be empty."""
    email: str = ""
    """May be empty."""


@dataclass(frozen=True, slots=True)
class Line:
    """How the office is connected to its provider."""

    server: str
    """``host`` or ``host:port``."""
    username: str = ""
    """Account at the provider; empty: it knows our address."""
    password: str = field(default="", repr=False)
    """Of that account."""
    channels: int = 10
    """Simultaneous calls that the provider sells."""


@dataclass(frozen=True, slots=True)
class Answers:
    """An office."""

    number: str
    """Its number, E.164."""
    country: str
    """ISO 3166 code."""
    timezone: str
    """IANA name."""
    language: str
    """Of the prompts."""
    address: str
    """This machine's in the office's network."""
    line: Line
    """To the provider."""
    people: tuple[Colleague, ...]
    """At least one."""
    backup: str
    """Number outside that is rung when nobody else can be; empty where the recipe rings none."""
    email: str
    """Who gets the messages."""
    opening: str
    """On Monday to Friday, e.g. ``09:00-18:00``."""
    is_by_voice: bool = False
    """Whether whoever answers a mobile takes the call by saying hello; else by pressing 1."""
    has_public_holidays: bool = True
    """Whether those of the country are known."""
    data: str = "data"
    """Folder of journal and recordings."""


SAMPLE = Answers(
    number="+48221234567",
    country="PL",
    timezone="Europe/Warsaw",
    language="pl",
    address="192.168.1.10",
    line=Line("sip.provider.example", "48221234567", "env:PROVIDER_PASSWORD"),
    people=(
        Colleague("anna", "Anna Nowak", "201", "env:ANNA_PASSWORD", "+48600100200", "anna@office.example"),
        Colleague("piotr", "Piotr Zieliński", "202", "env:PIOTR_PASSWORD", "+48600100201"),
    ),
    backup="+48600999888",
    email="office@office.example",
    opening="09:00-18:00",
)
"""What the shipped recipes are written with."""
