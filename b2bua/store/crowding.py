"""How many callers were on a trunk at once (row Q13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Span:
    """One caller's time on a trunk."""

    trunk: str
    """Its name."""
    begin: datetime
    """When the call came."""
    end: datetime
    """When it was over, or now."""


@dataclass(frozen=True, slots=True)
class Peak:
    """When most of them were there."""

    callers: int
    """How many."""
    at: datetime
    """When the last of these came."""


def peaks(spans: Iterable[Span]) -> dict[str, Peak]:
    """Return by trunk when most callers were there at once, the first time that it was so."""
    moments = [
        moment
        for span in spans
        for moment in ((span.begin, 1, span.trunk), (span.end, -1, span.trunk))
        if span.end > span.begin
    ]
    there: Counter[str] = Counter()
    found: dict[str, Peak] = {}
    for at, change, trunk in sorted(moments):  # who goes at the moment at which another comes makes room
        there[trunk] += change
        if trunk not in found or there[trunk] > found[trunk].callers:
            found[trunk] = Peak(there[trunk], at)
    return found
