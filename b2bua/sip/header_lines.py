"""The header lines of a message: in order, untyped, found by any spelling of their name (RFC 3261 §7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import is_token, split_list

_BLANKS = " \t"
MAX_HEADERS = 256
"""Header lines in one message."""

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_REGISTERED = """
    Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events
    Authentication-Info Authorization CSeq Call-ID Call-Info Contact Content-Disposition
    Content-Encoding Content-ID Content-Language Content-Length Content-Type Date Diversion Error-Info
    Event Expires Feature-Caps Flow-Timer From Geolocation History-Info Identity In-Reply-To Join
    MIME-Version Max-Breadth Max-Forwards Min-Expires Min-SE Organization P-Access-Network-Info
    P-Asserted-Identity P-Associated-URI P-Called-Party-ID P-Charging-Function-Addresses
    P-Charging-Vector P-Early-Media P-Preferred-Identity P-Visited-Network-ID Path Priority Privacy
    Proxy-Authenticate Proxy-Authorization Proxy-Require RAck RSeq Reason Record-Route Refer-Sub
    Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces Reply-To Request-Disposition Require
    Resource-Priority Retry-After Route SIP-ETag SIP-If-Match Security-Client Security-Server
    Security-Verify Server Service-Route Session-Expires Session-ID Subject Subscription-State Supported
    Target-Dialog Timestamp To Unsupported User-Agent User-to-User Via WWW-Authenticate Warning
