"""The document of the lamp on a phone: how many messages wait (RFC 3842 §5)."""

from __future__ import annotations

from dataclasses import dataclass

PACKAGE = "message-summary"
CONTENT_TYPE = "application/simple-message-summary"


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """Messages of one account."""

    new: int
    """Nobody listened to them yet."""
    old: int
    """Heard, and kept."""
    account: str = ""
    """URI to call to listen to them; empty: not told."""

    def __str__(self) -> str:
        """Return the document."""
        waiting = "yes" if self.new else "no"
        account = f"Message-Account: {self.account}\r\n" if self.account else ""
        return f"Messages-Waiting: {waiting}\r\n{account}Voice-Message: {self.new}/{self.old} (0/0)\r\n"
