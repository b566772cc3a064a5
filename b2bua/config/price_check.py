"""Says where prices are missing or of no use."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.models import Config
from b2bua.config.origin import Fault
from b2bua.routing.destination import External, Mobile, Ring
from b2bua.routing.plan import Plan


def price_warnings(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield price lists that nothing uses, and whom schemes ring at a price that nobody knows."""
    used = {trunk.rates for trunk in config.trunks.values()}
    for name in config.rates:
        if name not in used:
            why = f'is used by no trunk; add rates = "{name}" to one'
            yield Fault(("rates", name), why, is_warning=True)
    rates = plan.budget.ways_out[0].rates if plan.budget.ways_out else None
    if rates is None:
        return
    for scheme in plan.schemes.values():
        for index, step in enumerate(scheme.steps):
            targets = step.destination.targets if isinstance(step.destination, Ring) else ()
            for target in targets:
                number = _number(plan, target) if isinstance(target, External | Mobile) else None
                if number and rates.rate_of(number) is None:
                    why = f"price list {rates.name} has no price for {number}: its calls are not counted"
                    yield Fault(("scheme", scheme.name, "step", index, "ring"), why, is_warning=True)


def _number(plan: Plan, target: External | Mobile) -> str | None:
    return target.number if isinstance(target, External) else plan.people[target.person].mobile
