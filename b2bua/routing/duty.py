"""Who of a ring's targets is on duty. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from b2bua.routing.destination import Destination, Ring
from b2bua.routing.plan import Plan


def at_duty(plan: Plan, destination: Destination, at: datetime) -> Destination | None:
    """Return the destination with those alone who are on duty at that time; None: nobody is left to ring."""
    if not isinstance(destination, Ring) or not destination.duties:
        return destination
    bound = {target for duty in destination.duties for target in duty.targets}
    for duty in destination.duties:
        present = plan.rotas[duty.rota].on_duty(at)
        bound -= {target for member, targets in duty.by_member if member in present for target in targets}
    left = tuple(target for target in destination.targets if target not in bound)
    return replace(destination, targets=left) if left else None


def in_words(plan: Plan, ring: Ring, at: datetime) -> Iterator[str]:
    """Tell who is on duty then, for each rota that the ring asks: "rota weekend: Anna Nowak is on duty"."""
    for duty in ring.duties:
        members = plan.rotas[duty.rota].on_duty(at)
        names = [plan.people[each].display if each in plan.people else each for each in members]
        who = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}" if names else "nobody is"
        yield f"rota {duty.rota}: {who} on duty"
