"""How a week went, beside the one before (row O3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from b2bua.store.backup import Office
from b2bua.store.calls import CallOutcome, CallStory
from b2bua.store.missed import MissedReport, report
from b2bua.store.promised import PromisedReport, promised_report
from b2bua.store.promises import Promise

UNUSUAL = 0.2
"""So much more than in the week before is worth a word of warning."""
FEW = 3
"""Such a difference is chance."""


@dataclass(frozen=True, slots=True)
class WeekReport:
    """A week, from ``begin`` to ``end``."""

    begin: datetime
    """Its first moment."""
    end: datetime
    """The first moment after it."""
    calls: MissedReport
    """The calls from outside, who took them and who did not."""
    missed: int
    """How many of them left a caller whom nobody had served."""
    calls_before: int
    """How many calls there were in the week before."""
    missed_before: int
    """And how many callers whom nobody served."""
    promised: PromisedReport
    """What became of the missed ones until now."""

    @property
    def is_unusual(self) -> bool:
        """Whether many more callers were missed than in the week before."""
        more = self.missed - self.missed_before
        return more >= FEW and more >= UNUSUAL * self.missed_before


def week_report(
    stories: Sequence[CallStory], promises: Sequence[Promise], office: Office, *, weeks: Sequence[datetime]
) -> WeekReport:
    """Return the report of the second of two weeks, whose beginnings and end are the three ``weeks``."""
    first, begin, end = weeks
    inbound = [story for story in stories if story.call.direction == "in"]
    before = [story for story in inbound if first <= story.call.at < begin]
    latest = [story for story in inbound if begin <= story.call.at < end]
    return WeekReport(
        begin,
        end,
        report(latest, office),
        _missed(latest),
        len(before),
        _missed(before),
        promised_report([promise for promise in promises if begin <= promise.since < end]),
    )


def _missed(stories: Sequence[CallStory]) -> int:
    return sum(story.outcome is CallOutcome.PROMISE for story in stories)


def change(now: int, before: int) -> float | None:
    """Return by which share something grew; None: there was nothing before."""
    return (now - before) / before if before else None
