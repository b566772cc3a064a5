"""SIP, SIPS and tel URIs as frozen values (RFC 3261 §19.1, RFC 3966)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote as percent_encode
from urllib.parse import unquote as percent_decode

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import (
    Parameters,
    find_parameter,
    format_parameters,
    parse_host,
    put_parameter,
    readable,
)

LONGEST_REMEMBERED = 200
"""Characters of what is read only once while its call lasts."""
MOST_REMEMBERED = 256
"""Of each kind. What a call needs again comes within its first second, and of some dozen calls at a time: at
100 calls a second as many come again as of 4,096, and of 128 fewer."""
_SIP = re.compile(
    r"(?i:(sips?)):"
    r"(?:([^@:\s<>\"]+)(?::([^@\s<>\"]*))?@)?"
    r"(\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z_.\-]{1,32})?\]|[A-Za-z0-9_.\-]+)(?::([0-9]{1,5}))?"
    r"(;[^?\s@<>\"]*)?(?:\?([^\s@<>\"]+))?"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):([^\s<>\"]+)")
_SAFE_IN_USER = "-_.!~*'()&=+$,;?/%"
_PLAIN_USER = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]*")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()")
_TEL = re.compile(r"(\+?[0-9A-Fa-f*#\-.() ]+)([,pPwW][0-9A-Fa-f*#,pPwW\-.() ]*)?(;.*)?")
_TEL_CONTEXT = re.compile(r"\+[0-9][0-9\-.()]*|[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?\.?")
_WITHOUT_SEPARATORS = str.maketrans("", "", "-.() ")
_WITHOUT_SIGNS = str.maketrans("", "", "*#")
_PAUSES = str.maketrans({"p": ",", "P": ",", "W": "w"})


@dataclass(frozen=True, slots=True)
class SipUri:
    """``sip:user:password@host:port;parameters?headers`` (RFC 3261 §19.1.1)."""

    user: str | None
    """Normalised: only what must be escaped is (``%61`` reads as ``a``, ``%40`` stays)."""
    host: str
    """Name or address, IPv6 without its brackets, in the case it came in."""
    port: int | None = None
    """None: the default of whatever transport is chosen."""
    password: str | None = None
    """Never used by us, only kept."""
    is_secure: bool = False
    """``sips:``."""
    parameters: Parameters = ()
    """In order, values as they stood."""
    headers: str = ""
    """What follows ``?``, as it stood."""

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Return the URI.

        Raises:
            MalformedMessage: the text is not a SIP or SIPS URI.
        """
        match = _SIP.fullmatch(text)
        if match is None:
            raise MalformedMessage(f"not a SIP URI: {text[:80]!r}")
        scheme, user, password, host, port, parameters, headers = match.groups()
        if port and int(port) > 65535:
            raise MalformedMessage(f"no such port: {text[:80]!r}")
        return cls(
            user=user and normal_user(user),
            host=parse_host(host),
            port=int(port) if port else None,
            password=password,
            is_secure=len(scheme) == 4,
            parameters=_uri_parameters(parameters) if parameters else (),
            headers=headers or "",
        )

    def parameter(self, name: str) -> str | None:
        """Return the URI parameter ("" when it has no value), or None when it is not there."""
        return find_parameter(self.parameters, name)

    def with_parameter(self, name: str, value: str | None = None) -> SipUri:
        """Return this URI with the parameter set."""
        return replace(self, parameters=put_parameter(self.parameters, name, value))

    def with_(self, **fields: Any) -> SipUri:
        """Return this URI with other fields, e.g. ``with_(user="101", port=None)``."""
        return replace(self, **fields)

    @property
    def user_text(self) -> str:
        """The user with every escape resolved, for people to read; "" when there is none.

        Escapes may hide the end of a line, which would be one in each header that shows this.
        """
        return readable(percent_decode(self.user or ""))

    @property
    def telephone(self) -> TelUri | None:
        """The telephone number that the user part is (§19.1.6), or None; letters need ``user=phone``.

        Some write its plus as ``%2B``.
        """
        try:
            uri = TelUri.parse(f"tel:{(self.user or '').replace('%2B', '+')}")
        except MalformedMessage:
            return None
        is_number = uri.number.lstrip("+").translate(_WITHOUT_SIGNS).isdigit()
        return uri if is_number or self.parameter("user") == "phone" else None

    def __str__(self) -> str:
        """Return the URI text; characters that may not stand in a user are escaped."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = "" if self.user is None else normal_user(self.user)
        if self.password is not None:
            user += ":" + self.password
        return "".join(
            (
                "sips:" if self.is_secure else "sip:",
                user + "@" if user else "",
                host if self.port is None else f"{host}:{self.port}",
                format_parameters(self.parameters),
                "?" + self.headers if self.headers else "",
            )
        )


@dataclass(frozen=True, slots=True)
class TelUri:
    """A telephone number (RFC 3966), with the digits to dial once it has answered."""

    number: str
    """Digits, ``*``, ``#``, a leading ``+`` when global; visual separators removed."""
    parameters: Parameters = ()
    """``ext``, ``isub``, ``phone-context`` and unknown ones, as they stood; never ``postd``."""
    post_dial: str = ""
    """Digits to send after the answer: ``,`` a pause, ``w`` wait for the far end; "" for none."""

    @classmethod
    def parse(cls, text: str) -> TelUri:
        """Return the number; ``tel:+48221234567,555``, ``p``/``w`` and ``;postd=`` all give ``post_dial``.

        Raises:
            MalformedMessage: not a telephone number, or a bad ``phone-context``.
        """
        scheme, colon, rest = text.partition(":")
        if "%" in rest:
            digits, semicolon, tail = rest.partition(";")
            rest = percent_decode(digits) + semicolon + tail
        match = _TEL.fullmatch(rest)
        if not colon or scheme.lower() != "tel" or match is None:
            raise MalformedMessage(f"not a tel URI: {text[:80]!r}")
        number = match[1].translate(_WITHOUT_SEPARATORS)
        if not number.strip("+"):
            raise MalformedMessage(f"no digits in {text[:80]!r}")
        parameters = _uri_parameters(match[3]) if match[3] else ()
        context = find_parameter(parameters, "phone-context")
        if context is not None and not _TEL_CONTEXT.fullmatch(context):
            raise MalformedMessage(f"bad phone-context in {text[:80]!r}")
        return cls(
            number=number,
            parameters=tuple(item for item in parameters if item[0].lower() != "postd"),
            post_dial=_post_dial(match[2] or "") + _post_dial(find_parameter(parameters, "postd") or ""),
        )

    @property
    def is_global(self) -> bool:
        """Whether it means the same everywhere (``+``)."""
        return self.number.startswith("+")

    @property
    def extension(self) -> str | None:
        """``;ext=`` without separators: an extension behind the number."""
        return self._plain("ext")

    @property
    def subaddress(self) -> str | None:
        """``;isub=``: the ISDN subaddress."""
        return self.parameter("isub")

    @property
    def context(self) -> str | None:
        """``;phone-context=``: where a local number is valid, a prefix or a domain."""
        context = self.parameter("phone-context")
        return context.translate(_WITHOUT_SEPARATORS) if context and context[0] == "+" else context

    def parameter(self, name: str) -> str | None:
        """Return the parameter ("" when it has no value), or None when it is not there."""
        return find_parameter(self.parameters, name)

    def _plain(self, name: str) -> str | None:
        text = self.parameter(name)
        return None if text is None else text.translate(_WITHOUT_SEPARATORS)

    def __str__(self) -> str:
        """Return ``tel:+48221234567,555;ext=1``: the link form that phones understand.

        Digits that no pause keeps from the number are a parameter: ``tel:+48221234567;postd=555``.
        """
        has_pause = self.post_dial[:1] in ("", ",", "w")
        number = f"{self.number}{self.post_dial if has_pause else ''}".replace("#", "%23")
        post_dial = "" if has_pause else f";postd={self.post_dial}".replace("#", "%23")
        return f"tel:{number}{post_dial}{format_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class OtherUri:
    """A URI of a scheme that cannot be called (``mailto:``, ``http:``), or the ``*`` of ``Contact: *``."""

    scheme: str
    """Lower case; "" for the wildcard."""
    rest: str
    """What follows the colon, as it stood."""

    def __str__(self) -> str:
        """Return the URI text."""
        return f"{self.scheme}:{self.rest}" if self.scheme else self.rest


