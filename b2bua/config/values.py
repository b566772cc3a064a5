"""The kinds of values a configuration has besides text: durations, secrets, ports, addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import time
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from b2bua.routing.destination import Confirm
from b2bua.routing.schedule import DAYS, parse_minute

MOST_DIGITS = 20
"""So many a caller may be asked for."""
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
APP = re.compile(r"null|(?!https?:)[a-z][a-z0-9+.-]*://[a-z0-9.:-]*")
"""Origin of pages that belong to a program and no site."""
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(value: object) -> float:
    """Return the seconds of ``"20s"``, ``"1m30s"``, ``"2h"`` or of a plain number of seconds.

    Raises:
        ValueError: it is no duration.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError('expected a duration such as "20s" or "2m"')
    if not isinstance(value, str):
        return float(value)
    text = value.replace(" ", "")
    if not DURATION.fullmatch(text):
        raise ValueError(f'{value!r} is no duration, expected for example "20s", "2m", "1h30m" or "14d"')
    return sum(float(number) * UNITS[unit] for number, unit in PART.findall(text))


def is_duration(value: object) -> bool:
    """Return whether it is written as one: ``20s``, ``1h30m``."""
    return isinstance(value, str) and DURATION.fullmatch(value) is not None


def parse_weekly(value: object) -> object:
    """Return weekday (Monday is 0) and time of day of ``"mon 08:00"``.

    Raises:
        ValueError: it is no such moment.
    """
    if isinstance(value, tuple):
        return value
    day, _, clock = str(value).strip().lower().partition(" ")
    try:
        hour, minute = divmod(parse_minute(clock), 60)
        return DAYS.index(day), time(hour, minute)
    except ValueError:
        raise ValueError(f'{value!r} is no moment of the week, expected for example "mon 08:00"') from None


def parse_count(value: object) -> object:
    """Return the fewest and the most of ``"4-8"``, ``"5"`` or 5.

    Raises:
        ValueError: it is none of these.
    """
    if value is None or isinstance(value, tuple):
        return value
    parts = [part.strip() for part in str(value).split("-")]
    if not 1 <= len(parts) <= 2 or not all(re.fullmatch("[0-9]{1,2}", part) for part in parts):
        raise ValueError(f'{value!r} is no number of digits, expected for example "5" or "4-8"')
    fewest, most = int(parts[0]), int(parts[-1])
    if not 1 <= fewest <= most <= MOST_DIGITS:
        raise ValueError(f"expected at least one digit and at most {MOST_DIGITS}, found {value!r}")
    return fewest, most


def parse_amount(value: object) -> object:
    """Return the money of ``"0.60"`` or ``0.60``, exactly as it is written.

    Raises:
        ValueError: it is no amount.
    """
    if isinstance(value, Decimal):
        return value
    try:
        amount = Decimal(str(value)) if not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or amount < 0:
        raise ValueError(f'{value!r} is no amount of money, expected for example "0.60"')
    return amount


WITHOUT_SECRETS = {"needs_secrets": False}
"""Context of a validation for who only reads: a variable that is not set is no error then."""


def resolve_secret(value: object, info: ValidationInfo) -> object:
    """Return the text itself, or for ``"env:NAME"`` what that environment variable holds.

    Raises:
        ValueError: it is empty, which would let anybody in, or the variable is not set.
    """
    if not isinstance(value, str):
        return value
    if not value:
        raise ValueError("is empty; remove the line if there is no password")
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    secret = os.environ.get(name)
    if not secret and info.context == WITHOUT_SECRETS:
        return value
    if not secret:
        raise ValueError(f"the environment variable {name} is {'not set' if secret is None else 'empty'}")
    return secret


def parse_confirm(value: object) -> object:
    """Return by what whoever answers outside takes a call; False: the answer is enough.

    Raises:
        ValueError: it is none of what may be written.
    """
    if isinstance(value, bool):
        return Confirm.KEY if value else False
    if value in tuple(Confirm):
        return value
    raise ValueError(
        f'expected true or "key" (they press 1), "voice" (they say hello) or false, found {value!r}'
    )


def parse_ports(value: object) -> object:
    """Return both ends of ``"10000-20000"``.

    Raises:
        ValueError: it is no range of ports that has room for one call (four ports).
    """
    if isinstance(value, tuple):
        return value
    first, _, last = str(value).partition("-")
    if not (first.strip().isdecimal() and last.strip().isdecimal()):
        raise ValueError(f'{value!r} is no range of ports, expected for example "10000-20000"')
    low, high = int(first), int(last)
    if not 1024 <= low < low + 3 <= high <= 65535:
        raise ValueError(
            f"{value!r}: expected at least four ports between 1024 and 65535, the lower one first"
        )
    return (low, high)


