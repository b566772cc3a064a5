"""How long a caller will wait, from how long calls took so far. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence

FIRST_GUESS_S = 120.0
"""Length of a call before any was seen."""
WEIGHT = 0.2
"""Weight of the newest call in the running mean."""
LEAST_SHARE = 0.2
"""A call that already runs longer than the mean is expected to take this share of it still."""


class Pace:
    """Learns how long agents talk, and foretells when the n-th caller's turn comes."""

    def __init__(self) -> None:
        self.mean_seconds = FIRST_GUESS_S
        self._calls = 0
        self._busy_since: dict[str, float] = {}

    def started(self, agent: str, now: float) -> None:
        """Note that ``agent`` began to talk."""
        self._busy_since[agent] = now

    def finished(self, agent: str, now: float) -> None:
        """Note that ``agent`` is through; the first calls count fully, later ones by their weight."""
        seconds = now - self._busy_since.pop(agent, now)
        self._calls += 1
        weight = max(WEIGHT, 1 / self._calls)
        self.mean_seconds += weight * (seconds - self.mean_seconds)

    def wait_seconds(
        self,
        position: int,
        agents: Sequence[str],
        *,
        talking: Collection[str],
        wrap_up_s: float = 0.0,
        now: float,
    ) -> float:
        """Return after how many seconds the caller at ``position`` (1 = next) is likely to be served.

        Every agent takes the next caller ``wrap_up_s`` after the end of the talk they are in, which counts
        from the first ring; a call takes the mean.
        """
        turn = self.mean_seconds + wrap_up_s
        if not agents:
            return position * turn
        free_at = [self._remaining(agent, now) + wrap_up_s if agent in talking else 0.0 for agent in agents]
        heapq.heapify(free_at)
        for _ in range(position - 1):
            heapq.heapreplace(free_at, free_at[0] + turn)
        return free_at[0]

    def _remaining(self, agent: str, now: float) -> float:
        since = self._busy_since.get(agent)
        if since is None:
            return self.mean_seconds / 2  # talks with somebody whom this queue did not send
        return max(self.mean_seconds - (now - since), LEAST_SHARE * self.mean_seconds)
