"""What can be watched: event packages, and the headers by which a SUBSCRIBE names them (RFC 6665 §8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import find_parameter, is_token, parse_parameters, split_list
from b2bua.sip.message import Request
from b2bua.sip.uri import Uri

DEFAULT_EXPIRES_S = 3600
"""For who names no time (RFC 3842 §3.4, RFC 4235 §3.4)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One Event value: the package, and the name that the subscriber gave to this subscription (§8.2.1)."""

    package: str
    """E.g. ``message-summary``."""
    id: str | None = None
    """Comes back in each NOTIFY."""

    @classmethod
    def of(cls, request: Request) -> Event:
        """Return what ``request`` is about.

        Raises:
            MalformedMessage: it says so never (489), twice, or in a way that cannot be read.
        """
        values = request.headers.all("Event")
        if not values:
            raise MalformedMessage("Event is missing", status=489)
        package, semicolon, rest = values[0].partition(";")
        name = find_parameter(parse_parameters(semicolon + rest), "id")
        if len(values) > 1 or not is_token(package.strip()) or (name is not None and not is_token(name)):
            raise MalformedMessage("one Event is needed")
        return cls(package.strip().lower(), name)

    def __str__(self) -> str:
        """Return the header value."""
        return self.package if self.id is None else f"{self.package};id={self.id}"


@dataclass(frozen=True, slots=True)
class Watched:
    """What one subscription is about."""

    resource: str
    """Its name within the package: changes are told by it."""
    document: Callable[[int], bytes]
    """Returns the state as it is now, for the NOTIFY of that number; the first is 0."""


class EventPackage(Protocol):
    """One kind of state that can be watched (RFC 6665 §5.4)."""

    name: str
    """As Event and Allow-Events have it."""
    content_type: str
    """Of its documents."""

    def watch(self, watcher: str, target: Uri) -> Watched:
        """Return what ``target`` is for ``watcher``.

        Raises:
            MalformedMessage: there is nothing of the kind (404), or it is not theirs (403).
        """


def asked_seconds(request: Request, *, most: int) -> int:
    """Return for how long ``request`` wants to be told, at most ``most`` seconds; 0: once (§3.1.1).

    Raises:
        MalformedMessage: Expires is no number.
    """
    asked = request.expires
    return min(DEFAULT_EXPIRES_S if asked is None else asked, most)


def accepts(request: Request, content_type: str) -> bool:
    """Return whether ``request`` can be told documents of that type; without Accept it can (§3.1.3).

    Raises:
        MalformedMessage: Accept cannot be read.
    """
    if "Accept" not in request.headers:
        return True
    kind = content_type.partition("/")[0]
    ranges = [one for value in request.headers.all("Accept") if value.strip() for one in split_list(value)]
    wanted = {name.strip().lower() for name, _, _ in (one.partition(";") for one in ranges)}
    return not wanted.isdisjoint({content_type, f"{kind}/*", "*/*"})
