"""``b2bua timeline``: who would take the calls of each number, hour by hour, for some days."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from b2bua.cli.said import with_what_was_said
from b2bua.config.models import Config
from b2bua.routing.facts import Facts
from b2bua.routing.plan import Plan
from b2bua.routing.schedule import DAYS
from b2bua.routing.timeline import Stretch, timeline


@dataclass(frozen=True, slots=True)
class Line:
    """Numbers whose calls are taken by the same people at all times."""

    numbers: tuple[str, ...]
    """As they are normalised."""
    stretches: tuple[Stretch, ...]
    """Without a hole in between."""


async def show_timeline(
    config: Config, plan: Plan, start: datetime, *, days: int, number: str, for_programs: bool
) -> None:
    """Print who takes the calls of one number, or of all, until the midnight after so many days."""
    facts = await with_what_was_said(config, Facts(start))
    end = datetime.combine(start.date() + timedelta(days=days), time(), start.tzinfo)
    lines = lines_of(plan, [number] if number else [spec.number for spec in plan.listed], facts, end)
    if for_programs:
        typer.echo(as_json(lines))
    elif lines:
        print_lines(lines, {spec.number: spec.source or "" for spec in plan.listed})
    else:
        typer.echo("No number is configured.")


def lines_of(plan: Plan, numbers: Iterable[str], facts: Facts, end: datetime) -> list[Line]:
    """Return who takes the calls of these numbers from ``facts.at`` until ``end``."""
    together: dict[tuple[Stretch, ...], list[str]] = {}
    for number in numbers:
        together.setdefault(timeline(plan, number, facts, end), []).append(number)
    return [Line(tuple(found), stretches) for stretches, found in together.items()]


def as_json(lines: Iterable[Line]) -> str:
    """Return the lines for a program to read; times are ISO 8601 with their offset."""
    return json.dumps([_line(line) for line in lines], ensure_ascii=False, indent=2)


def _line(line: Line) -> dict[str, Any]:
    return {"numbers": list(line.numbers), "stretches": [_stretch(each) for each in line.stretches]}


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        "from": stretch.start.isoformat(),
        "until": stretch.end.isoformat(),
        "scheme": stretch.scheme or None,
        "gap": stretch.is_gap,
        "steps": [{"what": taker.words or "ring", "people": list(taker.people)} for taker in stretch.takers],
    }


def print_lines(lines: Iterable[Line], names: Mapping[str, str]) -> None:
    """Print a table for each of the lines; ``names`` are those of numbers that have one."""
    console = Console(highlight=False)
    with console.capture() as captured:
        for line in lines:
            titles = [
                f"{number} ({names[number]})" if names.get(number) else number for number in line.numbers
            ]
            console.print(Text(", ".join(titles), style="bold"))
            console.print(_table(line))
            console.print(f"{_hours(line)}\n")
    for row in captured.get().splitlines():
        typer.echo(row.rstrip())


def _table(line: Line) -> Table:
    table = Table(box=None, pad_edge=True)
    for title in ("from", "until", "scheme"):
        table.add_column(title, no_wrap=True)
    table.add_column("who takes a call")
    for stretch in line.stretches:
        takers = " → ".join(str(taker) for taker in stretch.takers)
        who = Text(
            f"nobody: {takers}" if stretch.is_gap else takers, style="red" if stretch.is_gap else "green"
        )
        table.add_row(_moment(stretch.start), _until(stretch), stretch.scheme or "–", who)
    return table


def _moment(at: datetime) -> str:
    return f"{DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M}"


def _until(stretch: Stretch) -> str:
    """Return the end as briefly as it is clear: ``18:00``, within a week ``sat 10:00``."""
    end, days = stretch.end, (stretch.end.date() - stretch.start.date()).days
    if days > 6:
        return _moment(end)
    return f"{DAYS[end.weekday()]} {end:%H:%M}" if days else f"{end:%H:%M}"


def _hours(line: Line) -> str:
    """Tell for how much of the time somebody can answer."""
    whole = sum((_length(each) for each in line.stretches), timedelta())
    gaps = sum((_length(each) for each in line.stretches if each.is_gap), timedelta())
    if not gaps:
        return "somebody can answer at any time"
    hour = timedelta(hours=1)
    return f"nobody can answer for {gaps / hour:.0f} h of {whole / hour:.0f} h"


def _length(stretch: Stretch) -> timedelta:
    return timedelta(seconds=stretch.end.timestamp() - stretch.start.timestamp())
