"""A transfer that a phone asked for while it talked, by REFER or by an INVITE with Replaces (RFC 5589)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from b2bua.call.bridge import Conversation
from b2bua.call.leg import Leg
from b2bua.sip.session import Referral

if TYPE_CHECKING:
    from b2bua.call.call import Call


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """What whoever is in custody waits for once a conversation was parted.

    The legs it names belong to it until the call takes them.
    """

    referral: Referral | None = None
    """The wish; it is told how that goes. None: it came by Replaces, and there is nobody to tell."""
    party: Leg | None = None
    """Who takes the place of who placed the call, first of all; None: the caller stays in custody."""
    to: Leg | None = None
    """Who is connected at once (attended)."""
    start: object = None
    """Where to go on (blind): a position in a scheme, which this layer does not look into."""
    keys: str = ""
    """Digits that follow the number (blind)."""
    by: Leg | None = None
    """Who asked for it (blind). Kept up, so that who was sent on can come back."""

    def own(self) -> Transfer:
        """Take the legs from whoever had them."""
        for leg in self.legs:
            leg.owner = self
        return self

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Return who stays up until it is carried out."""
        return tuple(leg for leg in (self.party, self.to, self.by) if leg is not None)

    def notify(self, status: int) -> None:
        """Tell who asked for it, if anybody did."""
        if self.referral is not None:
            self.referral.notify(status)

    async def drop(self) -> None:
        """Let everybody go who was not taken."""
        self.notify(487)
        for leg in self.legs:
            await leg.close_for(self)


class TransferDesk(Protocol):
    """Whoever decides on transfers."""

    def watch(self, call: Call, conversation: Conversation) -> AbstractContextManager[None]:
        """Return a block within which both ends of ``conversation`` may ask for a transfer."""
