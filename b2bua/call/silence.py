"""How long who is called may say nothing, not even a 100, before they count as dead."""

from __future__ import annotations

from b2bua.call.callee import Vigil

SILENCE_LIMIT_S = 4.0
"""A target that sends not even a 100 for so long is dead, not thinking (row F13)."""
QUIET_S = 0.5
"""A phone says 100 at once; when none came in T1, others may be dead as well, which is found out now."""
DOUBT_S = 0.3
"""Where one phone was just found dead, others that cannot be asked by OPTIONS get so long to say 100: three
phones without power cost a caller less than 5 s, also one after another (rows F13, F14)."""


def limits_of_silence(vigil: Vigil | None, *, now: float) -> list[float]:
    """Return when a target that says nothing is asked by other means, where that helps, and given up."""
    if vigil is not None and vigil.is_doubtful:
        return [now + DOUBT_S]
    return [now + QUIET_S, now + SILENCE_LIMIT_S]
