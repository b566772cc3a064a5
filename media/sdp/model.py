"""SDP text to values and back (RFC 4566). Lines nobody here understands are kept in their place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from media.errors import MalformedMedia

MAX_BYTES = 65_535
MAX_STREAMS = 64
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


def _attributes(lines: tuple[Line, ...], name: str) -> tuple[str, ...]:
    """Return the values of all ``a=name:value`` lines ('' for a bare ``a=name``), in order."""
    parted = (line.value.partition(":") for line in lines if line.kind == "a")
    return tuple(value.strip() for key, _, value in parted if key.strip() == name)


def _direction(lines: tuple[Line, ...]) -> str | None:
    """Return the direction attribute among ``lines``, if there is one."""
    return next(
        (line.value.strip() for line in lines if line.kind == "a" and line.value.strip() in DIRECTIONS), None
    )


def _connection(lines: tuple[Line, ...]) -> str | None:
    """Return the address of the ``c=`` line, if there is one, without TTL and range.

    Raises:
        MalformedMedia: the line is not ``IN IP4 <address>`` or ``IN IP6 <address>``.
    """
    value = next((line.value for line in lines if line.kind == "c"), None)
    if value is None:
        return None
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
            raise MalformedMedia(f"not a media line: {value[:40]!r}")
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
        return _attributes(self.lines, name)

    def attribute(self, name: str) -> str | None:
        """Return the value of the first ``a=name`` of this stream, if there is one."""
        return next(iter(self.attributes(name)), None)

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
        lines = _lines(body)
        if not lines or lines[0] != Line("v", "0"):
            raise MalformedMedia("SDP does not begin with v=0")
        starts = [index for index, line in enumerate(lines) if line.kind == "m"]
        if len(starts) > MAX_STREAMS:
            raise MalformedMedia(f"{len(starts)} streams")
        ends = [*starts[1:], len(lines)]
        media = (
            MediaDescription.parse(lines[start].value, tuple(lines[start + 1 : end]))
            for start, end in zip(starts, ends, strict=False)
        )
        return cls(tuple(lines[: starts[0]] if starts else lines), tuple(media))

    def connection_of(self, stream: MediaDescription) -> str | None:
        """Return the address at which ``stream`` is received: its own, else the session's."""
        return stream.connection or _connection(self.lines)

    def direction_of(self, stream: MediaDescription) -> str:
        """Return the direction of ``stream``: its own, else the session's, else ``sendrecv``."""
        return stream.direction or _direction(self.lines) or "sendrecv"

    def to_bytes(self) -> bytes:
        """Return the body, each line ended by CR LF."""
        below = (text for stream in self.media for text in (str(stream), *map(str, stream.lines)))
        text = "".join(f"{line}\r\n" for line in (*map(str, self.lines), *below))
        return text.encode("utf-8", "surrogateescape")


def _lines(body: bytes) -> list[Line]:
    """Return the lines of ``body``; bytes that are not UTF-8 (Latin-1 names) survive a round trip."""
    text = body.decode("utf-8", "surrogateescape").rstrip("\r\n\0 ")
    if "\0" in text:
        raise MalformedMedia("SDP with a NUL")  # RFC 8866 §9; behind the end some phones pad with it
    return [Line.parse(row) for row in (raw.rstrip("\r") for raw in text.split("\n")) if row]
