"""Group commit: whatever queued up while the disk was busy goes into one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError

from b2bua.errors import WrongState
from b2bua.store.committing import Committer
from b2bua.store.damage import is_damage
from b2bua.store.faults import in_words
from b2bua.store.statements import BEGIN_CALL, Change

log = structlog.get_logger(__name__)

INTERVAL_S = 0.1
"""Commits begin no closer together: alone a write goes at once, in a rush many share one fsync.

And the calls that it lets go on are worked on in a row, which takes a sixth less of the processor at 50
calls/s than half of it does. Nobody hears it: a caller waits for one commit, before ringing begins.
"""
IDLE_LINGER_S = 0.2
"""How long changes wait that nobody waits for."""
PATIENCE_S = 2.0
"""How long a write holds up its caller when the disk does not take it; then the call goes on."""
EARLY_S = 0.001
"""So much too early the timers of some loops are."""
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 5.0

Beginnings = Callable[[Container[int]], Iterable[Change]]
_REFUSALS = (IntegrityError, DataError, ProgrammingError, NotSupportedError)
"""Errors that are the change's own fault; with all others the database itself is unwell, for a time."""


@dataclass(slots=True, eq=False)
class _Work:
    """Changes that are written together or not at all."""

    changes: Sequence[Change]
    """What to write."""
    is_written: asyncio.Future[bool] | None
    """True after the commit, an error when the database refuses the changes; False: they are not waited for
    any more. None: nobody waits."""
    patient_until: float = 0.0
    """When they are waited for no more, by the loop's clock."""

    def wait_no_more(self) -> None:
        if self.is_written is not None and not self.is_written.done():
            self.is_written.set_result(False)

    def done(self, refusal: Exception | None = None) -> None:
        if self.is_written is not None and not self.is_written.done():
            if refusal is None:
                self.is_written.set_result(True)
            else:
                self.is_written.set_exception(refusal)
        elif refusal is not None:
            log.error("the database refuses to keep this", what=str(self.changes), why=in_words(refusal))


