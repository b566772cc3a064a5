"""What was counted of one party's sound, in one worker after another."""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import NamedTuple

_LATEST = {"jitter_ms", "remote_jitter_ms", "round_trip_ms", "silent_s"}
"""What is as it was last; all else are numbers of packets."""
_MOST_KINDS = 64
"""Sets of names; there are a few."""


@lru_cache(_MOST_KINDS)
def _one_of_all(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


class _Told(NamedTuple):
    """What a worker told last, in a third of the room that a dictionary takes."""

    number: int
    """Under which it knew the leg."""
    names: tuple[str, ...]
    values: array[float]


class Figures:
    """The numbers that each worker has told last: when it dies, what it counted since then is not in them."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: tuple[_Told, ...] = ()

    def note(self, number: int, statistics: dict[str, float]) -> None:
        """Take what a worker has counted so far of the leg that it knows under ``number``."""
        told = _Told(number, _one_of_all(tuple(statistics)), array("d", statistics.values()))
        self._told = (*(each for each in self._told if each.number != number), told)

    @property
    def total(self) -> dict[str, float]:
        """The numbers of all of them together."""
        total: dict[str, float] = {}
        for told in self._told:
            for name, value in zip(told.names, told.values, strict=True):
                total[name] = value if name in _LATEST else total.get(name, 0) + value
        return total
