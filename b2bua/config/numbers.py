"""The numbers of an office, single ones and groups that share everything, read for the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from b2bua.config import tables
from b2bua.config.origin import KeyPath
from b2bua.routing.numbers import normalise
from b2bua.routing.plan import NumberSpec

if TYPE_CHECKING:
    from b2bua.config.models import Config

Complain = Callable[[KeyPath, str], None]
"""Takes what is wrong with a key."""
Know = Callable[[KeyPath, str, Iterable[str], str], bool]
"""Returns whether a name is one of those of that kind; complains otherwise."""


def written_numbers(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield every number as it is written, with the key where it stands."""
    for written in config.numbers:
        yield ("number", written), written
    for name, group in config.number_groups.items():
        for index, written in enumerate(group.numbers):
            yield ("number-group", name, "numbers", index), written


def compile_numbers(config: Config, *, known: Know, fault: Complain) -> dict[str, NumberSpec]:
    """Return what is configured for each number, by its normalised form."""
    alone = {name: _spec(config, ("number", name), table, known) for name, table in config.numbers.items()}
    shared = {
        name: _spec(config, ("number-group", name), group, known)
        for name, group in config.number_groups.items()
    }
    found: dict[str, NumberSpec] = {}
    places: dict[str, KeyPath] = {}
    for path, written in written_numbers(config):
        number = normalise(written, country=config.office.country)
        if number in found:
            fault(path, f"{number} is configured twice; it is in {_table(places[number])} already")
        places.setdefault(number, path)
        table: Mapping[str, NumberSpec] = alone if path[0] == "number" else shared
        found[number] = replace(table[str(path[1])], number=number)
    return found


def _table(path: KeyPath) -> str:
    kind, name = path[:2]
    return f'[number."{name}"]' if kind == "number" else f"[{kind}.{name}]"


def check_recorded(config: Config, *, known: Know) -> None:
    """Complain about what ``[recording]`` names and is not there."""
    country, named = config.office.country, config.recording
    ours = {normalise(number, country=country) for _, number in written_numbers(config)}
    for index, number in enumerate(named.numbers):
        known(("recording", "numbers", index), normalise(number, country=country), ours, "number")
    for key, names, among, kind in (
        ("trunks", named.trunks, config.trunks, "trunk"),
        ("people", named.people, config.people, "person"),
    ):
        for index, name in enumerate(names):
            known(("recording", key, index), name, among, kind)


def _spec(config: Config, path: KeyPath, table: tables.Number, known: Know) -> NumberSpec:
    for key in ("scheme", "in_hours", "off_hours", "holiday"):
        if name := getattr(table, key):
            known((*path, key.replace("_", "-")), name, config.schemes, "scheme")
    if table.schedule:
        known((*path, "schedule"), table.schedule, config.hours, "hours table")
    return NumberSpec(
        number="",
        in_hours=table.scheme or table.in_hours or "",
        off_hours=table.off_hours,
        holiday=table.holiday,
        schedule=table.schedule,
        source=table.source,
        label=table.label or table.source or "",
        sticky_seconds=table.sticky_seconds if table.sticky else None,
    )
