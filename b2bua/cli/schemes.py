"""``b2bua schemes``: what is done with callers, scheme by scheme, and which step is the backup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import typer

from b2bua.config.models import Config
from b2bua.config.readback import scheme_readback
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan

BACKUP = "  (backup)"


def show_schemes(config: Config, plan: Plan, facts: Facts, *, only: str, for_programs: bool) -> None:
    """Print all schemes, or ``only`` one, in the order in which their steps are taken.

    Raises:
        BadParameter: there is none of that name.
    """
    if only and only not in plan.schemes:
        known = ", ".join(plan.schemes) or "none"
        raise typer.BadParameter(f"there is no scheme {only}; there are: {known}", param_hint="SCHEME")
    shown = [scheme_readback(config, plan, name, facts) for name in ([only] if only else plan.schemes)]
    if for_programs:
        typer.echo(json.dumps(shown[0] if only else {"schemes": shown}, indent=2, ensure_ascii=False))
        return
    typer.echo("\n\n".join("\n".join(_lines(scheme, plan)) for scheme in shown) or "There are no schemes.")


def _lines(scheme: Mapping[str, Any], plan: Plan) -> list[str]:
    itself = plan.schemes[scheme["name"]]
    works_on = f", {itself.works_on}" if itself.works_on else ""
    works_on += f", else {itself.otherwise}" if itself.otherwise else ""
    used_by = ", ".join(scheme["used_by"]) or "nobody"
    return [
        f"{scheme['name']}{works_on}  (used by {used_by})",
        *(f"  {each['step']}. {each['does']}{BACKUP if each['backup'] else ''}" for each in scheme["order"]),
    ]
