"""What an INVITE says about who calls and which number was dialled."""

from __future__ import annotations

import re
from dataclasses import dataclass

from b2bua.errors import MalformedMessage
from b2bua.routing.numbers import normalise
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Request
from b2bua.sip.uri import SipUri, TelUri, Uri

POST_DIAL = re.compile(r"[,pPwW;]")
"""Where a number ends and what is dialled after the answer begins (RFC 3966 §5.1.3, row I9)."""
KEYS = re.compile(r"[0-9*#]")


@dataclass(frozen=True, slots=True)
class Dialled:
    """A dialled number with what follows it."""

    number: str
    """E.164, a short number, or an extension as it was dialled."""
    keys: str = ""
    """Digits after the number, as of ``tel:+48221230006,103`` or ``;ext=103``; pressed before the answer."""


def read_dialled(uri: Uri, *, country: str) -> Dialled:
    """Return the number and the digits after it of what was dialled."""
    if isinstance(uri, TelUri):
        extension = next((value for name, value in uri.parameters if name.lower() == "ext"), None)
        return Dialled(normalise(uri.number, country=country), _keys(extension or uri.post_dial))
    user = (uri.user or "") if isinstance(uri, SipUri) else ""
    number, separator, rest = _split(user)
    return Dialled(normalise(number, country=country), _keys(rest) if separator else "")


def _split(user: str) -> tuple[str, str, str]:
    match = POST_DIAL.search(user)
    if match is None:
        return user, "", ""
    rest = user[match.end() :]
    return (
        user[: match.start()],
        match[0],
        rest.partition("=")[2] if rest.startswith(("ext=", "postd=")) else rest,
    )


def _keys(text: str) -> str:
    return "".join(KEYS.findall(text))


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who calls, as far as it is told."""

    number: str
    """E.164 where it can be read as such; empty when withheld."""
    name: str
    """Display name."""


def read_caller(request: Request, *, country: str) -> CallerId:
    """Return who calls: P-Asserted-Identity (RFC 3325) before From. For peers that are trusted to say so."""
    asserted = request.headers.get("P-Asserted-Identity")
    source = request.from_
    if asserted is not None:
        try:
            source = NameAddr.parse(asserted)
        except MalformedMessage:
            source = request.from_
    number = _number(source.uri)
    if number.lower() in ("anonymous", "unavailable", "restricted"):
        return CallerId("", "")
    return CallerId(normalise(number, country=country), source.display or request.from_.display)


def _number(uri: Uri) -> str:
    if isinstance(uri, TelUri):
        return uri.number
    return _split(uri.user or "")[0] if isinstance(uri, SipUri) else ""
