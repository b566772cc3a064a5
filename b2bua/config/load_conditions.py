"""From ``when = "free in sales < 2"`` to a condition on named people or queues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from b2bua.config.ring_targets import TargetReader
from b2bua.config.similar import did_you_mean
from b2bua.routing.load import Condition, Counted

CONDITION = re.compile(
    r"\s*(free|talking|waiting)(?:\s+in\s+(\S+?))?\s*(<=|>=|<|>)\s*(\d+)\s*(%?)\s*", re.IGNORECASE
)
EXAMPLES = 'for example "free in sales < 2", "waiting in sales > 3" or "talking in sales >= 80%"'
MOST_WAITING = 10_000


class ConditionReader:
    """Reads conditions against the queues, groups and people of an office."""

    def __init__(
        self,
        queues: Mapping[str, Sequence[str]],
        people: Iterable[str],
        groups: Iterable[str],
        targets: TargetReader,
    ) -> None:
        """``queues`` has the agents of each queue, as they are written."""
        self._queues = queues
        self._people = list(people)
        self._groups = list(groups)
        self._targets = targets

    def read(self, text: str) -> Condition:
        """Return what a text means.

        Raises:
            ValueError: it means nothing, or is always so, or never.
        """
        match = CONDITION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no condition on the load, expected {EXAMPLES}")
        counted, among, comparison, limit, percent = match.groups()
        kind = Counted(counted.lower())
        if percent and kind is Counted.WAITING:
            raise ValueError(f"{text!r}: callers who wait are counted, expected a number without %")
        keys = self._waiting_in(among) if kind is Counted.WAITING else self._people_in(among)
        where = f" in {among}" if among else ""
        written = f"{kind}{where} {comparison} {limit}{percent}"
        condition = Condition(written, kind, keys, comparison, int(limit), bool(percent))
        self._refuse_idle(condition)
        return condition

    def _waiting_in(self, name: str | None) -> frozenset[str]:
        if name is None:
            return frozenset(self._queues)
        if name not in self._queues:
            raise ValueError(f"there is no queue {name!r}{did_you_mean(name, self._queues)}")
        return frozenset({name})

    def _people_in(self, name: str | None) -> frozenset[str]:
        if name is None:
            return frozenset(self._people)
        if name in self._queues:
            agents = self._queues[name]
            return frozenset(person for agent in agents for person in self._targets.people(agent))
        try:
            return frozenset(self._targets.people(name))
        except ValueError:
            names = [*self._queues, *self._groups, *self._people]
            why = f"there is no queue, group or person {name!r}{did_you_mean(name, names)}"
            raise ValueError(why) from None

    @staticmethod
    def _refuse_idle(condition: Condition) -> None:
        """Raise for a condition that is so, or is not, however busy the office is."""
        most = len(condition.among)
        if condition.is_share:
            most = 100
        elif condition.counted is Counted.WAITING:
            most = MOST_WAITING
        held = {condition.is_so(count) for count in {0, most, *range(min(most, 101))}}
        if len(held) == 1:
            many = (
                "" if condition.counted is Counted.WAITING or condition.is_share else f", there being {most}"
            )
            raise ValueError(f"{condition.text} is {'always' if held == {True} else 'never'} so{many}")
