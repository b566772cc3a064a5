"""Timers of everything above the transactions, kept in one heap so that the endpoint needs one timer only."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Alarm:
    """An action that is due at a time, until it is cancelled."""

    __slots__ = ("_owner", "action", "when")

    def __init__(self, when: float, action: Callable[[], None], owner: Alarms) -> None:
        self.when = when
        self.action: Callable[[], None] | None = action
        self._owner = owner

    def cancel(self) -> None:
        """Make sure that the action is not taken (any more)."""
        if self.action is not None:
            self.action = None
            self._owner.alive -= 1


class Alarms:
    """Heap of alarms; a cancelled one stays in it, empty, until its time."""

    def __init__(self, on_set: Callable[[float], None]) -> None:
        """``on_set`` is told the time of each alarm, so that somebody wakes for it."""
        self.alive = 0
        self._on_set = on_set
        self._heap: list[tuple[float, int, Alarm]] = []
        self._count = 0

    def set(self, when: float, action: Callable[[], None]) -> Alarm:
        """Return an alarm that takes ``action`` at ``when`` (loop time)."""
        alarm = Alarm(when, action, self)
        self._count += 1
        self.alive += 1
        heapq.heappush(self._heap, (when, self._count, alarm))
        self._on_set(when)
        if len(self._heap) > 64 and len(self._heap) > 4 * self.alive:
            self._drop_cancelled()
        return alarm

    def _drop_cancelled(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2].action is not None]
        heapq.heapify(self._heap)

    def next_time(self) -> float | None:
        """Return when the next action is due."""
        heap = self._heap
        while heap and heap[0][2].action is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> Callable[[], None] | None:
        """Return the next action whose time has come, once."""
        next_time = self.next_time()
        if next_time is None or next_time > now:
            return None
        alarm = heapq.heappop(self._heap)[2]
        action = alarm.action
        alarm.cancel()
        return action
