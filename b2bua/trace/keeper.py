"""Writes the SIP of every call into the data folder, a while after its end and off the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import structlog

from b2bua.errors import in_words
from b2bua.sip.trace import Following, Trace
from b2bua.trace.record import FOLDER, MOST_CALLS, Kept, drop_oldest, write_records

log = structlog.get_logger("trace")

SETTLE_S = 3.0
"""So long after the end of a call its last messages may come: the 200 to a BYE, repeated ones."""
EARLY_S = 0.005
"""Timers of some loops fire up to a millisecond early."""
GATHER_S = 1.0
"""Files are written no more often, one for all calls that are due at once: a thread and a file cost more."""
PRUNE_EVERY = 500
"""Calls; looking through a full folder takes as much time as ten of them."""


class TraceKeeper:
    """Follows calls and keeps the SIP of the latest ones."""

    def __init__(self, trace: Trace, data: Path, *, keep: int = MOST_CALLS) -> None:
        self._trace = trace
        self._folder = data / FOLDER
        self._keep = keep
        self._settling: deque[tuple[float, str]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Future[None]] = set()
        self._until_prune = 0

    def following(self, call: str, call_id: str) -> Following:
        """Return a block whose SIP is kept as that of ``call``; ``call_id`` is the caller's Call-ID."""
        return self._trace.following(call, call_id, at_end=self._over)

    def _over(self, call: str) -> None:
        self._settling.append((asyncio.get_running_loop().time() + SETTLE_S, call))
        self._arm(SETTLE_S)

    def also(self, call: str, call_id: str) -> None:
        """Keep the SIP of that Call-ID with ``call`` too."""
        self._trace.also(call, call_id)

    def _arm(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._write_due)

    def _write_due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        due = []
        while self._settling and self._settling[0][0] <= now + EARLY_S:
            due.append(self._settling.popleft()[1])
        self._write(due)
        if self._settling:
            self._arm(max(GATHER_S, self._settling[0][0] - now))

    def _write(self, calls: Sequence[str]) -> None:
        kept = [(call, messages) for call in calls if (messages := self._trace.take(call))]
        if not kept:
            return
        self._until_prune -= len(kept)
        is_pruning = self._until_prune < 0
        if is_pruning:
            self._until_prune = PRUNE_EVERY
        job = asyncio.get_running_loop().run_in_executor(None, self._to_disk, kept, is_pruning)
        self._writing.add(job)
        job.add_done_callback(self._written)

    def _to_disk(self, kept: Sequence[Kept], is_pruning: bool) -> None:
        write_records(self._folder, kept)
        if is_pruning:
            drop_oldest(self._folder, keep=self._keep)

    def _written(self, job: asyncio.Future[None]) -> None:
        self._writing.discard(job)
        error = job.exception()
        if error is not None:
            log.warning("the SIP of a call could not be kept", why=in_words(error))

    async def close(self) -> None:
        """Write what waits, at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._write([call for _, call in self._settling])
        self._settling.clear()
        if self._writing:
            await asyncio.wait(self._writing)
