"""When the thread that moves packets comes before all others."""

from __future__ import annotations

import os
from threading import Thread

from media.precedence import FIRST_S, MOST_LATE_S, OFTEN, WITHIN_S, Precedence, come_first
from tests.harness.place_in_line import may_come_first

LATE_S = MOST_LATE_S + 0.001


def test_who_often_had_to_wait_comes_first_for_a_while_and_longer_where_that_happens_again() -> None:
    changes: list[tuple[float, bool]] = []
    now = 0.0
    precedence = Precedence(lambda is_first: changes.append((now, is_first)))
    again = FIRST_S / 2
    late = {start + number for start in (1.0, 1.0 + again, 3 * FIRST_S) for number in range(OFTEN)}
    others = {0.0, 0.5, 1.02, FIRST_S + 2 * OFTEN, again + FIRST_S + 2 * OFTEN, 2 * FIRST_S}
    for now in sorted(late | others):
        precedence.woke(LATE_S if now in late else MOST_LATE_S / 2, now)
    sure_after = OFTEN - 1
    assert changes == [
        (1.0 + sure_after, True),
        (again + FIRST_S + 2 * OFTEN, False),
        (3 * FIRST_S + sure_after, True),
    ]


def test_who_had_to_wait_now_and_then_stays_in_line() -> None:
    changes: list[bool] = []
    precedence = Precedence(changes.append)
    for number in range(100):
        precedence.woke(LATE_S, number * (WITHIN_S / (OFTEN - 1) + 0.1))
    assert changes == []


def test_a_thread_that_comes_first_starts_others_that_do_not() -> None:
    policies: list[int] = []

    def note() -> None:
        policies.append(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)

    def run() -> None:
        for is_first in (True, False):
            come_first(is_first)
            note()
            other = Thread(target=note)
            other.start()
            other.join()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    first = os.SCHED_RR if may_come_first() else os.SCHED_OTHER
    assert policies == [first, os.SCHED_OTHER, os.SCHED_OTHER, os.SCHED_OTHER]
