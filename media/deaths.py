"""Which legs may be what kills workers."""

from __future__ import annotations

MOST_DEATHS = 3
DEATHS_WITHIN_S = 60.0


class Deaths:
    """When workers died that had, or were asked to open, one leg."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: tuple[float, ...] = ()

    def note(self, now: float) -> None:
        """Take that another worker died."""
        self._times = (*self._times, now)[-MOST_DEATHS:]

    @property
    def are_too_many(self) -> bool:
        """Whether the leg outlived so many in a short time that it may be what kills them."""
        return len(self._times) == MOST_DEATHS and self._times[-1] - self._times[0] < DEATHS_WITHIN_S
