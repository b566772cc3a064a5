"""Whom of those who can be reached a step really rings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from b2bua.routing.destination import External, Mobile, Ring, RingMode, Target
from b2bua.routing.plan import Plan

Line = tuple[str | None, str]
"""A number outside, and what is pressed once it has answered."""


def of_each_line(plan: Plan, targets: Iterable[Target]) -> list[Target]:
    """Return the targets, each number outside once; of two ways to it the one that has to be confirmed."""
    kept: dict[Line | Target, Target] = {}
    for target in targets:
        line = _line(plan, target) or target
        before = kept.setdefault(line, target)
        if isinstance(target, External | Mobile) and isinstance(before, External | Mobile):
            kept[line] = before if before.confirm or not target.confirm else target
    return list(kept.values())


def who_join(ring: Ring, targets: Sequence[Target]) -> tuple[list[Target], list[Target]]:
    """Return who rings before the step is over, and who does not, unless those before refuse."""
    if ring.mode is not RingMode.STAGGERED:
        return list(targets), []
    count = sum(index * ring.stagger_seconds < ring.for_seconds for index in range(len(targets)))
    return list(targets[:count]), list(targets[count:])


def _line(plan: Plan, target: Target) -> Line | None:
    match target:
        case External(number, post_dial):
            return number, post_dial
        case Mobile(name):
            person = plan.people[name]
            return person.mobile, person.mobile_post_dial
    return None
