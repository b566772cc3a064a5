"""SIP messages: parsed lazily, written back as they came (RFC 3261 §7).

``parse_message`` only splits lines, so that whatever can be answered can be parsed; ``validate`` says what is
wrong with it. Header values stay text until a typed property asks for them.
"""

from __future__ import annotations

import re
from typing import Self

from b2bua.errors import MalformedMessage
from b2bua.sip.causes import reason_phrase
from b2bua.sip.grammar import is_token, parse_number, split_list
from b2bua.sip.header_lines import Headers
from b2bua.sip.headers import CSeq, NameAddr, Via
from b2bua.sip.uri import Uri, parse_uri

__all__ = ["Headers", "Message", "Request", "Response", "parse_message", "response_to", "validate"]

MAX_MESSAGE_BYTES = 65_535
"""What a datagram can hold; streams keep to it too."""
MAX_HEAD_BYTES = 32_768
"""Start line and headers."""

_NO_TAGS: frozenset[str] = frozenset()
_REQUIRED = {"cseq": "CSeq", "from": "From", "to": "To", "via": "Via", "call-id": "Call-ID"}
"""How those names are written without which a message says nothing (§8.1.1)."""
_STATUS_LINE = re.compile(r"SIP/([0-9]+\.[0-9]+) ([0-9]{3})(?: (.*))?", re.DOTALL | re.IGNORECASE)


