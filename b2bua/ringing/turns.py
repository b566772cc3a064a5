"""Who of a step's targets is rung, once and when their turn has come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from b2bua.call.callee import Reached
from b2bua.routing.destination import Target

Line = tuple[str, str]
"""A number outside, and what is pressed once it has answered."""


def each_line_once(found: Iterable[tuple[Target, Reached]]) -> list[tuple[Target, Reached]]:
    """Return who has anything to dial, each number outside once.

    A second call to it would find it busy, or be taken by its voicemail. Of two ways to the same number that
    counts by which who answers has to confirm that they take the call.
    """
    kept: dict[Line | int, tuple[Target, Reached]] = {}
    for index, (target, reached) in enumerate(found):
        if not reached.dials:
            continue
        line = _line(reached) or index
        before = kept.setdefault(line, (target, reached))[1]
        if before.dials[0].confirmation is None and reached.dials[0].confirmation is not None:
            kept[line] = (target, reached)
    return list(kept.values())


def is_rung(reached: Reached, rung: set[Line]) -> bool:
    """Return whether its number is among those that rang in vain already; note it there."""
    line = _line(reached)
    if line is None or line in rung:
        return line is not None
    rung.add(line)
    return False


def _line(reached: Reached) -> Line | None:
    """Return the number of a target outside; None: it is a phone of the office, or an address."""
    dial = reached.dials[0]
    return (dial.number, dial.post_dial) if dial.trunk and dial.number else None


@dataclass(slots=True)
class Turn:
    """The moment in which somebody joins those who ring already, if they still take calls then."""

    look_up: Callable[[], Awaitable[Reached]]
    """Finds whom to ring at this moment; the journal is told why there is nobody."""
    _is_looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_there: bool | None = None
    """None: nobody has looked."""

    async def has_come(self) -> bool:
        """Return whether there is anybody to ring, for all phones of one person alike."""
        async with self._is_looking:
            if self._is_there is None:
                self._is_there = bool((await self.look_up()).dials)
        return self._is_there
