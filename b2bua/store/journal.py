"""The journal of calls: begun before the first 18x goes out, ended exactly once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from b2bua.errors import WrongState
from b2bua.store import rows
from b2bua.store.calls import CallEvent, CallOutcome, CallStory, NewCall, UnfinishedCall
from b2bua.store.crowding import Span
from b2bua.store.history import History
from b2bua.store.keys import Keys
from b2bua.store.outbox import NewMail, Outbox
from b2bua.store.paths import Paths
from b2bua.store.quality import LegQuality
from b2bua.store.recording import recorded_seconds
from b2bua.store.recovery import INTERRUPTED, MailsFor, Recovery, SecondsOf
from b2bua.store.rows import JournaledCall
from b2bua.store.statements import Change
from b2bua.store.writer import Writer

log = structlog.get_logger(__name__)

NewsOf = Callable[[CallStory], Sequence[NewMail]]
"""What has to be told outside of a call that is over."""
CallBackAt = Callable[[NewCall, datetime, str], datetime | None]
"""Takes a call that ends in a promise, when, and why it ended."""
_ENDED_KEPT = 1000
"""How many ended calls may still get late notes."""


class Journal:
    """What happens in calls: written here, read back by :meth:`calls`."""

    def __init__(
        self, writer: Writer, engine: AsyncEngine, *, outbox: Outbox, keys: Keys, paths: Paths
    ) -> None:
        self._writer = writer
        self._engine = engine
        self._history = History(engine)
        self._outbox = outbox
        self._keys = keys
        self._paths = paths
        self.news_of: NewsOf = lambda _story: ()
        """Returns what has to be told outside of a call that ends: it goes into the outbox with the end."""
        self.call_back_at: CallBackAt = lambda _call, _at, _why: None
        """Returns when the office itself calls back whom a call that ends leaves unserved; None: never."""
        self._open: dict[str, JournaledCall] = {}
        self._ended: dict[str, JournaledCall] = {}
        writer.beginnings = self._beginnings

    def _beginnings(self, touched: Container[int]) -> Iterator[Change]:
        """Yield what began the calls that are up, and those that ended and are among ``touched``."""
        for journaled in (*self._open.values(), *self._ended.values()):
            if journaled.call.call_id in self._open or journaled.key in touched:
                yield rows.beginning(journaled)

    async def begin(self, call: NewCall, *, tells_crm: bool = False) -> bool:
        """Journal that ``call`` came; True once that is on disk, False when the disk does not take it now.

        With ``tells_crm`` the CRM is to be told of it once it is over.

        Raises:
            WrongState: a call of this id is up.
        """
        if call.call_id in self._open:
            raise WrongState(f"call {call.call_id} is begun already")
        journaled = self._open[call.call_id] = JournaledCall(self._keys.next(), call)
        told = [rows.for_crm(journaled)] if tells_crm else []
        return await self._writer.write([rows.beginning(journaled), *told])

    def note(self, call_id: str, event: CallEvent) -> None:
        """Queue ``event`` of a call; it is on disk within a fraction of a second.

        A note may come a little after the end (a leg that is torn down); one of an unknown call is
        only logged.
        """
        journaled = self._open.get(call_id) or self._ended.get(call_id)
        if journaled is None:
            log.warning("a note of a call that was never begun", call_id=call_id, what=str(event))
            return
        journaled.events.append(event)
        self._writer.put([rows.noting(self._keys.next(), journaled.key, event)])

    def measure(self, call_id: str, leg: LegQuality) -> None:
        """Keep how the sound of one party was: it is written together with the end of the call.

        A party that is heard to the very end of a call that was journaled before, as who leaves a message, is
        on disk a fraction of a second later.
        """
        if call_id in self._open:
            self._open[call_id].legs.append(leg)
        elif call_id in self._ended:
            self._writer.put([rows.measuring(self._keys.next(), self._ended[call_id].key, leg)])
        else:
            log.warning("the sound of a call that was never begun", call_id=call_id, what=str(leg))

    async def end(
        self,
        call_id: str,
        outcome: CallOutcome,
        *,
        at: datetime,
        why: str = "",
        mails: Sequence[NewMail] = (),
    ) -> bool:
        """Journal the one outcome of the call; True once that is on disk (see :meth:`begin`).

        In the same transaction PROMISE opens a promise to call back, TALKED keeps the promises that were
        open to the same person, and ``mails`` and the news of the call go into the outbox.

        Raises:
            WrongState: the call has ended already, or never began.
        """
        changes = [*self.ending(call_id, outcome, at=at, why=why), *self._outbox.posting(mails, at=at)]
        return await self._outbox.write(changes)

    def ending(
        self, call_id: str, outcome: CallOutcome, *, at: datetime, why: str = ""
    ) -> tuple[Change, ...]:
        """Take the call off the open ones and return what has to be written for its end, its news included.

        Write it by ``Outbox.write``.

        Raises:
            WrongState: the call has ended already, or never began.
        """
        journaled = self._open.pop(call_id, None)
        if journaled is None:
            raise WrongState(f"call {call_id} has ended already or never began")
        self._remember_ended(journaled)
        whole = CallStory(journaled.call, tuple(journaled.events), at, outcome, why)
        call_at = self.call_back_at(journaled.call, at, why) if outcome is CallOutcome.PROMISE else None
        return (
            *rows.ending(journaled, self._keys.next(), outcome, at=at, why=why, call_at=call_at),
            *self._outbox.posting(self.news_of(whole), at=at),
            *(rows.measuring(self._keys.next(), journaled.key, leg) for leg in journaled.legs),
        )

    async def calls(
        self, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> list[CallStory]:
        """Return the latest ``limit`` calls that came from ``since`` on, before ``until``, newest first."""
        return await self._history.calls(limit=limit, since=since, until=until)

    async def call(self, call_id: str) -> CallStory | None:
        """Return the latest call of this id, as it is on disk."""
        return await self._history.call(call_id)

    async def named(self, beginning: str) -> list[str]:
        """Return the ids of calls that begin so: none, the one, or two of more."""
        return await self._history.named(beginning, limit=2)

    async def spans(self, *, since: datetime, now: datetime) -> list[Span]:
        """Return how long each caller was on a trunk; see ``History.spans``."""
        return await self._history.spans(since=since, now=now)

    async def extensions_dialled(self) -> dict[tuple[str, str], int]:
        """Return how often each extension was dialled behind a number; see ``History.extensions_dialled``."""
        return await self._history.extensions_dialled()

    async def talked_with(self, number: str, since: datetime) -> str:
        """Return whom of ours ``number`` talked with last since then; see ``History.talked_with``."""
        return await self._history.talked_with(number, since)

    def is_open(self, call_id: str) -> bool:
        """Whether the call was begun here and has no outcome yet."""
        return call_id in self._open

    def known(self, call_id: str) -> JournaledCall:
        """Return the call, which may have ended a while ago.

        Raises:
            WrongState: it never began, or ended long ago.
        """
        found = self._open.get(call_id) or self._ended.get(call_id)
        if found is None:
            raise WrongState(f"call {call_id} never began, or ended long ago")
        return found

    def opened(self, call_id: str) -> JournaledCall:
        """Return the call, which has no outcome yet.

        Raises:
            WrongState: the call has ended already, or never began.
        """
        try:
            return self._open[call_id]
        except KeyError:
            raise WrongState(f"call {call_id} has ended already or never began") from None

    async def recover(
        self,
        at: datetime,
        *,
        mails_for: MailsFor = lambda _call: (),
        seconds_of: SecondsOf = recorded_seconds,
    ) -> list[UnfinishedCall]:
        """Make promises of the calls that a dead process left without an end; called at start.

        What a caller had said into a mailbox is kept. ``mails_for`` each call go into the outbox, in the
        transaction that ends it. Calls that this process has up are left alone.
        """
        recovery = Recovery(
            self._engine, self._outbox, self._keys, self._paths, mails_for, seconds_of, self.call_back_at
        )
        ours = {journaled.key for journaled in self._open.values()}
        recovered = []
        for key, new_call in await self._history.unfinished(besides=ours):
            journaled = JournaledCall(key, new_call, events=await self._history.events(key))
            call, changes = await recovery.close(journaled, at=at)
            told = CallStory(new_call, tuple(journaled.events), at, CallOutcome.PROMISE, INTERRUPTED)
            await self._writer.write([*changes, *self._outbox.posting(self.news_of(told), at=at)])
            recovered.append(call)
        if recovered:
            self._outbox.has_new.set()
        return recovered

    def _remember_ended(self, journaled: JournaledCall) -> None:
        self._ended[journaled.call.call_id] = journaled
        if len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
