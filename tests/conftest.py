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
"""What waits for real sockets, programs and clocks: one after another, beside the stories on virtual time."""


@pytest.hookimpl(tryfirst=True)  # before the groups are looked at
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Keep the tests of real time in one process where ``-n`` shares them out among several."""
    for item in items:
        if any(folder in item.path.parents for folder in REAL_TIME):
            item.add_marker(pytest.mark.xdist_group("real-time"))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the logs, which are the whole process's."""
    root = logging.getLogger()
    handlers, level, settings = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**settings)
