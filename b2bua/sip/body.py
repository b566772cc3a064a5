"""The session description of a message, alone or beside other parts (RFC 5621)."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import find_parameter, parse_parameters
from b2bua.sip.message import Message

SDP = "application/sdp"
MOST_PARTS = 16
MOST_DEPTH = 3


def session_description(message: Message) -> bytes:
    """Return the SDP of ``message``, or nothing when it carries none."""
    if not message.body:
        return b""
    kind = message.content_type
    if kind == SDP or not kind:
        return message.body
    return _find(message.headers.get("Content-Type") or "", message.body, 0) or b""


READABLE = (("Accept", SDP), ("Accept-Encoding", "identity"))
"""What a 415 tells of us (RFC 3261 §8.2.3)."""


def is_readable(message: Message) -> bool:
    """Return whether the body is one that we read: none, SDP, parts of which one is SDP, or one that need
    not be read (else 415)."""
    if not message.body:
        return True
    if any(coding.lower() != "identity" for coding in message.headers.values("Content-Encoding")):
        return False  # compressed
    return message.content_type == SDP or bool(session_description(message)) or _is_optional(message)


def _is_optional(message: Message) -> bool:
    """Return whether the sender lets us pass over a body that we do not read (RFC 3261 §20.11)."""
    _, semicolon, rest = (message.headers.get("Content-Disposition") or "").partition(";")
    try:
        return (find_parameter(parse_parameters(semicolon + rest), "handling") or "").lower() == "optional"
    except MalformedMessage:
        return False


def accepts_sdp(message: Message) -> bool:
    """Return whether the sender takes SDP in our response (RFC 3261 §20.1), which 406 tells otherwise."""
    said = message.headers.all("Accept")
    if not any(map(str.strip, said)):
        return not said  # an empty one: nothing
    try:
        weights = dict(map(_weighted, message.headers.values("Accept")))
    except MalformedMessage:
        return True
    for kind in (SDP, "application/*", "*/*"):  # what is more exact counts
        if kind in weights:
            return weights[kind].strip("0.") != ""
    return False


def _weighted(media_range: str) -> tuple[str, str]:
    """Return a media range and its ``q``."""
    kind, semicolon, rest = media_range.partition(";")
    return kind.strip().lower(), find_parameter(parse_parameters(semicolon + rest), "q") or "1"


def _find(content_type: str, body: bytes, depth: int) -> bytes | None:
    """Return the first SDP in ``body``, parts within parts included."""
    kind, semicolon, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == SDP:
        return body
    if not kind.startswith("multipart/") or depth >= MOST_DEPTH:
        return None
    try:
        boundary = find_parameter(parse_parameters(semicolon + rest), "boundary")
    except MalformedMessage:
        return None
    if not boundary:
        return None
    for part_type, content in _parts(body, boundary.encode("utf-8", "surrogateescape")):
        found = _find(part_type, content, depth + 1)
        if found:
            return found
    return None


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield Content-Type and content of each part (RFC 2046 §5.1.1); a part without a type is plain text."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST_PARTS + 1)
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        head, blank, content = piece.partition(b"\r\n\r\n")
        if blank:
            yield _content_type(head), content


def _content_type(head: bytes) -> str:
    for line in head.decode("utf-8", "surrogateescape").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() in ("content-type", "c"):
            return value.strip()
    return "text/plain"
