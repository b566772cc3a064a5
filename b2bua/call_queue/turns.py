"""Whose turn it is: which of those who are free get a call, by the strategy of the queue (rows Q3 to Q5)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date

from b2bua.people.occupancy import Occupancy
from b2bua.routing.plan import QueueSpec


class Tally:
    """How many calls of queues each agent has taken on this day."""

    def __init__(self, today: Callable[[], date]) -> None:
        self._today = today
        self._day = today()
        self._taken: Counter[str] = Counter()

    def note(self, agent: str) -> None:
        """Count one more call of ``agent``."""
        self._begin_day()
        self._taken[agent] += 1

    def taken(self, agent: str) -> int:
        """Return how many ``agent`` has taken."""
        self._begin_day()
        return self._taken[agent]

    def _begin_day(self) -> None:
        if (today := self._today()) != self._day:
            self._day = today
            self._taken.clear()


class Turns:
    """Picks agents."""

    def __init__(self, occupancy: Occupancy, *, tally: Tally, randomness: random.Random) -> None:
        self._occupancy = occupancy
        self._random = randomness
        self.tally = tally

    def pick(self, spec: QueueSpec, free: Sequence[str], *, last: str) -> tuple[str, ...]:
        """Return whom of ``free``, in the order of ``spec``, to offer a call; ``last`` got the one before."""
        if not free:
            return ()
        match spec.strategy:
            case "ringall":
                return tuple(free)
            case "roundrobin":
                return (min(free, key=lambda agent: _turns_after(spec.agents, last, agent)),)
            case "linear":
                return (free[0],)
            case "random":
                return (self._random.choice(free),)
            case "longest-idle":
                return (min(free, key=self._occupancy.talked_until),)
            case "fewest-calls":
                return (min(free, key=self._calls_then_idle),)

    def _calls_then_idle(self, agent: str) -> tuple[int, float]:
        return self.tally.taken(agent), self._occupancy.talked_until(agent)


def _turns_after(agents: Sequence[str], last: str, agent: str) -> int:
    """Return how many others come between ``last`` and ``agent`` in the round."""
    if last not in agents:
        return agents.index(agent)
    return (agents.index(agent) - agents.index(last) - 1) % len(agents)
