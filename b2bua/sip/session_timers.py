"""How long a session lives without a sign of life, as peers negotiate it (RFC 4028)."""

from __future__ import annotations

from dataclasses import dataclass

from b2bua.errors import MalformedMessage
from b2bua.sip.grammar import find_parameter, parse_number, parse_parameters
from b2bua.sip.message import Message, Request

LEAST_S = 90
"""No session interval may be shorter (§5), so that refreshes are no load."""


@dataclass(frozen=True, slots=True)
class SessionTimers:
    """What an endpoint wants of session timers."""

    interval_s: int | None = 1800
    """Asked for in our INVITEs and the most that is agreed to; None: only what peers ask for."""
    least_s: int = LEAST_S
    """Shorter wishes of peers are refused with 422."""


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """One Session-Expires value (§4)."""

    seconds: int
    """The interval."""
    refresher: str | None = None
    """``uac`` or ``uas`` of the transaction it is in; None: whoever answers decides."""

    @classmethod
    def parse(cls, text: str) -> SessionExpires:
        """Return the value; a refresher that is neither side counts as none.

        Raises:
            MalformedMessage: not a number of seconds.
        """
        digits, semicolon, rest = text.partition(";")
        seconds = parse_number(digits.strip(), what="Session-Expires")
        refresher = (find_parameter(parse_parameters(semicolon + rest), "refresher") or "").lower()
        return cls(seconds, refresher if refresher in ("uac", "uas") else None)

    def __str__(self) -> str:
        """Return the header value."""
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


def session_expires(message: Message) -> SessionExpires | None:
    """Return what ``message`` asks for or agrees to; what cannot be read is treated as missing."""
    text = message.headers.get("Session-Expires")
    try:
        return None if text is None else SessionExpires.parse(text)
    except MalformedMessage:
        return None


def least_interval(message: Message) -> int:
    """Return the Min-SE of ``message``, 90 s where it has none (§5)."""
    text = (message.headers.get("Min-SE") or "").partition(";")[0].strip()
    try:
        return max(LEAST_S, parse_number(text, what="Min-SE")) if text else LEAST_S
    except MalformedMessage:
        return LEAST_S


def has_timer(message: Message) -> bool:
    """Return whether the sender can refresh a session."""
    return "timer" in message.option_tags("Supported") | message.option_tags("Require")


def is_too_short(request: Request, timers: SessionTimers) -> bool:
    """Return whether 422 has to be the answer (§9): only to who understands it."""
    asked = session_expires(request)
    return asked is not None and asked.seconds < timers.least_s and has_timer(request)
