"""Links to recordings, for mails and records: whoever has one listens at once, for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from b2bua.config.models import Config
from b2bua.store.links import Kept, Signer, Ticket


@dataclass(frozen=True, slots=True)
class Link:
    """A way to hear one recording."""

    url: str
    """Where."""
    until: datetime
    """For how long; aware, whole seconds."""


@dataclass(frozen=True, slots=True)
class Links:
    """Makes them, where the office can be reached."""

    in_force: Callable[[], Config]
    """Tells the address, and how long links are good."""
    signer: Signer
    """Signs them."""

    def to(self, kind: Kept, row: int, *, since: datetime, lifetime_s: float | None = None) -> Link | None:
        """Return a link that is good for a time after ``since``; None: nobody outside could open it.

        It does not depend on when it is made: a record that is sent again is the same. ``lifetime_s`` goes
        before what ``[api]`` says.
        """
        api = self.in_force().api
        if api is None or api.url is None:
            return None
        seconds = api.link_lifetime_s if lifetime_s is None else lifetime_s
        until = (since + timedelta(seconds=seconds)).replace(microsecond=0)
        return Link(api.link(self.signer.sign(Ticket(kind, row, until))), until)
