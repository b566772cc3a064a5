"""Who is there to take calls: keeps what people said, and listens to the programs that change it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from b2bua.background import Background
from b2bua.call.call import CallerIdentity
from b2bua.edition import Editions
from b2bua.inbound.features import FeatureStep
from b2bua.people.decisions import Decisions
from b2bua.people.presence import Diaries, Presence
from b2bua.people.status import Status
from b2bua.routing.calendar import Calendar
from b2bua.store import doorbell
from b2bua.store.store import Store
from media.commands import PlayItem

log = structlog.get_logger("office")


class Attendance:
    """Tells whether somebody may be rung now, and whoever waits for them when that changes."""

    def __init__(self, editions: Editions, store: Store, clock: Callable[[], datetime]) -> None:
        self.on_change: Callable[[str], None] | None = None
        """Told who has another status now."""
        self.on_look: Callable[[], None] | None = None
        """Told that another program changed something in the database."""
        self._editions = editions
        self.clock = clock
        self.presence = Presence(
            store.statuses, clock=clock, on_change=self._changed, diaries=self._diaries()
        )
        self.decisions = Decisions(store.overrides, clock=clock, zone=lambda: editions.current.zone)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Know what was said before, and hear for as long as the block runs what other programs change."""
        data = self._editions.current.config.office.data
        await self.presence.load()
        await self.decisions.load()
        with doorbell.answering(await asyncio.to_thread(data.absolute), self._look):
            yield

    def _diaries(self) -> Diaries:
        editions = self._editions

        def of(person: str) -> Calendar | None:
            known = editions.current.config.people.get(person)
            if known is None or known.calendar is None:
                return None
            return editions.current.calendars.get(known.calendar)

        def owners() -> list[str]:
            return [name for name, known in editions.current.config.people.items() if known.calendar]

        return Diaries(owners, of)

    def news(self) -> None:
        """Look again at calendars and people: others may be known now."""
        self.presence.vigil.news()

    def _look(self) -> None:
        self.presence.vigil.look()
        self.decisions.vigil.look()
        if self.on_look is not None:
            self.on_look()

    def start(self, background: Background) -> None:
        """Notice from now on what others wrote and what ends by itself."""
        background.start(self.presence.vigil.run(), name="presence")
        background.start(self.decisions.vigil.run(), name="decisions")

    def features(self, prompt: Callable[[str], Sequence[PlayItem]]) -> FeatureStep:
        """Return the step in which phones say what their people are."""
        return FeatureStep(
            plan=self._editions.own_plan,
            presence=self.presence,
            decisions=self.decisions,
            prompt=prompt,
            clock=self.clock,
            zone=lambda: self._editions.own.zone,
        )

    def takes_calls(self, person: str) -> bool:
        """Return whether calls of schemes and queues are given to ``person``."""
        return self.presence.status(person).is_available

    def excuse(self, person: str, caller: CallerIdentity) -> str:
        """Return why ``person`` is not rung for ``caller``: "in a meeting until 15:00"; empty: they are."""
        status = self.presence.status(person)
        if status.is_available:
            return ""
        extension = self._editions.person(person).extension
        is_colleague = caller.is_internal and extension is not None and caller.dialled == extension
        if not status.keeps_from(colleague=is_colleague):
            return ""
        return self.in_words(status)

    def in_words(self, status: Status) -> str:
        """Return what follows "Anna is"."""
        return status.in_words(self._editions.own.zone, self.clock())

    def _changed(self, person: str, status: Status) -> None:
        if not self._editions.current.directory.has(person):
            return  # who has left
        log.info(f"{self._editions.person(person).title} is {self.in_words(status)}")
        if self.on_change is not None:
            self.on_change(person)
