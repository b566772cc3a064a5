"""When the thread that moves packets comes before all others."""

from __future__ import annotations

from media.precedence import FIRST_S, MOST_LATE_S, Precedence

LATE_S = MOST_LATE_S + 0.001


def test_who_had_to_wait_comes_first_for_a_while_and_longer_where_that_happens_again() -> None:
    changes: list[tuple[float, bool]] = []
    now = 0.0
    precedence = Precedence(lambda is_first: changes.append((now, is_first)))
    again = FIRST_S / 2
    waits = {1.0: LATE_S, 1.0 + again: LATE_S, 3 * FIRST_S: LATE_S}
    for now in (0.0, 0.5, 1.0, 1.02, 1.0 + again, FIRST_S + 2, again + FIRST_S + 1, 2 * FIRST_S, 3 * FIRST_S):
        precedence.woke(waits.get(now, MOST_LATE_S / 2), now)
    assert changes == [(1.0, True), (again + FIRST_S + 1, False), (3 * FIRST_S, True)]
