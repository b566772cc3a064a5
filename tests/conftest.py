"""What all tests share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import structlog

pytest_plugins = ["tests.conformance"]

HERE = Path(__file__).parent
REAL_TIME = (HERE / "interop", HERE / "media")
"""What works with real sockets, programs and clocks: one after another, beside those of virtual time."""
FULL_LENGTH = "test_row"
"""How files in ``interop`` are called that measure calls of minutes: they wait more than they work."""


@pytest.hookimpl(tryfirst=True)  # before the groups are looked at
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Keep the tests of real time in two processes where ``-n`` shares them out among several."""
    for item in items:
        if any(folder in item.path.parents for folder in REAL_TIME):
            is_long = item.path.parent.name == "interop" and item.path.name.startswith(FULL_LENGTH)
            item.add_marker(pytest.mark.xdist_group("full length" if is_long else "real time"))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the logs, which are the whole process's."""
    root = logging.getLogger()
    handlers, level, settings = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**settings)
