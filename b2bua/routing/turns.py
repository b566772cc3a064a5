"""Whom of those who can be reached a step really rings. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

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


def who_join(
    ring: Ring, targets: Sequence[Target], *, busy: Collection[Target] = ()
) -> tuple[dict[Target, float], list[Target]]:
    """Return who rings, each from how many seconds on, and who does not before the step is over.

    Those of ``targets`` who are ``busy`` refuse at once: they keep their turn, in which nobody joins, but
    where nobody rings yet the next one need not wait for it.
    """
    every = ring.stagger_seconds if ring.mode is RingMode.STAGGERED else 0.0
    joining: dict[Target, float] = {}
    late: list[Target] = []
    for index, target in enumerate(targets):
        starts_at = index * every if joining else 0.0
        if target in busy:
            continue
        if starts_at < ring.for_seconds:
            joining[target] = starts_at
        else:
            late.append(target)
    return joining, late


def _line(plan: Plan, target: Target) -> Line | None:
    match target:
        case External(number, post_dial):
            return number, post_dial
        case Mobile(name):
            person = plan.people[name]
            return person.mobile, person.mobile_post_dial
    return None
