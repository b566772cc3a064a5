"""What whoever a step rings would cost, in words. Pure."""

from __future__ import annotations

from b2bua.money import money
from b2bua.routing.destination import External, Mobile, Target
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.rates import WayOut

EXAMPLE_S = 180
"""How long a talk is whose price is told."""


def way_out(plan: Plan, facts: Facts) -> WayOut | None:
    """Return the first trunk that places calls and is up."""
    return next((way for way in plan.budget.ways_out if way.trunk not in facts.down), None)


def price_of(plan: Plan, target: Target, facts: Facts) -> str | None:
    """Return what a talk with a target costs by the first trunk that is up; None where nothing is counted."""
    number, way = number_of(plan, target), way_out(plan, facts)
    if not number or way is None or way.rates is None:
        return None
    rate = way.rates.rate_of(number)
    if rate is None:
        return f"price list {way.rates.name} has no price for it"
    example = money(rate.cost(EXAMPLE_S), way.rates.currency)
    return f"{way.rates.in_words(rate)}; a talk of {EXAMPLE_S // 60} min costs {example}"


def number_of(plan: Plan, target: Target) -> str | None:
    """Return the number that a target is called by through a trunk; None: it is none."""
    match target:
        case External(number):
            return number
        case Mobile(person):
            return plan.people[person].mobile
    return None
