"""Statements that are made ready once say the same as SQLAlchemy would."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import sqlite

from b2bua.store import statements
from b2bua.store.prepared import Prepared
from b2bua.store.statements import Statement

DIALECT = sqlite.dialect()
ALL = {name: each for name, each in vars(statements).items() if isinstance(each, Statement)}


@pytest.mark.parametrize("statement", ALL.values(), ids=ALL)
def test_a_statement_keeps_what_it_says_itself_and_takes_the_rest_of_its_row(statement: Statement) -> None:
    whole = statement.sql.compile(dialect=DIALECT)  # type: ignore[attr-defined]
    row = {name: None for name, bind in whole.binds.items() if bind.required}
    compiled = statement.sql.compile(dialect=DIALECT, column_keys=list(row))  # type: ignore[attr-defined]
    prepared = Prepared(statement.sql, list(row), DIALECT)
    said = compiled.construct_params(row)
    assert prepared.sql == str(compiled)
    assert prepared.parameters(row) == tuple(said[name] for name in compiled.positiontup)
