"""Calls to numbers that nobody configured: the default scheme serves them, and the office is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import structlog

from b2bua.background import Background
from b2bua.routing.facts import Facts
from b2bua.store.calls import NewCall
from b2bua.store.outbox import NewMail, Outbox

log = structlog.get_logger("office")

MOST_A_DAY = 20
"""Numbers that are told of: a provider that tries out all there are is no news any more after that."""


@dataclass(slots=True)
class UnlistedNumbers:
    """Tells of each such number once a day, by log and mail."""

    outbox: Outbox
    """Where mails go."""
    mails: Callable[[NewCall], Sequence[NewMail]]
    """Returns those about a call to such a number."""
    facts: Callable[[], Facts]
    """The moment, in the office's time zone."""
    background: Background
    """Owns what goes on while the caller is served."""
    _day: date | None = None
    _told: set[str] = field(default_factory=set)

    def called(self, call: NewCall) -> None:
        """Take the news that ``call`` came to such a number; never holds it up."""
        today = self.facts().at.date()
        if today != self._day:
            self._day, self._told = today, set()
        if call.dialled in self._told or len(self._told) >= MOST_A_DAY:
            return
        self._told.add(call.dialled)
        log.warning(
            "a number was called that is not configured; the default scheme serves its callers",
            dialled=call.dialled,
            cure="add it to the configuration, or ask the provider why it comes here",
        )
        self.background.start(self._mail(call), name="mail about an unlisted number")

    async def _mail(self, call: NewCall) -> None:
        """Post the mails, unless the program did before it was started anew."""
        midnight = self.facts().at.replace(hour=0, minute=0, second=0, microsecond=0)
        await self.outbox.post_once(self.mails(call), at=call.at, since=midnight)
