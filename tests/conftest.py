"""What all tests share."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

import media  # noqa: F401 - before a test imports numpy, which it keeps to one thread

pytest_plugins = ["tests.conformance", "tests.harness.second_try"]

# As the product writes it: with all local variables beside it, a traceback takes structlog half a minute.
PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])

# On a machine that others use as well, an example that takes long is no fault.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

FULL_LENGTH = "tests/interop/test_row"
"""How files are called that measure calls of minutes: they wait more than they work, and at the same time."""
IN_ONE_PROCESS = {
    FULL_LENGTH: "full length",
    **dict.fromkeys(
        (f"tests/interop/test_{phones}" for phones in ("baresip", "linphone", "ipv6", "tls")), "phones"
    ),
    "tests/interop/": "SIPp",
    "tests/media/": "sound",
    "tests/test_wheel.py": "wheel",
}
"""What the files begin with whose tests one process plays one after another, where ``-n`` shares them out:
many of real time at the same instant would disturb each other. These take longest, so they begin first."""
BY_THE_CLOCK = (
    "tests/api/",
    "tests/config/test_watch.py",
    "tests/harness/test_",
    "tests/http/",
    "tests/interop/",
    "tests/media/",
    "tests/notify/test_worker.py",
    "tests/registrar/test_real_phones.py",
    "tests/sip/test_resolver.py",
    "tests/sip/test_transport_",
    "tests/sip/test_udp_",
)
"""What the files begin with whose tests see how long something takes on a machine that others use as well.
What is late once may be theirs; what is late twice is ours. Why the first try failed is told at the end."""
MAKES_WAY = 10
"""How nice a process is that waits for nobody."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests by the clock have a second try."""
    for item in items:
        if item.nodeid.startswith(BY_THE_CLOCK):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a process that tells stories of virtual time make way for those of real time beside it."""
    if "PYTEST_XDIST_WORKER" in os.environ and not item.nodeid.startswith(BY_THE_CLOCK):
        os.setpriority(os.PRIO_PROCESS, 0, MAKES_WAY)


def group_of(nodeid: str) -> str:
    """Return what a test shares with those that one process plays, where ``-n`` shares them out."""
    return next((group for start, group in IN_ONE_PROCESS.items() if nodeid.startswith(start)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of real time in few processes; those of virtual time go wherever one is free."""
    from xdist.scheduler import LoadScopeScheduling

    class ByTime(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByTime(config, log)


class Failures(logging.Handler):
    """What asyncio logs of callbacks that failed, and of tasks that did and nobody waited for."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@pytest.fixture(autouse=True)
def nothing_fails_unheard() -> Iterator[None]:
    """Let a test fail in which something did that nobody waits for."""
    failures, told_by = Failures(), logging.getLogger("asyncio")
    told_by.addHandler(failures)
    yield
    told_by.removeHandler(failures)
    assert not failures.told, "\n".join(failures.told)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the logs, which are the whole process's."""
    root = logging.getLogger()
    handlers, level, settings = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**settings)
