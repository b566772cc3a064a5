"""The lexical rules that every header shares: tokens, quoted strings, lists, parameters (RFC 3261 §25.1).

Every pattern here is linear: a peer must not be able to buy seconds of CPU with one datagram.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address
from unicodedata import category

from b2bua.errors import MalformedMessage

Parameters = tuple[tuple[str, str | None], ...]
"""``;name=value`` pairs in order; values as they stood in the message, quotes included."""

is_token: Callable[[str], re.Match[str] | None] = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+").fullmatch
"""Matches when the whole text is one ``token``."""

_is_name: Callable[[str], re.Match[str] | None] = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_.])?"
).fullmatch

_QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_UP_TO = {
    separator: re.compile(rf'(?:[^"<{separator}]+|{_QUOTED}|<[^>]*>)*', re.DOTALL) for separator in (",", ";")
}
_PARAMETER = re.compile(
    rf"\s*;\s*([A-Za-z0-9\-.!%*_+`'~]+)(?:\s*=\s*({_QUOTED}|[^\s;,\"=<>?][^\s;,\"<>?]*))?", re.DOTALL
)
_are_plain_parameters: Callable[[str], re.Match[str] | None] = re.compile(
    r"(?:;[A-Za-z0-9\-.!%*_+`'~]+(?:=[^\s;,\"=<>?][^\s;,\"<>?]*)?)+"
).fullmatch
"""Matches parameters without quotes and white space, as nearly all are."""
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def split_list(text: str, separator: str = ",") -> list[str]:
    """Return the elements of a list header, stripped; separators in quotes or ``<>`` do not count (§7.3.1).

    Raises:
        MalformedMessage: a quote or bracket that never closes, or an empty element.
    """
    if '"' not in text and "<" not in text:
        elements = [element.strip() for element in text.split(separator)]
    else:
        elements = _split_quoted(text, separator)
    if not all(elements):
        raise MalformedMessage(f"empty element in list {text[:60]!r}")
    return elements


def _split_quoted(text: str, separator: str) -> list[str]:
    match_up_to = _UP_TO[separator].match
    elements: list[str] = []
    position = 0
    while True:
        match = match_up_to(text, position)
        end = match.end() if match else position
        elements.append(text[position:end].strip())
        if end == len(text):
            return elements
        if text[end] != separator:
            raise MalformedMessage(f"unbalanced {text[end]} in {text[:60]!r}")
        position = end + 1


def parse_parameters(text: str | None) -> Parameters:
    """Return the parameters of ``;a=1;b;c="x"``; nothing gives an empty tuple.

    Raises:
        MalformedMessage: something else than parameters, or an empty one.
    """
    if not text:
        return ()
    if _are_plain_parameters(text):
        parts = [part.partition("=") for part in text[1:].split(";")]
        return tuple([(name, value if equals else None) for name, equals, value in parts])
    parameters: list[tuple[str, str | None]] = []
    position = 0
    for match in _PARAMETER.finditer(text):
        if match.start() != position:
            break
        parameters.append((match[1], match[2]))
        position = match.end()
    if position != len(text) and text[position:].strip():
        raise MalformedMessage(f"bad parameter in {text[:60]!r}")
    return tuple(parameters)


def format_parameters(parameters: Parameters) -> str:
    """Return ``;a=1;b`` for the parameters, values as they are."""
    if not parameters:
        return ""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in parameters])


def find_parameter(parameters: Parameters, name: str) -> str | None:
    """Return the value of the parameter, unquoted ("" when it has none), or None when it is not there."""
    for key, value in parameters:
        if key == name or key.lower() == name:
            return (unquote(value) if value[0] == '"' else value) if value else ""
    return None


def put_parameter(parameters: Parameters, name: str, value: str | None) -> Parameters:
    """Return the parameters with this one replaced in place, or appended."""
    names = [key.lower() for key, _ in parameters]
    if name not in names:
        return (*parameters, (name, value))
    at = names.index(name)
    return (*parameters[:at], (name, value), *parameters[at + 1 :])


def quote(text: str) -> str:
    """Return the text as a quoted string (§25.1)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """Return what a quoted string says; any other text comes back as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def readable(text: str) -> str:
    """Return the text fit for logs, databases and screens: no control characters, no broken UTF-8.

    Spaces of all kinds stay: names of some languages have the one at which no line breaks.
    """
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join([char if char.isprintable() or category(char) == "Zs" else "�" for char in whole])


def parse_host(text: str) -> str:
    """Return a host name or address, an IPv6 reference without its brackets.

    Some phones write the zone of a link-local address; it is their own name of a link and left out.

    Raises:
        MalformedMessage: neither.
    """
    if _is_name(text):
        return text
    try:
        if text[:1] != "[" or text[-1:] != "]":
            raise ValueError
        address = text[1:-1].partition("%")[0]
        IPv6Address(address)
    except ValueError:
        raise MalformedMessage(f"no such host: {text[:60]!r}") from None
    return address


def parse_number(text: str, *, what: str, most: int = 2**32 - 1) -> int:
    """Return a decimal number of a header.

    Raises:
        MalformedMessage: not ASCII digits only, or more than ``most``.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise MalformedMessage(f"{what} is not a number up to {most}: {text[:20]!r}")
    return int(text)
