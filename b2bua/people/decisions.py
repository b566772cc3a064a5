"""What somebody decided for all calls of the office: survives restarts, and ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo

import structlog

from b2bua.people.status import Source, moment
from b2bua.people.vigil import Vigil
from b2bua.routing.override import WORDS, Override, OverrideKind
from b2bua.store.overrides import KeptOverride, KeptOverrides

log = structlog.get_logger("office")

NORMAL = Override(OverrideKind.NORMAL)


class Decisions:
    """The decision in force. ``vigil.run`` in a task notices its end."""

    def __init__(
        self, kept: KeptOverrides, *, clock: Callable[[], datetime], zone: Callable[[], tzinfo]
    ) -> None:
        self._kept = kept
        self._clock = clock
        self._zone = zone
        self._last: KeptOverride | None = None
        self._told = NORMAL
        self.vigil = Vigil(clock, load=self.load, tell=self._tell, ends=lambda: (self.current.until,))

    @property
    def current(self) -> Override:
        """Return what is decided at this moment."""
        decided = override_of(self._last) if self._last is not None else NORMAL
        return decided if decided.holds(self._clock()) else NORMAL

    @property
    def last(self) -> KeptOverride | None:
        """Return the last decision with who made it, ended or not; None: there never was one."""
        return self._last

    async def decide(self, override: Override, *, who: str, source: Source) -> bool:
        """Let that hold from now on; True once it is on disk, False when it cannot be.

        ``who`` is told in the log, e.g. the name of a person.
        """
        self._last = row_of(override, self._clock(), who=who, source=source)
        self._tell()
        self.vigil.news()
        return await self._kept.keep(self._last)

    async def load(self) -> None:
        """Take over what is on disk, where it was decided later than what is known here."""
        found = await self._kept.last()
        if found is not None and (self._last is None or self._last.since < found.since):
            self._last = found

    def _tell(self) -> None:
        current = self.current
        if current == self._told:
            return
        has_ended = current is NORMAL and not (self._last and self._last.kind == OverrideKind.NORMAL)
        who = "it ended by itself" if has_ended or self._last is None else self._last.who
        log.warning(in_words(current, self._zone(), self._clock()), by=who)
        self._told = current


def in_words(override: Override, zone: tzinfo, now: datetime) -> str:
    """Return "the office is closed until mon 2026-11-30 00:00"."""
    return f"the office {about(override, zone, now)}"


def about(override: Override, zone: tzinfo, now: datetime) -> str:
    """Return what follows "the office"."""
    until = "" if override.until is None else f" until {moment(override.until, zone, now)}"
    return f"{WORDS[override.kind]}{until}"


def row_of(override: Override, since: datetime, *, who: str, source: Source) -> KeptOverride:
    """Return the decision in plain values."""
    return KeptOverride(
        kind=override.kind.value, since=since, until=override.until, source=source.value, who=who
    )


def override_of(row: KeptOverride) -> Override:
    """Return what ``row_of`` made plain."""
    return Override(OverrideKind(row.kind), row.until)
