"""Typed header values: Via, name-addr (From, To, Contact, Route...), CSeq (RFC 3261 §20, §25.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import (
    Parameters,
    find_parameter,
    format_parameters,
    is_token,
    parse_host,
    parse_number,
    parse_parameters,
    put_parameter,
    quote,
    readable,
    unquote,
)
from b2bua.sip.uri import LONGEST_REMEMBERED, MOST_REMEMBERED, OtherUri, Uri, parse_uri

MOST_HOPS_REMEMBERED = 64
"""Most come once: those of others in one message, ours in the responses of the next moment."""
_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*([^\s/;,:]+)\s+(\[[0-9A-Fa-f:.]+\]|[^\s:;,\[\]]+)\s*(?::\s*([0-9]{1,5})\s*)?(;.*)?",
    re.DOTALL | re.IGNORECASE,
)
_NAME_ADDR = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*"\s*|[^<"]*)<([^<>]*)>(.*)', re.DOTALL)
_WILDCARD = OtherUri(scheme="", rest="*")


@dataclass(frozen=True, slots=True)
class Via:
    """One hop a request came through and its response goes back (RFC 3261 §20.42, RFC 3581)."""

    transport: str
    """``UDP``, ``TCP``, ``TLS``, ``WS``... as it stood."""
    host: str
    """The sent-by host, IPv6 without its brackets."""
    port: int | None = None
    """The sent-by port; None: the transport's default."""
    parameters: Parameters = ()
    """In order, values as they stood."""

    @classmethod
    def parse(cls, text: str) -> Via:
        """Return the one Via that the text holds.

        Raises:
            MalformedMessage: it breaks the grammar.
        """
        return _via(text) if len(text) <= LONGEST_REMEMBERED else cls._read(text)

    @classmethod
    def _read(cls, text: str) -> Via:
        match = _VIA.fullmatch(text.strip())
        if match is None:
            raise MalformedMessage(f"bad Via: {text[:80]!r}")
        transport, host, port, parameters = match.groups()
        if not is_token(transport) or (port and int(port) > 65535):
            raise MalformedMessage(f"bad Via: {text[:80]!r}")
        return cls(transport, parse_host(host), int(port) if port else None, parse_parameters(parameters))

    @property
    def branch(self) -> str | None:
        """The transaction id, or None."""
        return find_parameter(self.parameters, "branch")

    @property
    def received(self) -> str | None:
        """The address the request really came from, IPv6 without brackets, or None."""
        received = self.parameter("received")
        return received.strip("[]") if received else None

    @property
    def rport(self) -> int | None:
        """The port the request really came from, or None (also while it is only asked for)."""
        rport = self.parameter("rport")
        return parse_number(rport, what="rport", most=65535) if rport else None

    @property
    def asks_rport(self) -> bool:
        """Whether the sender wants the response to its source port (RFC 3581 §3)."""
        return self.parameter("rport") is not None

    def parameter(self, name: str) -> str | None:
        """Return the parameter ("" when it has no value), or None when it is not there."""
        return find_parameter(self.parameters, name)

    def with_parameter(self, name: str, value: str | None = None) -> Via:
        """Return this Via with the parameter set."""
        return self._with(put_parameter(self.parameters, name, value))

    def _with(self, parameters: Parameters) -> Via:
        return Via(self.transport, self.host, self.port, parameters)  # replace() takes five times as long

    def with_source(self, host: str, port: int) -> Via:
        """Return this Via as a server notes where it came from (§18.2.1, RFC 3581 §4)."""
        if self.asks_rport:
            kept = [
                (name, str(port) if name.lower() == "rport" else value)
                for name, value in self.parameters
                if name.lower() != "received"
            ]
            return self._with((*kept, ("received", host)))
        return self if host == self.host else self.with_parameter("received", host)

    def __str__(self) -> str:
        """Return the header value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {host}{port}{format_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class NameAddr:
    """``"Anna" <sip:anna@office>;tag=1``: From, To, Contact, Route and their kin (RFC 3261 §20.10)."""

    uri: Uri
    """The address; for ``Contact: *`` see ``is_wildcard``."""
    display: str = ""
    """The name to show, unquoted, control characters and broken UTF-8 replaced."""
    parameters: Parameters = ()
    """Header parameters in order, values as they stood."""

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Return the one address that the text holds.

        Without ``<>`` all parameters are the header's; the URI may hold no comma, no ``?`` (§20.10).

        Raises:
            MalformedMessage: it breaks the grammar, or its URI does.
        """
        return _name_addr(text) if len(text) <= LONGEST_REMEMBERED else cls._read(text)

    @classmethod
    def _read(cls, text: str) -> NameAddr:
        text = text.strip()
        match = _NAME_ADDR.fullmatch(text)
        if match is None:
            return cls._parse_addr_spec(text)
        display, uri, parameters = match.groups()
        if display:
            display = _display(display.strip())
        return cls(parse_uri(uri.strip()), display, parse_parameters(parameters))

    @classmethod
    def _parse_addr_spec(cls, text: str) -> NameAddr:
        if text == "*":
            return cls(_WILDCARD)
        uri, semicolon, parameters = text.partition(";")
        if "," in uri or "?" in uri:
            raise MalformedMessage(f"URI needs <>: {text[:80]!r}")
        return cls(parse_uri(uri.strip()), "", parse_parameters(semicolon + parameters))

    @property
    def is_wildcard(self) -> bool:
        """Whether this is the ``*`` of ``Contact: *`` (§10.2.2)."""
        return isinstance(self.uri, OtherUri) and self.uri == _WILDCARD

    @property
    def tag(self) -> str | None:
        """The dialog tag, or None."""
        return find_parameter(self.parameters, "tag")

    def parameter(self, name: str) -> str | None:
        """Return the header parameter ("" when it has no value), or None when it is not there."""
        return find_parameter(self.parameters, name)

    def with_parameter(self, name: str, value: str | None = None) -> NameAddr:
        """Return this address with the header parameter set."""
        return NameAddr(self.uri, self.display, put_parameter(self.parameters, name, value))

    def with_tag(self, tag: str) -> NameAddr:
        """Return this address with the tag set."""
        return self.with_parameter("tag", tag)

    def without_parameters(self) -> NameAddr:
        """Return name and URI only."""
        return NameAddr(self.uri, self.display)

    def __str__(self) -> str:
        """Return the header value, always with ``<>``."""
        if self.is_wildcard:
            return "*"
        name = f"{quote(self.display)} " if self.display else ""
        return f"{name}<{self.uri}>{format_parameters(self.parameters)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    """Sequence number and method (RFC 3261 §20.16)."""

    number: int
    """0 to 2**31 - 1."""
    method: str
    """Case counts."""

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Return the value.

        Raises:
            MalformedMessage: no number below 2**31, or no method (§8.1.1.5).
        """
        return _cseq(text) if len(text) <= LONGEST_REMEMBERED else cls._read(text)

    @classmethod
    def _read(cls, text: str) -> CSeq:
        parts = text.split()
        if len(parts) != 2 or not is_token(parts[1]):
            raise MalformedMessage(f"bad CSeq: {text[:60]!r}")
        return cls(parse_number(parts[0], what="CSeq", most=2**31 - 1), parts[1])

    def __str__(self) -> str:
        """Return the header value."""
        return f"{self.number} {self.method}"


@lru_cache(MOST_REMEMBERED)
def _name_addr(text: str) -> NameAddr:
    """Return the address that the text holds; From, To and Contact come again in each message of a dialog."""
    return NameAddr._read(text)  # noqa: SLF001 - its own way in


@lru_cache(MOST_HOPS_REMEMBERED)
def _via(text: str) -> Via:
    """Return the hop that the text holds; each of ours comes back in two or three responses."""
    return Via._read(text)  # noqa: SLF001 - its own way in


@lru_cache(MOST_REMEMBERED)
def _cseq(text: str) -> CSeq:
    """Return the value that the text holds; the first ones of a dialog are the same in most."""
    return CSeq._read(text)  # noqa: SLF001 - its own way in


def _display(text: str) -> str:
    """Return the display name; unquoted words are taken as they are unless they could be something else."""
    if text[:1] != '"' and ("," in text or ";" in text):
        raise MalformedMessage(f"display name needs quotes: {text[:60]!r}")
    return readable(unquote(text))
