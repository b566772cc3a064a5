"""The packet thread's place in line for a processor: as all others, and before them once that was not enough.

A machine that has more to do than it has processors lets a packet wait for tens of milliseconds, whatever it
costs to send it on. A thread for which time counts (SCHED_RR) does not wait. Where nothing else has to be
done it is no better off, and takes up to a sixth more of the processor for each packet, as it is woken for
more of them, and seldom where the packet is in the cache. So it is one for a while after it had to, often.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable

MOST_LATE_S = 0.005
"""How late this thread may be let run after it wanted to."""
OFTEN, WITHIN_S = 5, 10.0
"""So many times within so long is one frame of a hundred, and more than the odd moment of every machine."""
FIRST_S = 600.0
"""How long it comes first then: each way back in line costs one more wait."""
PRIORITY = 1
"""Among threads for which time counts: the last of them, and before all others."""


def come_first(is_first: bool) -> None:
    """Let this thread run before all others as soon as it wants to, or no more, if that is allowed.

    Only this one: threads and processes that it starts wait in line.
    """
    policy = os.SCHED_RR if is_first else os.SCHED_OTHER
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY if is_first else 0))


class Precedence:
    """Whether this thread comes first."""

    def __init__(self, change: Callable[[bool], None] = come_first) -> None:
        """Call ``change`` with whether it does, where that is to be another."""
        self._change = change
        self._is_first = False
        self._until = 0.0
        self._late_at: deque[float] = deque(maxlen=OFTEN)

    def woke(self, late_s: float, now: float) -> None:
        """Take note of how late this thread was let run when it had slept until it wanted to."""
        if late_s > MOST_LATE_S:
            self._late_at.append(now)
            if len(self._late_at) == OFTEN and now - self._late_at[0] <= WITHIN_S:
                self._until = now + FIRST_S
        is_first = now < self._until
        if is_first is not self._is_first:
            self._is_first = is_first
            self._change(is_first)
