"""``b2bua menus``: how many callers chose what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import begin_of, journal_folder
from b2bua.config.load import load_config
from b2bua.config.models import Config
from b2bua.errors import ConfigError
from b2bua.routing.plan import Choice as Option
from b2bua.routing.plan import Plan
from b2bua.routing.words import way
from b2bua.store.chosen import Choice, ChosenReport, How, chosen_report
from b2bua.store.store import Store

MOST_CALLS = 1_000_000


async def show_menus(config: Config, *, days: int, for_programs: bool) -> None:
    """Print the report of the latest days, menu by menu, whatever was chosen most first.

    Of an office whose file is broken nobody can tell where the keys lead.
    """
    try:
        plan = load_config(config.origin.file, needs_secrets=False).plan()
    except ConfigError:
        plan = None
    folder = await journal_folder(config)
    if folder is None:
        return
    since = begin_of(days, ZoneInfo(config.office.timezone))
    async with await Store.open(folder) as store:
        found = chosen_report(await store.journal.calls(limit=MOST_CALLS, since=since))
    if for_programs:
        typer.echo(json.dumps(_fields(found, plan), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n\n".join(_lines(menu, report, plan) for menu, report in found.items()) or NOBODY)


NOBODY = "Nobody has chosen anything in a menu."


def _lines(menu: str, report: ChosenReport, plan: Plan | None) -> str:
    told = [f"menu {menu}: {report.calls} call{'' if report.calls == 1 else 's'}"]
    for choice, calls in _sorted(report):
        told.append(f"{calls:7}  {calls / report.calls:4.0%}  {_words(menu, choice, plan)}")
    return "\n".join(told)


def _sorted(report: ChosenReport) -> list[tuple[Choice, int]]:
    return sorted(report.choices.items(), key=lambda item: (-item[1], item[0].how, item[0].keys))


def _words(menu: str, choice: Choice, plan: Plan | None) -> str:
    match choice.how:
        case How.NOTHING:
            return "pressed nothing"
        case How.HUNG_UP:
            return "hung up"
        case How.EXTENSION:
            to = plan.extensions.get(choice.keys) if plan else None
            return f"extension {choice.keys}{_leads(plan, to, otherwise='is none any more')}"
        case How.KEY:
            spec = plan.menus.get(menu) if plan else None
            option = spec.options.get(choice.keys) if spec else None
            return f"{choice.keys}{_leads(plan, option, otherwise='is not offered')}"


def _leads(plan: Plan | None, option: Option | None, *, otherwise: str) -> str:
    if plan is None:
        return ""
    return f": {way(plan, option) if option else otherwise}"


def _fields(found: Mapping[str, ChosenReport], plan: Plan | None) -> dict[str, Any]:
    return {
        "menus": [
            {
                "menu": menu,
                "calls": report.calls,
                "choices": [
                    {
                        "how": choice.how.value,
                        "keys": choice.keys,
                        "leads": _words(menu, choice, plan),
                        "calls": calls,
                        "share": round(calls / report.calls, 4),
                    }
                    for choice, calls in _sorted(report)
                ],
            }
            for menu, report in found.items()
        ]
    }