class Message:
    """What requests and responses share: headers, body, and typed views of the headers."""

    __slots__ = ("body", "headers", "version")

    def __init__(self, headers: Headers | None, body: bytes) -> None:
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.version = "2.0"

    def start_line(self) -> str:
        """Return the first line without its CRLF."""
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """Return the message for the wire; sets Content-Length (§20.14)."""
        length, headers = str(len(self.body)), self.headers
        if "content-length" not in headers.first:
            headers.add("Content-Length", length)
        elif headers.first["content-length"] != length or headers.count("Content-Length") != 1:
            headers.put("Content-Length", length)
        head = f"{self.start_line()}\r\n{headers}\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    @property
    def call_id(self) -> str:
        """The Call-ID. Raises MalformedMessage when it is missing."""
        call_id = self.headers.first.get("call-id")
        return self._required("call-id") if call_id is None else call_id

    @property
    def cseq(self) -> CSeq:
        """The CSeq. Raises MalformedMessage when it is missing or bad."""
        typed: CSeq | None = self.headers.typed.get("cseq")
        if typed is None:
            typed = self.headers.typed["cseq"] = CSeq.parse(self._required("cseq"))
        return typed

    @property
    def from_(self) -> NameAddr:
        """The From. Raises MalformedMessage when it is missing or bad."""
        typed: NameAddr | None = self.headers.typed.get("from")
        if typed is None:
            typed = self.headers.typed["from"] = NameAddr.parse(self._required("from"))
        return typed

    @property
    def to(self) -> NameAddr:
        """The To. Raises MalformedMessage when it is missing or bad."""
        typed: NameAddr | None = self.headers.typed.get("to")
        if typed is None:
            typed = self.headers.typed["to"] = NameAddr.parse(self._required("to"))
        return typed

    @property
    def via(self) -> Via:
        """The topmost Via. Raises MalformedMessage when it is missing or bad."""
        typed: Via | None = self.headers.typed.get("via")
        if typed is None:
            typed = self.headers.typed["via"] = _first_via(self._required("via"))
        return typed

    @property
    def vias(self) -> tuple[Via, ...]:
        """All Vias, topmost first."""
        return tuple(Via.parse(value) for value in self.headers.values("Via"))

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """All Contacts; ``*`` is one with ``is_wildcard``."""
        return self.addresses("Contact")

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact, or None."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        """The Route set in order."""
        return self.addresses("Route")

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case without parameters, "" when not said."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def expires(self) -> int | None:
        """Expires in seconds, or None."""
        return self.number("Expires")

    @property
    def max_forwards(self) -> int | None:
        """Max-Forwards, or None."""
        return self.number("Max-Forwards", most=255)

    def number(self, name: str, *, most: int = 2**32 - 1) -> int | None:
        """Return the number that a header holds, or None when it is not there.

        Raises:
            MalformedMessage: it is no number up to ``most``.
        """
        value = self.headers.get(name)
        return None if value is None else parse_number(value, what=name, most=most)

    def addresses(self, name: str) -> tuple[NameAddr, ...]:
        """Return every address of a header, e.g. ``P-Asserted-Identity``, ``Diversion``.

        Raises:
            MalformedMessage: one of them breaks the grammar.
        """
        key = name.lower()
        if key not in self.headers.first:
            return ()
        typed: tuple[NameAddr, ...] | None = self.headers.typed.get(key)
        if typed is None:
            typed = self.headers.typed[key] = tuple(map(NameAddr.parse, self.headers.values(name)))
        return typed

    def option_tags(self, name: str) -> frozenset[str]:
        """Return the tokens of Require, Supported, Allow and the like, as written."""
        key = name.lower()
        if key not in self.headers.first:
            return _NO_TAGS
        typed: frozenset[str] | None = self.headers.typed.get(key)
        if typed is None:
            typed = self.headers.typed[key] = _tokens(",".join(self.headers.all(name)))
        return typed

    def _required(self, key: str) -> str:
        value = self.headers.first.get(key)
        if value is None:
            raise MalformedMessage(f"{_REQUIRED[key]} is missing")
        return value


class Request(Message):
    """A request (§7.1)."""

    __slots__ = ("_target", "method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers | None = None, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri
        self._target: tuple[str, Uri] | None = None

    @property
    def target(self) -> Uri:
        """The request-URI as a value. Raises MalformedMessage when it is none."""
        if self._target is None or self._target[0] is not self.uri:
            self._target = self.uri, parse_uri(self.uri)
        return self._target[1]

    def pack(self) -> None:
        """Take a fifth of the memory until somebody looks at it again, for as long as it is hardly needed."""
        self.headers.pack()
        self._target = None

    def put_via(self, via: Via) -> None:
        """Put ``via`` on top of all others."""
        self.headers.prepend("Via", str(via))
        self.headers.typed["via"] = via

    def note_source(self, host: str, port: int) -> None:
        """Note in the topmost Via where the request came from (§18.2.1, RFC 3581 §4)."""
        via = self.via
        noted = via.with_source(host, port)
        if noted is not via:
            self.headers.put_first("Via", str(noted))
            self.headers.typed["via"] = noted

    def copy_credentials(self, invite: Request) -> None:
        """Prove as ``invite`` did who we are, in its ACK: none may be challenged (§22.1)."""
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.all(name):
                self.headers.add(name, value)

    def start_line(self) -> str:
        """Return ``METHOD uri SIP/2.0``."""
        return f"{self.method} {self.uri} SIP/{self.version}"

    def copy(self) -> Self:
        """Return a request that changes on its own."""
        return type(self)(self.method, self.uri, self.headers.copy(), self.body)

    def __repr__(self) -> str:
        return f"<{self.method} {self.uri} {self.headers.get('CSeq')} {self.headers.get('Call-ID')}>"


class Response(Message):
    """A response (§7.2)."""

    __slots__ = ("is_local", "reason", "status")

    def __init__(
        self, status: int, reason: str | None = None, headers: Headers | None = None, body: bytes = b""
    ) -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason_phrase(status) if reason is None else reason
        self.is_local = False
        """Made here in place of one that never came (408, 503)."""

    def start_line(self) -> str:
        """Return ``SIP/2.0 status reason``."""
        return f"SIP/{self.version} {self.status} {self.reason}"

    def copy(self) -> Self:
        """Return a response that changes on its own."""
        return type(self)(self.status, self.reason, self.headers.copy(), self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.reason} {self.headers.get('CSeq')} {self.headers.get('Call-ID')}>"


_REPEATED = ("via", "from", "to", "call-id", "cseq")
_REPEATED_BY_100 = (*_REPEATED, "timestamp")


def response_to(
    request: Request, status: int, reason: str | None = None, *, to_tag: str | None = None
) -> Response:
    """Return a response with what it must repeat of the request (§8.2.6); a missing header stays missing.

    ``to_tag`` is put only where the request has none; a To that cannot be read is repeated as it is.
    """
    headers = request.headers.excerpt(_REPEATED_BY_100 if status == 100 else _REPEATED)
    if to_tag is not None and "to" in headers.first:
        _put_tag(headers, request, to_tag)
    return Response(status, reason, headers)


def _put_tag(headers: Headers, request: Request, to_tag: str) -> None:
    try:
        if request.to.tag is None:
            headers.put("To", f"{headers.first['to']};tag={to_tag}")
    except MalformedMessage:
        return


def _first_via(text: str) -> Via:
    return Via.parse(split_list(text)[0] if "," in text else text)


def parse_message(data: bytes) -> Request | Response:
    """Return the message of one datagram or stream frame; nothing but its lines is looked at yet.

    The body is what Content-Length says, or all that follows when it says nothing usable (§18.3).

    Raises:
        MalformedMessage: not even its lines can be told apart, or it is too large (513).
    """
    data = data.lstrip(b"\r\n") if data[:1] in b"\r\n" else data
    if len(data) > MAX_MESSAGE_BYTES:
        raise MalformedMessage("message too large", status=513)
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    if end <= 0:
        raise MalformedMessage("headers do not end")
    lines = _split(data[:end].decode("utf-8", "surrogateescape"))
    start_line = lines.pop(0)
    headers = Headers.parse(lines)
    body = _body(headers, data[end + 4 :])
    if start_line[:4].upper() == "SIP/":
        return _response(start_line, headers, body)
    return _request(start_line, headers, body)


def _split(head: str) -> list[str]:
    lines = head.split("\r\n")
    joined = "".join(lines)
    if "\r" in joined or "\n" in joined:
        raise MalformedMessage("CR or LF alone")  # would read as another line elsewhere
    return lines


def _body(headers: Headers, rest: bytes) -> bytes:
    length = headers.first.get("content-length")
    if length is None or not (length.isascii() and length.isdigit() and len(length) < 10):
        return rest
    return rest[: int(length)]


def _request(line: str, headers: Headers, body: bytes) -> Request:
    method, _, rest = line.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not version:  # trailing space: kept, so that it can be answered with 400
        uri, _, version = rest.rpartition(" SIP/")
        version = "SIP/" + version
    if version[:4].upper() != "SIP/" or not uri or not is_token(method):
        raise MalformedMessage(f"bad start line {line[:60]!r}")
    request = Request(method, uri, headers, body)
    request.version = version[4:]
    return request


def _response(line: str, headers: Headers, body: bytes) -> Response:
    match = _STATUS_LINE.fullmatch(line)
    if match is None or not 100 <= int(match[2]) <= 699:
        raise MalformedMessage(f"bad status line {line[:60]!r}")
    response = Response(int(match[2]), match[3] or "", headers, body)
    response.version = match[1]
    return response


def _tokens(text: str) -> frozenset[str]:
    return frozenset([token.strip() for token in text.split(",") if token.strip()])


_SINGLE = frozenset(("call-id", "cseq", "from", "to", "max-forwards"))


def validate(message: Message) -> None:
    """Check what every element must rely on (§8.1.1, §8.2, §16.3, §18.3).

    Raises:
        MalformedMessage: with the status to answer a request with; a response is to be dropped.
    """
    if message.version != "2.0":
        is_spaced = message.version.strip() == "2.0"
        raise MalformedMessage(f"SIP version {message.version[:8]!r}", status=400 if is_spaced else 505)
    repeated = message.headers.repeated()
    for name in repeated & _SINGLE:
        raise MalformedMessage(f"more than one {name}")
    if len(message.call_id.split()) != 1:
        raise MalformedMessage("bad Call-ID")
    if "content-length" in repeated and len(set(message.headers.all("Content-Length"))) > 1:
        raise MalformedMessage("two values of Content-Length")
    _validate_length(message)
    if message.from_.is_wildcard or message.to.is_wildcard:
        raise MalformedMessage("* is no From or To")
    branch = message.via.branch
    if branch is not None and not is_token(branch):
        raise MalformedMessage("bad branch")
    if isinstance(message, Request):
        _validate_request(message)
    else:
        _ = message.cseq


def _validate_request(request: Request) -> None:
    if request.cseq.method != request.method:
        raise MalformedMessage(f"CSeq says {request.cseq.method[:20]}, start line {request.method[:20]}")
    _ = request.target
    _ = request.max_forwards
    contacts = request.contacts  # may be missing: RFC 2543 peers know no better
    has_wildcard = any(contact.is_wildcard for contact in contacts)
    if has_wildcard and (request.method != "REGISTER" or len(contacts) > 1):
        raise MalformedMessage("Contact: * beside others, or outside REGISTER")


def _validate_length(message: Message) -> None:
    length = message.headers.first.get("content-length")
    if length is not None and parse_number(length, what="Content-Length") != len(message.body):
        raise MalformedMessage("body shorter than Content-Length")
