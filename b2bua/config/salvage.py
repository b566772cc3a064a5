"""What is left of a configuration without the values that are wrong: its names are looked at all the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from b2bua.config.compile import compile_plan
from b2bua.config.models import Config
from b2bua.config.origin import Fault, KeyPath
from b2bua.config.plain_errors import faults_of

MOST_ROUNDS = 5
"""What is taken out may be missing elsewhere; after that it is given up."""
DID_YOU_MEAN = "; "
"""What follows is a proposal."""


class Salvage:
    """Takes out of tables what is wrong, the least that does."""

    def __init__(self, tables: Mapping[str, Any], faults: Iterable[Fault], context: object) -> None:
        self.tables: dict[Any, Any] = deepcopy(dict(tables))
        """As written, without what was taken out."""
        self._context = context
        self._gone: set[str] = set()
        self.config = self._readable(tuple(faults))
        """What is left; None: nothing that can be read."""

    def names_of_nothing(self) -> tuple[Fault, ...]:
        """Return a fault for each name that refers to nothing, and not to what was taken out."""
        if self.config is None:
            return ()
        _, faults = compile_plan(self.config)
        return tuple(fault for fault in faults if not self._concerns_what_is_gone(fault))

    def _concerns_what_is_gone(self, fault: Fault) -> bool:
        said = fault.message.partition(DID_YOU_MEAN)[0]
        if "person" in self._gone and "no person" in said:
            return True
        return any(repr(gone) in said or f"[{gone}]" in said for gone in self._gone)

    def _readable(self, faults: tuple[Fault, ...]) -> Config | None:
        for _ in range(MOST_ROUNDS):
            for fault in faults:
                self._take_out(fault.path)
            try:
                return Config.model_validate(self.tables, by_alias=True, by_name=False, context=self._context)
            except ValidationError as error:
                faults = faults_of(error)
        return None

    def _take_out(self, path: KeyPath) -> None:
        """Take out a key or, where that is not there or no key, the table of that name around it."""
        table, key = self._within(path[:-1]), path[-1]
        if len(path) > 2 and isinstance(table, dict) and key in table:
            self._forget(table.pop(key))
            if path[0] == "person":
                self._gone.add("person")  # who has an extension as well, which others name
            return
        kind = self._within(path[:1]) if len(path) > 1 else None
        owner, name = (kind, path[1]) if isinstance(kind, dict) else (self.tables, path[0])
        if name in owner:
            self._gone.add(str(name))
            self._forget(owner.pop(name))

    def _within(self, path: KeyPath) -> Any:
        """Return what is there, None when nothing is."""
        found: Any = self.tables
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def _forget(self, value: object) -> None:
        self._gone.update(_texts(value))


def _texts(value: object) -> Iterator[str]:
    """Yield every text in what was taken out: others may name it by them, as by an extension."""
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
