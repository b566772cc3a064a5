"""A transfer that a phone asked for while it talked with a caller (RFC 3515, RFC 5589)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from b2bua.call.bridge import Conversation
from b2bua.call.callee import CalleeLeg
from b2bua.sip.session import Referral

if TYPE_CHECKING:
    from b2bua.call.call import Call


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the caller of a call waits for once somebody transferred them."""

    referral: Referral
    """The wish; it is told how that goes."""
    by: CalleeLeg
    """Who asked for it. Kept up by a blind transfer, so that its caller can come back."""
    start: object = None
    """Where the caller goes (blind): a position in the scheme, which this layer does not look into."""
    to: CalleeLeg | None = None
    """Who takes the caller over at once (attended)."""


class TransferDesk(Protocol):
    """Whoever decides on transfers."""

    def watch(self, call: Call, conversation: Conversation) -> AbstractContextManager[None]:
        """Return a block within which both ends of ``conversation`` may ask for a transfer."""
