"""How a simulated office is played from a seed, and what must be so whatever happens in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from structlog.testing import capture_logs

from tests.harness.clock import run_virtually
from tests.simulator.sip_calls import timers_left
from tests.simulator.town import prepare


def play_seed(
    story: Callable[[int], Coroutine[Any, Any, None]], seed: int, *, excused: tuple[str, ...] = ()
) -> None:
    """Play ``story`` of ``seed``: nothing may fail unheard, be left behind, or be an error but one excused.

    Raises:
        BaseException: an invariant does not hold; a note names the seed.
    """
    prepare()
    try:
        with capture_logs() as lines, _errors_of_logging() as errors:
            run_virtually(_to_the_end(story(seed)), limit_s=5000, in_order=True)
        errors += [str(line["event"]) for line in lines if line["log_level"] in ("error", "critical")]
        assert not [error for error in errors if not error.startswith(excused)], errors
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise


async def _to_the_end(story: Coroutine[Any, Any, None]) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    await story
    await asyncio.sleep(1.0)  # of sound that was on its way
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert timers_left() == [], timers_left()
    assert not faults, faults


@contextlib.contextmanager
def _errors_of_logging() -> Iterator[list[str]]:
    """Collect what the standard library's logs say of errors: the media's."""
    errors: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(record.getMessage())

    collector = Collector(logging.ERROR)
    logging.getLogger().addHandler(collector)
    try:
        yield errors
    finally:
        logging.getLogger().removeHandler(collector)
