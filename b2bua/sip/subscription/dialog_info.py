"""The document of a busy lamp: the calls of one phone as it sees them (RFC 4235 §4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape, quoteattr

PACKAGE = "dialog"
CONTENT_TYPE = "application/dialog-info+xml"
NAMESPACE = "urn:ietf:params:xml:ns:dialog-info"


class DialogState(StrEnum):
    """How far a call is (§3.7.1)."""

    TRYING = "trying"
    PROCEEDING = "proceeding"
    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Party:
    """Who is at one end."""

    uri: str
    """Address."""
    display: str = ""
    """Name; may be empty."""
    target: str = ""
    """Where a request to them goes (§4.1.6.2); empty: to the address."""


@dataclass(frozen=True, slots=True)
class DialogElement:
    """One call."""

    id: str
    """Names it in this document and the next ones."""
    state: DialogState
    """How far it is."""
    call_id: str = ""
    """Of the phone's dialog; empty: not known."""
    local_tag: str = ""
    """The phone's own tag."""
    remote_tag: str = ""
    """The other end's."""
    direction: str = ""
    """``initiator``: the phone calls; ``recipient``: it is called."""
    local: Party | None = None
    """The phone."""
    remote: Party | None = None
    """With whom; None: not told."""

    def lines(self) -> Iterator[str]:
        """Yield the element, a line at a time."""
        names = ("id", "call-id", "local-tag", "remote-tag", "direction")
        values = (self.id, self.call_id, self.local_tag, self.remote_tag, self.direction)
        said = "".join(
            f" {name}={_attribute(value)}" for name, value in zip(names, values, strict=True) if value
        )
        yield f"<dialog{said}>"
        yield f"<state>{self.state}</state>"
        for name, party in (("local", self.local), ("remote", self.remote)):
            if party is not None:
                yield from _party(name, party)
        yield "</dialog>"


@dataclass(frozen=True, slots=True)
class DialogInfo:
    """All calls of one address."""

    entity: str
    """Whose they are: a URI."""
    version: int
    """One more in each NOTIFY of a subscription."""
    dialogs: tuple[DialogElement, ...] = ()
    """Every one that there is: the state is always told in full."""

    def __str__(self) -> str:
        """Return the document."""
        head = f'xmlns="{NAMESPACE}" version="{self.version}" state="full" entity={_attribute(self.entity)}'
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<dialog-info {head}>",
            *(line for dialog in self.dialogs for line in dialog.lines()),
            "</dialog-info>",
        ]
        return "\r\n".join([*lines, ""])


def _party(name: str, party: Party) -> Iterator[str]:
    display = f" display={_attribute(party.display)}" if party.display else ""
    yield f"<{name}>"
    yield f"<identity{display}>{escape(_printable(party.uri))}</identity>"
    yield f"<target uri={_attribute(party.target or party.uri)}/>"
    yield f"</{name}>"


def _attribute(text: str) -> str:
    return quoteattr(_printable(text))


def _printable(text: str) -> str:
    """Return ``text`` without what no XML document may hold, escaped or not."""
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in whole)
