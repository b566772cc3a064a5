"""What became of those whom the office owed a call (rows C10, C15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from b2bua.store.promises import Promise, PromiseStatus
from b2bua.store.rows import CALLED_AGAIN


class Fate(StrEnum):
    """What became of one of them."""

    CALLED_BACK = "called back"
    """Somebody of ours reached them."""
    CALLED_AGAIN = "called again"
    """They called themselves, and talked with somebody."""
    NEEDS_NONE = "needs no call"
    """Somebody said so."""
    OWED = "owed"
    """Nobody has talked with them yet."""


def fate_of(promise: Promise) -> Fate:
    """Return what became of a promise."""
    match promise.status:
        case PromiseStatus.KEPT:
            return Fate.CALLED_AGAIN if promise.closed_why == CALLED_AGAIN else Fate.CALLED_BACK
        case PromiseStatus.DROPPED:
            return Fate.NEEDS_NONE
        case PromiseStatus.OPEN:
            return Fate.OWED


def seconds_to_contact(promise: Promise) -> float | None:
    """Return how long after the call somebody talked with them; None: nobody has."""
    if promise.status is not PromiseStatus.KEPT or promise.closed_at is None:
        return None
    return max(0.0, (promise.closed_at - promise.since).total_seconds())


@dataclass(frozen=True, slots=True)
class PromisedReport:
    """All of them in a span of time."""

    count: int
    """How many."""
    fates: dict[Fate, int]
    """How many of each."""
    attempts: int
    """How often the office itself has called."""
    median_s: float | None
    """Half of those who were called back waited no longer than that since their call; None: nobody was."""

    @property
    def share_called_back(self) -> float | None:
        """Return which part of those who did not call themselves was called back; None: there were none."""
        others = self.count - self.fates[Fate.CALLED_AGAIN] - self.fates[Fate.NEEDS_NONE]
        return self.fates[Fate.CALLED_BACK] / others if others else None


def promised_report(promises: Sequence[Promise]) -> PromisedReport:
    """Return what became of ``promises``."""
    found = [(promise, fate_of(promise)) for promise in promises]
    waits = [
        seconds
        for promise, fate in found
        if fate is Fate.CALLED_BACK and (seconds := seconds_to_contact(promise)) is not None
    ]
    return PromisedReport(
        count=len(found),
        fates={each: sum(fate is each for _, fate in found) for each in Fate},
        attempts=sum(promise.attempts for promise in promises),
        median_s=median(waits) if waits else None,
    )
