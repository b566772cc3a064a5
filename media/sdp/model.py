"""SDP text to values and back (RFC 4566). Lines nobody here understands are kept in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from media.errors import MalformedMedia

MAX_BYTES = 65_535
MAX_STREAMS = 64
LONGEST_REMEMBERED = 2000
"""Characters below one ``m=`` that are read only once: a phone writes the same in each of its calls."""
MOST_REMEMBERED = 128
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")

_MEDIA = re.compile(r"(\S+)[ \t]+([0-9]{1,5})(?:/([0-9]{1,5}))?[ \t]+(\S+)(?:[ \t]+(.*))?", re.ASCII)
_CONNECTION = re.compile(r"IN[ \t]+IP[46][ \t]+([^\s/]+)(?:/[0-9/]+)?[ \t]*", re.ASCII | re.IGNORECASE)
_KEY = re.compile(r"inline:\S*", re.IGNORECASE)


class Line(NamedTuple):
    """One ``<kind>=<value>`` line."""

    kind: str
    """The letter before the equals sign."""
    value: str
    """Everything behind it, without the line ending."""

    @classmethod
    def parse(cls, text: str) -> Line:
        """Return the line that ``text`` is.

        Raises:
            MalformedMedia: it is not a lower-case letter, an equals sign and a value.
        """
        if len(text) < 2 or text[1] != "=" or not ("a" <= text[0] <= "z"):
            raise MalformedMedia(f"not an SDP line: {text[:40]!r}")
        return cls(text[0], text[2:])

    def __repr__(self) -> str:
        """Keys of SRTP (RFC 4568) must not get into logs, wherever a description is printed."""
        return f"Line({self.kind!r}, {_KEY.sub('inline:...', self.value)!r})"

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"


@lru_cache(maxsize=MOST_REMEMBERED)
def _attributes(lines: tuple[Line, ...]) -> Mapping[str, tuple[str, ...]]:
    """Return the values of all ``a=name:value`` lines ('' for a bare ``a=name``) by name, in order."""
    values: dict[str, list[str]] = {}
    for kind, text in lines:
        if kind == "a":
            name, _, value = text.partition(":")
            values.setdefault(name.strip(), []).append(value.strip())
    return {name: tuple(found) for name, found in values.items()}


def _direction(lines: tuple[Line, ...]) -> str | None:
    """Return the direction attribute among ``lines``, if there is one."""
    for kind, value in lines:
        if kind == "a" and value.strip() in DIRECTIONS:
            return value.strip()
    return None


def _connection(lines: tuple[Line, ...]) -> str | None:
    """Return the address of the ``c=`` line, if there is one, without TTL and range.

    Raises:
        MalformedMedia: the line is not ``IN IP4 <address>`` or ``IN IP6 <address>``.
    """
    for kind, value in lines:
        if kind == "c":
            return _connection_address(value)
    return None


@lru_cache(maxsize=MOST_REMEMBERED)
def _connection_address(value: str) -> str:
    match = _CONNECTION.fullmatch(value)
    if match is None:
        raise MalformedMedia(f"not a connection line: {value[:40]!r}")
    return match[1]


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One ``m=`` line and what belongs to it."""

    kind: str
    """``audio``, ``video``, ``image``, ``application``..."""
    port: int
    """Where the describing side receives; 0 when the stream is refused or over."""
    protocol: str
    """``RTP/AVP``, ``RTP/SAVP``, ``udptl``..."""
    formats: tuple[str, ...]
    """Payload types as they were written, most wanted first."""
    lines: tuple[Line, ...] = ()
    """All lines below the ``m=`` line, in order."""
    port_count: int | None = None
    """The number behind the slash of ``port/number``, if one was written."""

    @classmethod
    def parse(cls, value: str, lines: tuple[Line, ...] = ()) -> MediaDescription:
        """Return the stream whose ``m=`` line has ``value``, followed by ``lines``.

        Raises:
            MalformedMedia: the value has no kind, port or protocol.
        """
        match = _MEDIA.fullmatch(value.strip())
        if match is None or int(match[2]) > 65_535:
            raise MalformedMedia(f"not a media line: {value.strip()[:40]!r}")
        kind, port, count, protocol, formats = match.groups()
        return cls(
            kind, int(port), protocol, tuple((formats or "").split()), lines, int(count) if count else None
        )

    @property
    def connection(self) -> str | None:
        """The address of this stream's own ``c=`` line, if it has one."""
        return _connection(self.lines)

    @property
    def direction(self) -> str | None:
        """This stream's own direction attribute, if it has one."""
        return _direction(self.lines)

    def attributes(self, name: str) -> tuple[str, ...]:
        """Return the values of every ``a=name`` of this stream, in order."""
        return _attributes(self.lines).get(name, ())

    def attribute(self, name: str) -> str | None:
        """Return the value of the first ``a=name`` of this stream, if there is one."""
        values = self.attributes(name)
        return values[0] if values else None

    def __str__(self) -> str:
        port = str(self.port) if self.port_count is None else f"{self.port}/{self.port_count}"
        return f"m={' '.join((self.kind, port, self.protocol, *self.formats))}"


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole SDP body."""

    lines: tuple[Line, ...]
    """The lines above the first ``m=``, beginning with ``v=0``."""
    media: tuple[MediaDescription, ...] = ()
    """The streams, in their order, which offer and answer share (RFC 3264 §6)."""

    @classmethod
    def parse(cls, body: bytes) -> SessionDescription:
        """Return what ``body`` describes. Bare LF line ends and blank lines are tolerated.

        Raises:
            MalformedMedia: it is not SDP, or larger than any phone's.
        """
        if len(body) > MAX_BYTES:
            raise MalformedMedia(f"{len(body)} bytes of SDP")
        head, *streams = _text(body).split("\nm=")
        lines = _lines(head, _line)
        if not lines or lines[0] != Line("v", "0"):
            raise MalformedMedia("SDP does not begin with v=0")
        if len(streams) > MAX_STREAMS:
            raise MalformedMedia(f"{len(streams)} streams")
        return cls(lines, tuple(map(_stream, streams)))

    def connection_of(self, stream: MediaDescription) -> str | None:
        """Return the address at which ``stream`` is received: its own, else the session's."""
        return stream.connection or _connection(self.lines)

    def direction_of(self, stream: MediaDescription) -> str:
        """Return the direction of ``stream``: its own, else the session's, else ``sendrecv``."""
        return stream.direction or _direction(self.lines) or "sendrecv"

    def attributes_of(self, stream: MediaDescription, name: str) -> tuple[str, ...]:
        """Return the values of every ``a=name`` of ``stream``, else of those that hold for all streams."""
        return stream.attributes(name) or _attributes(self.lines).get(name, ())

    def to_bytes(self) -> bytes:
        """Return the body, each line ended by CR LF."""
        text = [f"{kind}={value}\r\n" for kind, value in self.lines]
        for stream in self.media:
            text.append(f"{stream}\r\n")
            text += [f"{kind}={value}\r\n" for kind, value in stream.lines]
        return "".join(text).encode("utf-8", "surrogateescape")


def _text(body: bytes) -> str:
    """Return the text of ``body``; bytes that are not UTF-8 (Latin-1 names) survive a round trip."""
    text = body.decode("utf-8", "surrogateescape").rstrip("\r\n\0 ")
    if "\0" in text:
        raise MalformedMedia("SDP with a NUL")  # RFC 8866 §9; behind the end some phones pad with it
    return text


def _stream(text: str) -> MediaDescription:
    """Return the stream that ``text``, which begins with the value of its ``m=``, is about."""
    value, _, below = text.partition("\n")
    lines = _lines_below(below) if len(below) <= LONGEST_REMEMBERED else _lines(below)
    return MediaDescription.parse(value, lines)


_line = lru_cache(maxsize=MOST_REMEMBERED)(Line.parse)
"""Of what stands above the streams, most is the same in each call."""


def _lines(text: str, read: Callable[[str], Line] = Line.parse) -> tuple[Line, ...]:
    return tuple([read(row) for raw in text.split("\n") if (row := raw.rstrip("\r"))])


_lines_below = lru_cache(maxsize=MOST_REMEMBERED)(_lines)
