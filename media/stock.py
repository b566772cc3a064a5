"""Legs that are open before anybody calls, so that a call need not wait for its ports."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from media.commands import LegOpened


class Stock:
    """The spare legs of one worker: ordered along with what it is told anyway, and taken in their order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._spare: deque[LegOpened] = deque()
        self._ordered: set[int] = set()
        self.has_room = True
        """Whether there may be ports for another one: not since one was refused, until a leg is closed."""

    def order(self, numbers: Iterator[int]) -> list[int]:
        """Return the numbers under which legs are to be opened now."""
        missing = self._most - len(self._spare) - len(self._ordered) if self.has_room else 0
        ordered = [next(numbers) for _ in range(missing)]
        self._ordered.update(ordered)
        return ordered

    def take(self) -> LegOpened | None:
        """Return the one that is open for longest."""
        return self._spare.popleft() if self._spare else None

    def came(self, opened: LegOpened) -> bool:
        """Take a leg if it was ordered here; return whether it was."""
        if opened.leg not in self._ordered:
            return False
        self._ordered.discard(opened.leg)
        self._spare.append(opened)
        return True

    def is_refused(self, number: int) -> bool:
        """Return whether it was a leg ordered here that cannot be opened."""
        if number not in self._ordered:
            return False
        self._ordered.discard(number)
        self.has_room = False
        return True

    def lose(self) -> None:
        """Take the news that the worker is gone."""
        self._spare.clear()
        self._ordered.clear()
        self.has_room = True