def split_address(text: str, *, default_port: int) -> tuple[str, int]:
    """Return host and port of ``host``, ``host:port``, ``[v6]`` or ``[v6]:port``.

    Raises:
        ValueError: the port is none.
    """
    if text.count(":") > 1 and not text.startswith("["):
        return text, default_port  # a bare IPv6 address
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, str(default_port)
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError(f'{text!r} is no address, expected for example "127.0.0.1:5060"')
    return host.strip("[]"), int(port)


def parse_nameservers(value: object) -> object:
    """Return addresses and ports of ``"192.0.2.53"``, ``"[2001:db8::53]:5353"`` or of a list of them.

    Raises:
        ValueError: one is no IP address.
    """
    servers = one_or_many(value)
    return tuple(_nameserver(one) if isinstance(one, str) else one for one in servers)


def _nameserver(text: str) -> tuple[str, int]:
    host, port = split_address(text, default_port=53)
    try:
        ip_address(host)
    except ValueError:
        raise ValueError(f'{text!r} is no IP address, expected for example "192.0.2.53"') from None
    return host, port


def parse_hosts(value: object) -> object:
    """Return the IP addresses of ``"192.0.2.1"`` or of a list of an IPv4 and an IPv6 one.

    Raises:
        ValueError: one is no address to send to, or two are of the same IP version.
    """
    hosts = tuple(_host(str(one)) for one in one_or_many(value))
    if not hosts or len({":" in host for host in hosts}) != len(hosts):
        raise ValueError(f"{value!r}: expected one address, or one of IPv4 and one of IPv6")
    return hosts


def _host(text: str) -> str:
    """Return the IP address ``text``, also in brackets; peers are told it, so it must be one to send to."""
    try:
        address = ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(
            f'{text!r} is no IP address, expected this machine\'s, e.g. "192.168.1.10"'
        ) from None
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f'{text!r} is no address to send to, expected this machine\'s, e.g. "192.168.1.10"')
    return str(address)


def parse_network(value: object) -> object:
    """Return the network of ``"192.0.2.0/24"`` or of a single address.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(f"{value!r} is no network, {_nearest_network(value)}") from None


def _nearest_network(text: str) -> str:
    """Return what to write instead of a text that is no network."""
    try:
        around = ip_network(text, strict=False)
    except ValueError:
        return 'expected for example "192.0.2.7" or "192.0.2.0/24"'
    return f'did you mean "{around}", or "{text.partition("/")[0]}" alone?'


def _is_address(text: str) -> str:
    host, _ = split_address(text, default_port=5060)
    if not re.fullmatch(r"[^\s/@,;<>\"]+", host):
        raise ValueError(f'{text!r} is no server, expected for example "sip.provider.example"')
    return text


def _is_origin(text: str) -> str:
    parts = urlsplit(text)
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_bare or text != text.lower():
        raise ValueError(
            f'{text!r} is no origin of web pages, expected for example "https://www.office.example"'
        )
    return text


def _is_origin_or_app(text: str) -> str:
    return text if APP.fullmatch(text) else _is_origin(text)


def one_or_many(value: object) -> Sequence[object]:
    """Return a list as it is, and anything else as the one thing in a list."""
    return value if isinstance(value, list | tuple) else (value,)


Seconds = Annotated[float, BeforeValidator(parse_duration)]
Confirms = Annotated[Confirm | Literal[False], BeforeValidator(parse_confirm)]
Amount = Annotated[Decimal, BeforeValidator(parse_amount)]
Secret = Annotated[str, BeforeValidator(resolve_secret)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(parse_network)]
Ports = Annotated[tuple[int, int], BeforeValidator(parse_ports)]
Nameservers = Annotated[tuple[tuple[str, int], ...], BeforeValidator(parse_nameservers)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(parse_hosts)]
Address = Annotated[str, AfterValidator(_is_address)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(one_or_many)]
Texts = Annotated[tuple[str, ...], BeforeValidator(one_or_many)]
Origin = Annotated[str, AfterValidator(_is_origin)]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_is_origin_or_app)], ...], BeforeValidator(one_or_many)
]
EMAIL = r"^[^@\s,;<>]+@[^@\s,;<>]+$"
Email = Annotated[str, Field(pattern=EMAIL)]
Emails = Annotated[tuple[Email, ...], BeforeValidator(one_or_many)]


def named(tables: Any) -> Any:
    """Return the tables with the key of each put into it, so that a model knows its own name."""
    if not isinstance(tables, dict):
        return tables
    return {key: {**table, NAME: key} if isinstance(table, dict) else table for key, table in tables.items()}


NAME = ":name"
"""Not writable as a bare TOML key."""
