"""Which call a new one takes the place of (RFC 3891)."""

from __future__ import annotations

from dataclasses import dataclass

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import find_parameter, parse_parameters
from b2bua.sip.message import Message


@dataclass(frozen=True, slots=True)
class Replaces:
    """One Replaces value: a dialog as its owner, who receives the value, sees it (§6.1)."""

    call_id: str
    """Call-ID of the dialog."""
    to_tag: str
    """Tag of whoever receives the value."""
    from_tag: str
    """Tag of the other end."""
    is_early_only: bool = False
    """Whether a call that is answered already is not meant."""

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Return the value.

        Raises:
            MalformedMessage: a Call-ID or a tag is missing.
        """
        call_id, semicolon, rest = text.strip().partition(";")
        parameters = parse_parameters(semicolon + rest)
        to_tag, from_tag = find_parameter(parameters, "to-tag"), find_parameter(parameters, "from-tag")
        if not call_id.strip() or not to_tag or not from_tag:
            raise MalformedMessage(f"bad Replaces {text[:60]!r}")
        is_early_only = find_parameter(parameters, "early-only") is not None
        return cls(call_id.strip(), to_tag, from_tag, is_early_only)

    def __str__(self) -> str:
        """Return the header value."""
        early = ";early-only" if self.is_early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


def replaces_of(message: Message) -> Replaces | None:
    """Return what ``message`` replaces, None when it is a call like any other.

    Raises:
        MalformedMessage: it says so twice, or in a way that cannot be read (§3).
    """
    values = message.headers.all("Replaces")
    if len(values) > 1:
        raise MalformedMessage("more than one Replaces")
    return Replaces.parse(values[0]) if values else None