Uri = SipUri | TelUri | OtherUri


def parse_uri(text: str) -> Uri:
    """Return the URI by its scheme; the text must hold nothing else.

    Raises:
        MalformedMessage: not a URI, or one that breaks the rules of its scheme.
    """
    return _uri(text) if len(text) <= LONGEST_REMEMBERED else _read(text)


@lru_cache(MOST_REMEMBERED)
def _uri(text: str) -> Uri:
    """Return the URI; the same few stand in From, To, Contact and request-URI of all messages of a call."""
    return _read(text)


def _read(text: str) -> Uri:
    scheme = text[:5].lower()
    if scheme.startswith(("sip:", "sips:")):
        return SipUri.parse(text)
    if scheme.startswith("tel:"):
        return TelUri.parse(text)
    match = _SCHEME.fullmatch(text)
    if match is None:
        raise MalformedMessage(f"not a URI: {text[:80]!r}")
    return OtherUri(scheme=match[1].lower(), rest=match[2])


def normal_user(text: str) -> str:
    """Return the user with only what must be escaped escaped (equality by §19.1.4).

    Raises:
        MalformedMessage: a ``%`` without its two hex digits.
    """
    if _PLAIN_USER.fullmatch(text):
        return text
    if _BAD_ESCAPE.search(text):
        raise MalformedMessage(f"bad escape in {text[:80]!r}")
    escaped = percent_encode(text, safe=_SAFE_IN_USER, errors="surrogateescape")
    return _ESCAPE.sub(_normal_escape, escaped)


def _normal_escape(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _uri_parameters(text: str) -> Parameters:
    """Return URI parameters; unlike header parameters they know no quotes and no white space."""
    parameters: list[tuple[str, str | None]] = []
    for part in text[1:].split(";"):
        name, equals, value = part.partition("=")
        if not name or (equals and not value):
            raise MalformedMessage(f"bad URI parameter in {text[:80]!r}")
        parameters.append((name, value if equals else None))
    return tuple(parameters)


def _post_dial(text: str) -> str:
    """Return the digits with pauses in one spelling."""
    return text.translate(_WITHOUT_SEPARATORS).translate(_PAUSES)