"""
_KEYS = {
    **_COMPACT,
    **{short.upper(): long for short, long in _COMPACT.items()},
    **{
        spelling: name.lower()
        for name in _REGISTERED.split()
        for spelling in (name, name.lower(), name.upper())
    },
}
"""Every usual spelling of a header name to the one it is found by."""


def _key(name: str) -> str:
    return _KEYS.get(name) or name.lower()


class Headers:
    """Header lines in order; names in any case or compact form; values are text (§7.3)."""

    __slots__ = ("_keys", "_lines", "_packed", "_values", "first", "typed")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._keys: list[str] = []
        self._lines: list[str] = []
        self._values: list[str] = []
        self.first: dict[str, str] = {}
        """The value of the first line of each name, by the long name in lower case; only to be read."""
        self.typed: dict[str, Any] = {}
        """What was read of the lines of a name, by the same; forgotten as soon as one of them changes."""
        if items:
            self.extend(items)

    @classmethod
    def parse(cls, lines: list[str]) -> Headers:
        """Return the headers of lines; what is folded is one line of them (§7.3.1).

        A line without a name is passed over: what is not needed may be as broken as it likes (§8.2).

        Raises:
            MalformedMessage: too many lines.
        """
        if len(lines) > MAX_HEADERS:
            raise MalformedMessage(f"more than {MAX_HEADERS} headers")
        headers = cls()
        headers._lines, keys, values = lines, headers._keys, headers._values
        known = _KEYS.get
        for line in lines:
            name, colon, value = line.partition(":")
            key = known(name)
            if key is None:
                if keys and line and line[0] in _BLANKS:
                    return cls.parse(_unfolded(lines))
                if not colon or not is_token(name):
                    name = _uncommon_name(line)
                    if not name:
                        return cls.parse([line for line in _unfolded(lines) if _uncommon_name(line)])
                    lines[len(keys)] = f"{name}: {value.strip(_BLANKS)}"
                key = _key(name)
            keys.append(key)
            values.append(value.strip(_BLANKS))
        headers.first = dict(zip(keys, values, strict=True))
        if len(headers.first) < len(keys):
            headers.first = dict(zip(reversed(keys), reversed(values), strict=True))
        return headers

    def pack(self) -> None:
        """Keep nothing but the text of the lines until something is asked of them again."""
        if not self.is_packed and len(self._lines) <= MAX_HEADERS:
            self._packed = "\r\n".join(self._lines)
            del self._keys, self._lines, self._values, self.first, self.typed

    @property
    def is_packed(self) -> bool:
        """Whether nothing but the text is there."""
        return hasattr(self, "_packed")

    if not TYPE_CHECKING:  # else there would be any attribute

        def __getattr__(self, name: str) -> object:
            """Unpack the lines, and return what of them was asked for."""
            if name == "_packed":
                raise AttributeError(name)
            headers = Headers.parse(self._packed.split("\r\n"))
            self._keys, self._lines, self._values = headers._keys, headers._lines, headers._values  # noqa: SLF001
            self.first, self.typed = headers.first, headers.typed
            del self._packed
            return getattr(self, name)

    def get(self, name: str) -> str | None:
        """Return the value of the first line of that name, or None."""
        return self.first.get(_KEYS.get(name) or name.lower())

    def all(self, name: str) -> list[str]:
        """Return the value of every line of that name."""
        key, first = _KEYS.get(name) or name.lower(), self.first
        if key not in first:
            return []
        if len(first) == len(self._keys):
            return [first[key]]
        return [value for at, value in zip(self._keys, self._values, strict=True) if at == key]

    def values(self, name: str) -> list[str]:
        """Return the elements of all lines of that name, comma-separated lists split (§7.3.1).

        Raises:
            MalformedMessage: an empty element or an unbalanced quote.
        """
        return [element for value in self.all(name) for element in split_list(value)]

    def count(self, name: str) -> int:
        """Return how many lines have that name."""
        key = _KEYS.get(name) or name.lower()
        if len(self.first) == len(self._keys):
            return int(key in self.first)
        return self._keys.count(key)

    def repeated(self) -> set[str]:
        """Return the names, long and in lower case, that more than one line has."""
        keys = self._keys
        return set() if len(self.first) == len(keys) else {key for key in self.first if keys.count(key) > 1}

    def add(self, name: str, value: str) -> None:
        """Append a line.

        Raises:
            ValueError: the line would break out of its header.
        """
        self.extend(((name, value),))

    def extend(self, items: Iterable[tuple[str, str]]) -> None:
        """Append lines.

        Raises:
            ValueError: one of them would break out of its header.
        """
        keys, lines, values, first = self._keys, self._lines, self._values, self.first
        for name, value in items:
            key = _KEYS.get(name)
            if key is None or "\r" in value or "\n" in value:
                key = _checked_key(name, value)
            keys.append(key)
            lines.append(f"{name}: {value}")
            values.append(value)
            if key not in first:
                first[key] = value
            elif self.typed:
                self.typed.pop(key, None)

    def prepend(self, name: str, value: str) -> None:
        """Put a line before all others of its name."""
        key = _checked_key(name, value)
        self._insert(self._keys.index(key) if key in self.first else 0, key, name, value)

    def put(self, name: str, value: str) -> None:
        """Leave exactly one line of that name, where the first one was."""
        if name not in self:
            self.add(name, value)
            return
        key = _checked_key(name, value)
        at = self._keys.index(key)
        while self._keys.count(key) > 1:
            another = self._keys.index(key, at + 1)
            del self._keys[another], self._lines[another], self._values[another]
        self._replace(at, key, name, value)

    def put_first(self, name: str, value: str) -> None:
        """Replace the first element of that name only, even where several share one line.

        Raises:
            MalformedMessage: the line cannot be split.
        """
        key = _key(name)
        at = self._keys.index(key)
        if "," in self._values[at]:
            value = ", ".join((value, *split_list(self._values[at])[1:]))
        _checked_key(name, value)
        self._replace(at, key, name, value)

    def excerpt(self, keys: Iterable[str]) -> Headers:
        """Return the lines of these names, long and in lower case, name by name; what was read stays read."""
        other = Headers()
        has_repeated = len(self.first) < len(self._keys)
        for key in keys:
            if key not in self.first:
                continue
            at = -1
            for _ in range(self._keys.count(key) if has_repeated else 1):
                at = self._keys.index(key, at + 1)
                other._keys.append(key)
                other._lines.append(self._lines[at])
                other._values.append(self._values[at])
            other.first[key] = self.first[key]
            if key in self.typed:
                other.typed[key] = self.typed[key]
        return other

    def remove(self, name: str) -> None:
        """Drop every line of that name."""
        key = _key(name)
        while key in self._keys:
            at = self._keys.index(key)
            del self._keys[at], self._lines[at], self._values[at]
        self.first.pop(key, None)
        self.typed.pop(key, None)

    def items(self) -> Iterator[tuple[str, str]]:
        """Iterate over the lines: name as it was written, value."""
        names = [line[: line.index(":")] for line in self._lines]
        return zip(names, self._values, strict=True)

    def copy(self) -> Headers:
        """Return headers that change on their own."""
        other = Headers()
        other._keys, other._lines, other._values = self._keys[:], self._lines[:], self._values[:]
        other.first, other.typed = self.first.copy(), self.typed.copy()
        return other

    def _replace(self, at: int, key: str, name: str, value: str) -> None:
        """Put a checked line in place of the first of its name."""
        self._lines[at] = f"{name}: {value}"
        self._values[at] = self.first[key] = value
        self.typed.pop(key, None)

    def _insert(self, at: int, key: str, name: str, value: str) -> None:
        """Put a checked line before all others of its name."""
        self._keys.insert(at, key)
        self._lines.insert(at, f"{name}: {value}")
        self._values.insert(at, value)
        self.first[key] = value
        self.typed.pop(key, None)

    def __contains__(self, name: str) -> bool:
        """Whether a line of that name is there."""
        return (_KEYS.get(name) or name.lower()) in self.first

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self._keys)

    def __str__(self) -> str:
        """Return the lines as they were written, each with its CRLF."""
        return "\r\n".join([*self._lines, ""])


def _uncommon_name(line: str) -> str:
    """Return the name of a line that is written as few write it; "" where it has none."""
    name, colon, _ = line.partition(":")
    name = name.rstrip(_BLANKS)  # HCOLON allows space before the colon
    return name if colon and is_token(name) else ""


def _unfolded(lines: list[str]) -> list[str]:
    """Return the lines with each that begins with white space put behind the one before it (§7.3.1)."""
    whole = lines[:1]
    for line in lines[1:]:
        if line and line[0] in _BLANKS:
            whole[-1] = whole[-1].rstrip(_BLANKS) + " " + line.lstrip(_BLANKS)
        else:
            whole.append(line)
    return whole


def _checked_key(name: str, value: str) -> str:
    if "\r" in value or "\n" in value or (name not in _KEYS and not is_token(name)):
        raise ValueError(f"not a header line: {name[:40]!r}: {value[:60]!r}")
    return _key(name)
