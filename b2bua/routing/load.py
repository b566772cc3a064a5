"""Whether a condition on the load holds: how many are free or talk, how many callers wait (row S2). Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2bua.routing.facts import Facts  # which knows of decisions, and these of plans with conditions


class Counted(StrEnum):
    """What a condition counts."""

    FREE = "free"
    """People whose phones can be given a call now."""
    TALKING = "talking"
    """People who talk."""
    WAITING = "waiting"
    """Callers who wait in queues."""


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison, such as ``free in sales < 2``."""

    text: str
    """As it is written, with single spaces."""
    counted: Counted
    """Whom it counts."""
    among: frozenset[str]
    """Keys of the people or, where callers are counted, of the queues."""
    comparison: str
    """One of ``COMPARISONS``."""
    limit: int
    """What the count is compared with."""
    is_share: bool = False
    """The count is a percentage of those people who are there."""

    def holds(self, facts: Facts) -> bool:
        """Return whether it is so."""
        if facts.assumed_load is not None:
            return self.text in facts.assumed_load
        return self.is_so(self._count(facts))

    def is_so(self, count: float) -> bool:
        """Return whether it holds for that count."""
        return COMPARISONS[self.comparison](count, self.limit)

    def _count(self, facts: Facts) -> float:
        if self.counted is Counted.WAITING:
            return sum(facts.waiting.get(queue, 0) for queue in self.among)
        there = {person for person in self.among if facts.is_there(person)}
        is_talking = self.counted is Counted.TALKING
        counted = there & facts.busy if is_talking else there - facts.busy - facts.reserved
        if not self.is_share:
            return len(counted)
        if not there:  # nobody can take a call: as if all talked
            return 100.0 if is_talking else 0.0
        return 100 * len(counted) / len(there)


def is_met(when: tuple[Condition, ...], facts: Facts) -> bool:
    """Return whether one of the conditions holds; without any, always."""
    return not when or any(condition.holds(facts) for condition in when)


def held(when: tuple[Condition, ...], facts: Facts) -> str:
    """Return the conditions that hold, as ``waiting in sales > 3 and free in sales < 2``; empty: none."""
    return " and ".join(condition.text for condition in when if condition.holds(facts))


def in_words(when: tuple[Condition, ...]) -> str:
    """Return the conditions as one: ``free in sales < 2 or waiting in sales > 3``."""
    return " or ".join(condition.text for condition in when)
