"""How long to wait before the next try: soon at first, then ever later, but never for ever."""

from __future__ import annotations

from random import Random

FIRST_S = 5.0
CAP_S = 300.0


class Backoff:
    """Waits of 5, 10, 20 ... 300 s, each up to a fifth shorter by chance lest all ask at once."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0

    def reset(self) -> None:
        """Start anew after a success."""
        self._failures = 0

    def next_wait(self, *, at_least: float = 0.0) -> float:
        """Return the seconds to wait after one more failure; ``at_least`` is what the peer asked for."""
        wait = min(CAP_S, FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        return max(self._shortened(wait), min(at_least, CAP_S))

    def longest_wait(self) -> float:
        """Return the wait after a failure that will not mend itself."""
        return self._shortened(CAP_S)

    def _shortened(self, wait: float) -> float:
        return wait * self._random.uniform(0.8, 1.0)
