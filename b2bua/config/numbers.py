"""The numbers of an office, single ones and groups that share everything, read for the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from b2bua.config import tables
from b2bua.config.origin import KeyPath, dotted
from b2bua.routing.number_ranges import NumberRange
from b2bua.routing.numbers import normalise
from b2bua.routing.plan import NumberSpec

if TYPE_CHECKING:
    from b2bua.config.models import Config

Complain = Callable[[KeyPath, str], None]
"""Takes what is wrong with a key."""
Know = Callable[[KeyPath, str, Iterable[str], str], bool]
"""Returns whether a name is one of those of that kind; complains otherwise."""


def written_numbers(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield every number as it is written, with the key where it stands; of a range its first number."""
    for path, written in _written(config):
        within = _range(written, config)
        yield path, within.first if within is not None else written


def _written(config: Config) -> Iterator[tuple[KeyPath, str]]:
    for written in config.numbers:
        yield ("number", written), written
    for name, group in config.number_groups.items():
        for index, written in enumerate(group.numbers):
            yield ("number-group", name, "numbers", index), written


def _range(written: str, config: Config) -> NumberRange | None:
    try:
        return NumberRange.parse(written, country=config.office.country)
    except ValueError:
        return None  # which is told when the plan is made


def compile_numbers(
    config: Config, *, known: Know, fault: Complain
) -> tuple[dict[str, NumberSpec], dict[NumberRange, NumberSpec]]:
    """Return what is configured for each number, by its normalised form, and for each range of numbers."""
    alone = {name: _spec(config, ("number", name), table, known) for name, table in config.numbers.items()}
    shared = {
        name: _spec(config, ("number-group", name), group, known)
        for name, group in config.number_groups.items()
    }
    reader = _Reader(config, fault)
    for path, written in _written(config):
        table: Mapping[str, NumberSpec] = alone if path[0] == "number" else shared
        reader.add(path, written, table[str(path[1])])
    return reader.numbers, reader.ranges


class _Reader:
    """Reads numbers and ranges one after the other, and complains of those that are there already."""

    def __init__(self, config: Config, fault: Complain) -> None:
        self._config = config
        self._fault = fault
        self._places: dict[str, KeyPath] = {}
        self.numbers: dict[str, NumberSpec] = {}
        self.ranges: dict[NumberRange, NumberSpec] = {}

    def add(self, path: KeyPath, written: str, spec: NumberSpec) -> None:
        """Take what holds for a number, or for all of a range."""
        country = self._config.office.country
        try:
            within = NumberRange.parse(written, country=country)
        except ValueError as error:
            self._fault(path, str(error))
            return
        if within is not None:
            self._add_range(path, within, spec)
            return
        number = normalise(written, country=country)
        if number in self.numbers:
            self._fault(
                path, f"{number} is configured twice; it is in {_table(self._places[number])} already"
            )
        self._places.setdefault(number, path)
        self.numbers[number] = replace(spec, number=number)

    def _add_range(self, path: KeyPath, within: NumberRange, spec: NumberSpec) -> None:
        for other in self.ranges:
            if within.overlaps(other):
                self._fault(path, f"overlaps {other}, which is in {self._place(self._places[str(other)])}")
        self._places.setdefault(str(within), path)
        self.ranges[within] = replace(spec, number=str(within))

    def _place(self, path: KeyPath) -> str:
        """Return where a range stands, in words: ``[number-group.south], line 12``."""
        file, line = self._config.origin.locate(path)
        elsewhere = "" if file == self._config.origin.file else f" of {file}"
        return f"{_table(path)}, line {line}{elsewhere}"


def _table(path: KeyPath) -> str:
    kind, name = path[:2]
    return f'[number."{name}"]' if kind == "number" else f"[{kind}.{name}]"


def check_recorded(config: Config, *, known: Know) -> None:
    """Complain about what ``[recording]`` names and is not there."""
    country, named = config.office.country, config.recording
    ours = {normalise(number, country=country) for _, number in written_numbers(config)}
    ranges = [within for _, written in _written(config) if (within := _range(written, config))]
    for index, number in enumerate(named.numbers):
        recorded = normalise(number, country=country)
        if not any(within.holds(recorded) for within in ranges):
            known(("recording", "numbers", index), recorded, ours, "number")
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
    if table.return_call:
        known((*path, "return-call"), table.return_call, config.return_calls, "return-call table")
    return NumberSpec(
        number="",
        in_hours=table.scheme or table.in_hours or "",
        off_hours=table.off_hours,
        holiday=table.holiday,
        schedule=table.schedule,
        source=table.source,
        label=table.label or table.source or "",
        sticky_seconds=table.sticky_seconds if table.sticky else None,
        return_call=table.return_call,
        key=dotted(path),
    )
