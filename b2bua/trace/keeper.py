"""Writes the SIP of every call into the data folder, a while after its end and off the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from b2bua.sip.trace import Trace, TracedMessage
from b2bua.trace.record import FOLDER, MOST_FILES, SUFFIX, drop_oldest, write_record

log = structlog.get_logger("trace")

SETTLE_S = 3.0
"""So long after the end of a call its last messages may come: the 200 to a BYE, repeated ones."""
PRUNE_EVERY = 50


class TraceKeeper:
    """Follows calls and keeps the SIP of the latest ones."""

    def __init__(self, trace: Trace, data: Path, *, keep: int = MOST_FILES) -> None:
        self._trace = trace
        self._folder = data / FOLDER
        self._keep = keep
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._writing: set[asyncio.Future[None]] = set()
        self._until_prune = 0

    @contextmanager
    def following(self, call: str, call_id: str) -> Iterator[None]:
        """Keep what happens in this block as the SIP of ``call``; ``call_id`` is the caller's Call-ID."""
        try:
            with self._trace.following(call, call_id):
                yield
        finally:
            loop = asyncio.get_running_loop()
            self._settling[call] = loop.call_later(SETTLE_S, self._write, call)

    def _write(self, call: str) -> None:
        self._settling.pop(call).cancel()
        messages = self._trace.take(call)
        if not messages:
            return
        is_pruning = self._until_prune == 0
        self._until_prune = PRUNE_EVERY if is_pruning else self._until_prune - 1
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(None, self._to_disk, call, messages, is_pruning)
        self._writing.add(job)
        job.add_done_callback(self._written)

    def _to_disk(self, call: str, messages: tuple[TracedMessage, ...], is_pruning: bool) -> None:
        write_record(self._folder / (call + SUFFIX), messages)
        if is_pruning:
            drop_oldest(self._folder, keep=self._keep)

    def _written(self, job: asyncio.Future[None]) -> None:
        self._writing.discard(job)
        error = job.exception()
        if error is not None:
            log.warning("the SIP of a call could not be kept", why=str(error))

    async def close(self) -> None:
        """Write what waits, at once."""
        for call in tuple(self._settling):
            self._write(call)
        if self._writing:
            await asyncio.wait(self._writing)
