"""What a scheme or a queue says, read back as it is written; a scheme with its order and its backup, too."""

from __future__ import annotations

from typing import Any

from b2bua.config.models import Config
from b2bua.config.origin import dotted
from b2bua.config.rewriting import STEP, Content
from b2bua.config.rung import rung
from b2bua.config.uses import uses
from b2bua.routing.destination import External, Mobile, Responsible, Ring, SipAddress, Webhook
from b2bua.routing.explain import gist
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan, Scheme, Step

STEPS = "steps"
"""What programs call the list that is ``[[scheme.x.step]]`` in the file."""


def to_program(content: Content) -> dict[str, Any]:
    """Return a table of the file as programs read and write it."""
    return {STEPS if key == STEP else key: value for key, value in content.items()}


def from_program(content: Content) -> dict[str, Any]:
    """Return what a program says as a table of the file."""
    return {STEP if key == STEPS else key: value for key, value in content.items()}


def scheme_readback(config: Config, plan: Plan, name: str, facts: Facts) -> dict[str, Any]:
    """Return a scheme in the order in which its steps are taken."""
    scheme = plan.schemes[name]
    backups = backups_of(plan, scheme)
    order = [
        {"step": position, "does": gist(plan, step, facts), "backup": position in backups}
        for position, step in enumerate(scheme.steps, start=1)
    ]
    return {**readback(config, "scheme", name), "order": order, "backup": max(backups, default=None)}


def readback(config: Config, section: str, name: str) -> dict[str, Any]:
    """Return a table as it is written, where that is, and what names it."""
    file, line = config.origin.locate((section, name))
    return {
        "name": name,
        section: to_program(config.as_written[section][name]),
        "used_by": [dotted(key) for key in uses(config.as_written, section, name)],
        "file": str(file),
        "line": line,
    }


def backups_of(plan: Plan, scheme: Scheme) -> frozenset[int]:
    """Return the positions, from 1, of the steps that are said to be the backup.

    Where none is, it is the last that rings anybody, if it comes after others and rings somebody else than
    the first of them, or outside.
    """
    said = {position for position, step in enumerate(scheme.steps, start=1) if _is_said(step)}
    return frozenset(said or _last_resort(plan, scheme))


def _is_said(step: Step) -> bool:
    return isinstance(step.destination, Ring) and step.destination.is_backup


def _last_resort(plan: Plan, scheme: Scheme) -> set[int]:
    ringing = [position for position, step in enumerate(scheme.steps, start=1) if _rings(plan, step)]
    if len(ringing) < 2:
        return set()
    first, last = (
        {target for group in rung(plan, scheme.steps[position - 1].destination) for target in group}
        for position in (ringing[0], ringing[-1])
    )
    has_outside = any(isinstance(target, External | Mobile | SipAddress) for target in last)
    return {ringing[-1]} if has_outside or last - first else set()


def _rings(plan: Plan, step: Step) -> bool:
    asks = isinstance(step.destination, Webhook | Responsible)
    return asks or any(rung(plan, step.destination))
