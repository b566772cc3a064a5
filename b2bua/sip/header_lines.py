"""The header lines of a message: in order, untyped, found by any spelling of their name (RFC 3261 §7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import is_token, split_list

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
_COMMON = (
    "Accept",
    "Allow",
    "Authorization",
    "CSeq",
    "Call-ID",
    "Contact",
    "Content-Disposition",
    "Content-Length",
    "Content-Type",
    "Date",
    "Diversion",
    "Event",
    "Expires",
    "From",
    "History-Info",
    "Max-Forwards",
    "Min-Expires",
    "Min-SE",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Path",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "RSeq",
    "Reason",
    "Record-Route",
    "Refer-To",
    "Referred-By",
    "Replaces",
    "Require",
    "Retry-After",
    "Route",
    "Server",
    "Session-Expires",
    "Subject",
    "Subscription-State",
    "Supported",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
    "WWW-Authenticate",
    "Warning",
)
_KEYS = {
    **_COMPACT,
    **{short.upper(): long for short, long in _COMPACT.items()},
    **{spelling: name.lower() for name in _COMMON for spelling in (name, name.lower(), name.upper())},
}
"""Every usual spelling of a header name to the one it is found by."""


def _key(name: str) -> str:
    return _KEYS.get(name) or name.lower()


class Headers:
    """Header lines in order; names in any case or compact form; values are text (§7.3)."""

    __slots__ = ("_keys", "_names", "_values")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._keys: list[str] = []
        self._names: list[str] = []
        self._values: list[str] = []
        for name, value in items:
            self.add(name, value)

    @classmethod
    def parse(cls, lines: list[str]) -> Headers:
        """Return the headers of unfolded lines.

        Raises:
            MalformedMessage: a line without a name, or too many lines (§7.3.1).
        """
        if len(lines) > MAX_HEADERS:
            raise MalformedMessage(f"more than {MAX_HEADERS} headers")
        headers = cls()
        keys, names, values = headers._keys, headers._names, headers._values
        known = _KEYS.get
        for line in lines:
            name, colon, value = line.partition(":")
            key = known(name)
            if key is None:
                name = name.rstrip(" \t")  # HCOLON allows space before the colon
                if not colon or not is_token(name):
                    raise MalformedMessage(f"bad header line {line[:60]!r}")
                key = _key(name)
            keys.append(key)
            names.append(name)
            values.append(value.strip(" \t"))
        return headers

    def get(self, name: str) -> str | None:
        """Return the value of the first line of that name, or None."""
        key, keys = _KEYS.get(name) or name.lower(), self._keys
        return self._values[keys.index(key)] if key in keys else None

    def all(self, name: str) -> list[str]:
        """Return the value of every line of that name."""
        key = _key(name)
        if key not in self._keys:
            return []
        return [value for at, value in zip(self._keys, self._values, strict=True) if at == key]

    def values(self, name: str) -> list[str]:
        """Return the elements of all lines of that name, comma-separated lists split (§7.3.1).

        Raises:
            MalformedMessage: an empty element or an unbalanced quote.
        """
        return [element for value in self.all(name) for element in split_list(value)]

    def count(self, name: str) -> int:
        """Return how many lines have that name."""
        return self._keys.count(_key(name))

    def repeated(self) -> set[str]:
        """Return the names, long and in lower case, that more than one line has."""
        keys = self._keys
        unique = set(keys)
        return set() if len(unique) == len(keys) else {key for key in unique if keys.count(key) > 1}

    def add(self, name: str, value: str) -> None:
        """Append a line.

        Raises:
            ValueError: the line would break out of its header.
        """
        _check_line(name, value)
        self._keys.append(_KEYS.get(name) or name.lower())
        self._names.append(name)
        self._values.append(value)

    def prepend(self, name: str, value: str) -> None:
        """Put a line before all others of its name."""
        key = _key(name)
        self._insert(self._keys.index(key) if key in self._keys else 0, name, value)

    def put(self, name: str, value: str) -> None:
        """Leave exactly one line of that name, where the first one was."""
        key, keys = _key(name), self._keys
        at = keys.index(key) if key in keys else len(keys)
        if keys.count(key) == 1:
            _check_line(name, value)
            self._names[at], self._values[at] = name, value
        else:
            self.remove(name)
            self._insert(at, name, value)

    def put_first(self, name: str, value: str) -> None:
        """Replace the first element of that name only, even where several share one line.

        Raises:
            MalformedMessage: the line cannot be split.
        """
        at = self._keys.index(_key(name))
        rest = split_list(self._values[at])[1:]
        line = ", ".join((value, *rest))
        _check_line(name, line)
        self._values[at] = line

    def add_from(self, other: Headers, name: str) -> None:
        """Append every line of that name that ``other`` has."""
        key, keys = _key(name), other._keys
        at = -1
        for _ in range(keys.count(key)):
            at = keys.index(key, at + 1)
            self._keys.append(key)
            self._names.append(name)
            self._values.append(other._values[at])

    def remove(self, name: str) -> None:
        """Drop every line of that name."""
        key = _key(name)
        while key in self._keys:
            at = self._keys.index(key)
            del self._keys[at], self._names[at], self._values[at]

    def items(self) -> Iterator[tuple[str, str]]:
        """Iterate over the lines: name as it was written, value."""
        return zip(self._names, self._values, strict=True)

    def copy(self) -> Headers:
        """Return headers that change on their own."""
        other = Headers()
        other._keys, other._names, other._values = self._keys[:], self._names[:], self._values[:]
        return other

    def _insert(self, at: int, name: str, value: str) -> None:
        _check_line(name, value)
        self._keys.insert(at, _KEYS.get(name) or name.lower())
        self._names.insert(at, name)
        self._values.insert(at, value)

    def __contains__(self, name: str) -> bool:
        """Whether a line of that name is there."""
        return _key(name) in self._keys

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self._keys)

    def __str__(self) -> str:
        """Return the lines, each with its CRLF."""
        return "".join(
            [f"{name}: {value}\r\n" for name, value in zip(self._names, self._values, strict=True)]
        )


def _check_line(name: str, value: str) -> None:
    if "\r" in value or "\n" in value or (name not in _KEYS and not is_token(name)):
        raise ValueError(f"not a header line: {name[:40]!r}: {value[:60]!r}")
