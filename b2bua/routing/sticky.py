"""Whom a caller comes back to: row R1. Pure."""

from __future__ import annotations

from b2bua.routing.destination import Confirm, Mobile, Person
from b2bua.routing.plan import Plan

MOBILE_OF = "mobile of "


def comes_back_to(plan: Plan, party: str) -> Person | Mobile | None:
    """Return whom to ring for who talked with the caller today, as the journal names them.

    Who answers a mobile is asked whether they take the call. None: nobody, or nobody who is here any more.
    """
    owner = party.removeprefix(MOBILE_OF)
    if owner not in plan.people:
        return None
    if owner == party:
        return Person(owner)
    wanted = plan.people[owner].mobile_confirm or Confirm.KEY
    return Mobile(owner, confirm=wanted) if plan.people[owner].mobile else None
