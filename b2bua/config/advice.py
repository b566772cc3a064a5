"""Advice on schemes and queues: what offices learn the hard way otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.models import Config
from b2bua.config.origin import Fault
from b2bua.routing.destination import Destination, Goto, Menu, Queue, Ring, Webhook
from b2bua.routing.plan import DialExtension, Plan
from b2bua.routing.scheme import number_spec


def advice(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield what is unwise."""
    yield from _day_and_night_alike(config, plan)
    yield from _queues_nobody_can_wait_in(config)


def _day_and_night_alike(config: Config, plan: Plan) -> Iterator[Fault]:
    """Yield one warning for the numbers that ring people at every hour of the week (row F26)."""
    alike = [written for written in config.numbers if _rings_always(plan, written)]
    if alike:
        others = len(alike) - 1
        so = f"; so do {others} more numbers" if others > 1 else "; so does another number" if others else ""
        why = (
            "rings the same day and night, and on holidays: give it a schedule, in-hours and off-hours, "
            f"so that callers hear at night when you are there{so}"
        )
        yield Fault(("number", alike[0]), why, is_warning=True)


def _rings_always(plan: Plan, written: str) -> bool:
    spec = number_spec(plan, written)
    if spec is None or spec.schedule is not None:
        return False
    return _rings(plan, Goto(spec.in_hours), frozenset())


def _rings(plan: Plan, destination: Destination, seen: frozenset[Destination]) -> bool:
    """Return whether somebody is rung there at any time, by a step without hours."""
    if destination in seen:
        return False
    seen |= {destination}
    match destination:
        case Ring() | Queue() | Webhook():
            return True
        case Goto(scheme):
            steps = plan.schemes[scheme].steps
            return not any(step.hours for step in steps) and any(
                _rings(plan, step.destination, seen) for step in steps
            )
        case Menu(name):
            options = plan.menus[name].options.values()
            return any(_rings(plan, each, seen) for each in options if not isinstance(each, DialExtension))
    return False


def _queues_nobody_can_wait_in(config: Config) -> Iterator[Fault]:
    """Yield queues with as many agents as the line carries calls: whoever calls next hears busy (row Q13)."""
    lines = [trunk.channels for trunk in config.trunks.values() if trunk.accepts_from or trunk.registrar]
    if not lines or None in lines:
        return
    channels = sum(each or 0 for each in lines)
    for name, queue in config.queues.items():
        if len(queue.agents) >= channels:
            why = (
                f"nobody can wait: the trunks carry {channels} calls, and there are {len(queue.agents)} "
                "agents; further callers hear the provider's busy tone"
            )
            yield Fault(("queue", name, "agents"), why, is_warning=True)
