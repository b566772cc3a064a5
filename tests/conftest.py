"""What all tests share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

import media  # noqa: F401 - before a test imports numpy, which it keeps to one thread

pytest_plugins = ["tests.conformance"]

# As the product writes it: with all local variables beside it, a traceback takes structlog half a minute.
PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])

REAL_TIME = ("tests/interop/", "tests/media/")
"""What works with real sockets, programs and clocks: one after another in each of these folders."""
FULL_LENGTH = "tests/interop/test_row"
"""How files are called that measure calls of minutes: they wait more than they work, and at the same time."""


def group_of(nodeid: str) -> str:
    """Return what a test shares with those that one process plays, where ``-n`` shares them out."""
    if nodeid.startswith(FULL_LENGTH):
        return "full length"
    return next((folder for folder in REAL_TIME if nodeid.startswith(folder)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of real time in three processes: many at the same instant would disturb each other."""
    from xdist.scheduler import LoadScopeScheduling

    class ByTime(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByTime(config, log)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the logs, which are the whole process's."""
    root = logging.getLogger()
    handlers, level, settings = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**settings)
