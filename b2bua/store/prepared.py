"""Statements made ready once: text for the driver, and what turns a row into its parameters.

SQLAlchemy looks up and binds each statement anew whenever it is executed, which takes several times as long
as SQLite needs to carry it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

from b2bua.store.tables import UtcDateTime, sqlite_text


class Prepared:
    """One statement in the words of one database, for rows that have values of certain names."""

    def __init__(self, statement: Executable, names: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        self._is_positional = compiled.positiontup is not None
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        names = compiled.positiontup or list(compiled.binds)
        self._columns = [(name, _binding(compiled, name, dialect)) for name in names]

    def parameters(self, row: Mapping[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        """Return the values of a row as the driver takes them.

        Raises:
            Exception: one of them cannot stand in its column.
        """
        values = {**self._constants, **row} if self._constants else row
        bound = [values[name] if bind is None else bind(values[name]) for name, bind in self._columns]
        if self._is_positional:
            return tuple(bound)
        return {name: value for (name, _), value in zip(self._columns, bound, strict=True)}


def _binding(compiled: SQLCompiler, name: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what turns a value of the column that ``name`` is for into one of the driver, if anything."""
    kind = compiled.binds[name].type
    if isinstance(kind, UtcDateTime) and dialect.name == "sqlite":
        return sqlite_text
    binding: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return binding
