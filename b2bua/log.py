"""Logs for two readers: plain lines for people at a terminal, JSON for collectors."""

from __future__ import annotations

import logging
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TextIO, cast

from b2bua.lean import structlog
from b2bua.logbook import Logbook

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

_LEVELS = {name.lower(): level for name, level in logging.getLevelNamesMapping().items()}
LIVE_CALLS = "call.live"
"""Logger of what happens in a call while it happens; the whole story comes in one line at its end."""


def set_up(
    *,
    level: str = "INFO",
    as_json: bool = False,
    is_live: bool = False,
    stream: TextIO | Logbook | None = None,
) -> None:
    """Send structlog's and the standard library's records to ``stream`` (stderr) in one form.

    ``is_live`` tells of each step of a call as it happens, not only the story at its end.
    """
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True) if as_json else _stamp,
    ]
    rendering = _rendering(as_json=as_json, has_colours=target.isatty())
    is_plain = not as_json and not target.isatty()
    structlog.configure(
        processors=[_filter, *shared, *([PlainLines(*rendering)] if is_plain else rendering)],
        logger_factory=lru_cache(maxsize=None)(lambda *name: _Lines(target, *name)),  # one for each module
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendering,
            ],
        )
    )
    _find_out_only_what_is_shown()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger(LIVE_CALLS).setLevel(logging.INFO if is_live else logging.WARNING)
    for chatty in ("aiosqlite", "sqlalchemy", "alembic", "asyncio", "httpcore", "httpx", "watchfiles"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Lines(structlog.WriteLogger):
    """Writes our own lines, which are ready, without a record of the standard library for each."""

    def __init__(self, target: TextIO | Logbook, name: str = "") -> None:
        super().__init__(cast(TextIO, target))
        self.is_wanted = logging.getLogger(name).isEnabledFor
        """Whether lines of a level are."""


_QUOTED = frozenset(" \t=\r\n\"'")
"""What must not stand in a value without quotes."""
_SELDOM = frozenset(("stack", "exception", "exc_info", "logger", "logger_name"))


class PlainLines:
    """Writes the same as structlog's renderer does without colours, in a fraction of its time."""

    def __init__(self, renderer: Processor) -> None:
        """``renderer`` is that one; it gets what has a traceback."""
        self._renderer = renderer

    def __call__(self, logger: Any, method: str, event: EventDict) -> Any:
        """Return the line."""
        if not _SELDOM.isdisjoint(event):
            return self._renderer(logger, method, event)
        head = f"{event.pop('timestamp')} [{event.pop('level'):<9}] {event.pop('event')!s:<40}"
        return " ".join([head, *[f"{key}={_shown(event[key])}" for key in sorted(event)]]).rstrip(" ")


def _shown(value: object) -> str:
    return value if isinstance(value, str) and _QUOTED.isdisjoint(value) else repr(value)


def _filter(logger: Any, method: str, event: EventDict) -> EventDict:
    """Drop what is below the level of its logger."""
    if not logger.is_wanted(_LEVELS[method]):
        raise structlog.DropEvent
    return event


def _stamp(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add the time of day."""
    event["timestamp"] = _time_of_day(int(time.time()))
    return event


@lru_cache(1)
def _time_of_day(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def _find_out_only_what_is_shown() -> None:
    """Spare each line the search for where in the code it comes from ("Optimization" in logging's manual)."""
    logging._srcfile = None  # noqa: SLF001 - the manual's own way
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _rendering(*, as_json: bool, has_colours: bool) -> list[Processor]:
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # The default draws the locals of every frame: passwords among them, and it holds up the loop meanwhile.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=has_colours, pad_event_to=40, exception_formatter=plain)]