class Writer:
    """The only one who writes to the database. What it was given is written, however long that takes."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` is a blocking one: it is used in a thread of the writer's own."""
        self._committer = Committer(engine)
        self.beginnings: Beginnings = lambda _: ()
        """Returns what a new database has to know of what goes on: of calls that are up, or in these rows."""
        self._queue: list[_Work] = []
        self._batch: list[_Work] = []
        """What is being written."""
        self._has_work = asyncio.Event()
        self._is_awaited = asyncio.Event()
        self._is_closing = False
        self._is_stuck = False
        self._began_at = float("-inf")
        self._patience: asyncio.TimerHandle | None = None
        """One for all who wait: to set and to cancel a timer costs as much as a statement."""
        self._task = asyncio.create_task(self._run(), name="store writer")

    def put(self, changes: Iterable[Change]) -> None:
        """Queue ``changes``; they are on disk soon."""
        self._enqueue(_Work(tuple(changes), None))

    async def write(self, changes: Iterable[Change]) -> bool:
        """Queue ``changes`` and return once they are on disk.

        False: the disk does not take them for now (full, locked); they stay queued, and the call goes on.

        Raises:
            Exception: the database, or its driver, refuses them; the driver's own error.
        """
        loop = asyncio.get_running_loop()
        is_written: asyncio.Future[bool] = loop.create_future()
        work = _Work(tuple(changes), is_written, loop.time() + PATIENCE_S)
        self._enqueue(work)
        self._is_awaited.set()
        if self._is_stuck:
            loop.call_soon(work.wait_no_more)
        elif self._patience is None:
            self._patience = loop.call_at(work.patient_until, self._lose_patience)
        return await is_written

    def _lose_patience(self) -> None:
        """Let those go on who wait for too long, and look again when the next one does."""
        loop = asyncio.get_running_loop()
        now, self._patience = loop.time() + EARLY_S, None
        awaited = [work for work in (*self._batch, *self._queue) if work.is_written is not None]
        for work in awaited:
            if work.patient_until <= now:
                work.wait_no_more()
        due = min((work.patient_until for work in awaited if work.patient_until > now), default=None)
        if due is not None:
            self._patience = loop.call_at(due, self._lose_patience)

    async def close(self) -> None:
        """Write what is queued, if the disk takes it within a few seconds, and stop."""
        self._is_closing = True
        self._has_work.set()
        self._is_awaited.set()
        await asyncio.wait((self._task,), timeout=PATIENCE_S * 2)
        if self._patience is not None:
            self._patience.cancel()
        if not self._task.done():
            self._tell_lost([*self._batch, *self._queue])
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._committer.close()

    @staticmethod
    def _tell_lost(works: list[_Work]) -> None:
        """Name the callers of whom nothing is on disk: the log is the last place that can."""
        log.error("the last changes could not be written to the database", lost=len(works))
        for row in (one.row for work in works for one in work.changes if one.statement is BEGIN_CALL):
            log.error("a caller is in the log alone", caller=row["caller"], dialled=row["dialled"])

    def _enqueue(self, work: _Work) -> None:
        if self._is_closing:
            raise WrongState("the store is closed")
        self._queue.append(work)
        self._has_work.set()

    async def _run(self) -> None:
        while self._queue or not self._is_closing:
            await self._has_work.wait()
            await self._linger()
            self._batch, self._queue = self._queue, []
            self._has_work.clear()
            self._is_awaited.clear()
            await self._write_batch(self._batch)
            self._batch = []

    async def _linger(self) -> None:
        """Let a batch gather: until somebody waits for it, and the last one is ``INTERVAL_S`` old."""
        if not self._is_awaited.is_set():
            try:
                async with asyncio.timeout(IDLE_LINGER_S):
                    await self._is_awaited.wait()
            except TimeoutError:
                return
        clock = asyncio.get_running_loop().time
        if (wait_s := self._began_at + INTERVAL_S - clock()) > 0 and not self._is_closing:
            await asyncio.sleep(wait_s)
        self._began_at = clock()

    async def _write_batch(self, batch: list[_Work]) -> None:
        try:
            await self._commit_in_time(batch)
        except Exception:  # noqa: BLE001 - one poisoned row, of whatever kind, must not stop the journal
            # One of them is at fault; the others must not suffer.
            await self._committer.reconnect_next_time()
            for work in batch:
                await self._write_alone(work)
        else:
            for work in batch:
                work.done()

    async def _write_alone(self, work: _Work) -> None:
        try:
            await self._commit_in_time([work])
        except Exception as refusal:  # noqa: BLE001 - as above; whoever waits for the work gets it
            work.done(refusal)
        else:
            work.done()

    async def _commit_in_time(self, batch: list[_Work]) -> None:
        """Commit ``batch``, again and again while the disk is full or somebody locks the database."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                await self._commit(batch)
            except (DBAPIError, OSError) as error:
                if isinstance(error, _REFUSALS):
                    raise
                if await self._has_begun_anew(error, batch):
                    continue
                await self._committer.reconnect_next_time()
                self._say_stuck(error, waiting=len(batch) + len(self._queue))
            else:
                self._say_unstuck()
                return
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, LONGEST_RETRY_S)

    async def _has_begun_anew(self, error: Exception, batch: list[_Work]) -> bool:
        """Return whether the database was damaged, and there is a new one that knows of what is under way."""
        if not is_damage(error):
            return False
        try:
            await self._committer.begin_anew()
            await self._committer.commit(self._known_so_far(batch))
        except (DBAPIError, OSError):
            log.exception("no new database can be begun")
            return False
        return True

    def _known_so_far(self, batch: list[_Work]) -> list[Change]:
        """Return what has to be in a new database before ``batch`` and what waits can be written."""
        changes = [change for work in (*batch, *self._queue) for change in work.changes]
        begun = {change.row["id"] for change in changes if change.statement is BEGIN_CALL}
        touched = {value for change in changes for value in change.row.values() if isinstance(value, int)}
        return [change for change in self.beginnings(touched) if change.row["id"] not in begun]

    async def _commit(self, batch: list[_Work]) -> None:
        await self._committer.commit([change for work in batch for change in work.changes])

    def _say_stuck(self, error: Exception, *, waiting: int) -> None:
        if not self._is_stuck:
            self._is_stuck = True
            log.error(
                "cannot write to the database; calls go on, what happens is kept in memory until it can",
                why=in_words(error),
                waiting=waiting,
            )

    def _say_unstuck(self) -> None:
        if self._is_stuck:
            self._is_stuck = False
            log.info("the database can be written again; nothing was lost")
