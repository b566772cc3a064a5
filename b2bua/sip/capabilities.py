"""What this stack can do, as its messages say it (RFC 3261 §20.5, §20.37)."""

from __future__ import annotations

ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, PRACK, REFER, UPDATE"
"""Methods that sessions understand; the endpoint's user adds what it takes itself."""
SUPPORTED = "100rel, norefersub, replaces, timer"
"""Extensions that we follow when a peer asks for them (RFC 3262, RFC 4488, RFC 3891, RFC 4028)."""
UNDERSTOOD = frozenset(SUPPORTED.split(", "))
"""The same as a set: a Require with anything else is answered 420."""
WITHIN_DIALOGS = frozenset(("BYE", "INFO", "NOTIFY", "PRACK", "UPDATE"))
"""Methods that mean nothing outside of a dialog."""
