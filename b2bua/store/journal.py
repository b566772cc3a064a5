"""The journal of calls: begun before the first 18x goes out, ended exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from b2bua.errors import WrongState
from b2bua.store import statements
from b2bua.store.calls import CallEvent, CallOutcome, CallStory, NewCall
from b2bua.store.history import History
from b2bua.store.keys import Keys
from b2bua.store.statements import Change
from b2bua.store.writer import Writer

log = structlog.get_logger(__name__)

_ENDED_KEPT = 1000
"""How many ended calls may still get late notes."""


@dataclass(frozen=True, slots=True)
class JournaledCall:
    """A call that was begun by this process."""

    key: int
    """Its row."""
    call: NewCall
    """How it came."""


class Journal:
    """What happens in calls: written here, read back by :meth:`calls`."""

    def __init__(self, writer: Writer, history: History, keys: Keys) -> None:
        self._writer = writer
        self._history = history
        self._keys = keys
        self._open: dict[str, JournaledCall] = {}
        self._ended: dict[str, JournaledCall] = {}

    async def begin(self, call: NewCall) -> bool:
        """Journal that ``call`` came; True once that is on disk, False when the disk does not take it now.

        Raises:
            WrongState: a call of this id is up.
        """
        if call.call_id in self._open:
            raise WrongState(f"call {call.call_id} is begun already")
        journaled = self._open[call.call_id] = JournaledCall(self._keys.next(), call)
        return await self._writer.write([Change(statements.BEGIN_CALL, _call_row(journaled))])

    def note(self, call_id: str, event: CallEvent) -> None:
        """Queue ``event`` of a call; it is on disk within a fraction of a second.

        A note may come a little after the end (a leg that is torn down); a note of an unknown call is only logged.
        """
        journaled = self._open.get(call_id) or self._ended.get(call_id)
        if journaled is None:
            log.warning("a note of a call that was never begun", call_id=call_id, what=str(event))
            return
        self._writer.put([self._event_change(journaled, event)])

    async def end(self, call_id: str, outcome: CallOutcome, *, at: datetime, why: str = "") -> bool:
        """Journal the one outcome of the call; True once that is on disk (see :meth:`begin`).

        PROMISE opens a promise to call back, in the same transaction. TALKED keeps the promises that were
        open to the same person.

        Raises:
            WrongState: the call has ended already, or never began.
        """
        return await self._writer.write(self.ending(call_id, outcome, at=at, why=why))

    def ending(
        self, call_id: str, outcome: CallOutcome, *, at: datetime, why: str = ""
    ) -> tuple[Change, ...]:
        """Take the call off the open ones and return what has to be written for its end.

        Raises:
            WrongState: the call has ended already, or never began.
        """
        journaled = self._open.pop(call_id, None)
        if journaled is None:
            raise WrongState(f"call {call_id} has ended already or never began")
        self._remember_ended(journaled)
        return tuple(ending_changes(journaled, self._keys.next(), outcome, at=at, why=why))

    async def calls(self, limit: int = 50, since: datetime | None = None) -> list[CallStory]:
        """Return the latest ``limit`` calls that came at or after ``since``, newest first, as they are on disk."""
        return await self._history.calls(limit=limit, since=since)

    async def call(self, call_id: str) -> CallStory | None:
        """Return the latest call of this id, as it is on disk."""
        return await self._history.call(call_id)

    def is_open(self, call_id: str) -> bool:
        """Whether the call was begun here and has no outcome yet."""
        return call_id in self._open

    def opened(self, call_id: str) -> JournaledCall:
        """Return the call, which has no outcome yet.

        Raises:
            WrongState: the call has ended already, or never began.
        """
        try:
            return self._open[call_id]
        except KeyError:
            raise WrongState(f"call {call_id} has ended already or never began") from None

    def open_keys(self) -> frozenset[int]:
        """The rows of the calls that this process has up."""
        return frozenset(journaled.key for journaled in self._open.values())

    def _remember_ended(self, journaled: JournaledCall) -> None:
        self._ended[journaled.call.call_id] = journaled
        if len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    def _event_change(self, journaled: JournaledCall, event: CallEvent) -> Change:
        return Change(statements.NOTE_EVENT, event_row(self._keys.next(), journaled.key, event))


def ending_changes(
    journaled: JournaledCall, key: int, outcome: CallOutcome, *, at: datetime, why: str
) -> Iterable[Change]:
    """What has to be written for the end of a call; ``key`` is that of the promise, if it makes one."""
    row = {"_id": journaled.key, "_at": at, "_outcome": outcome.value, "_why": why}
    yield Change(statements.END_CALL, row)
    if outcome is CallOutcome.PROMISE:
        yield Change(statements.GIVE_PROMISE, _promise_row(journaled, key, why))
    elif outcome is CallOutcome.TALKED and journaled.call.other_party:
        kept = {"_caller": journaled.call.other_party, "_at": at, "_why": "talked"}
        yield Change(statements.KEEP_PROMISES_TO, kept)


def event_row(key: int, call: int, event: CallEvent) -> dict[str, Any]:
    """The row of an event."""
    return {
        "id": key,
        "call": call,
        "at": event.at,
        "kind": event.kind.value,
        "who": event.who,
        "detail": event.detail,
        "seconds": event.seconds,
    }


def _call_row(journaled: JournaledCall) -> dict[str, Any]:
    call = journaled.call
    return {
        "id": journaled.key,
        "call_id": call.call_id,
        "caller": call.caller,
        "caller_name": call.caller_name,
        "dialled": call.dialled,
        "trunk": call.trunk,
        "direction": call.direction,
        "began_at": call.at,
    }


def _promise_row(journaled: JournaledCall, key: int, why: str) -> dict[str, Any]:
    call = journaled.call
    return {
        "id": key,
        "call": journaled.key,
        "caller": call.other_party,
        "caller_name": call.caller_name,
        "dialled": call.dialled,
        "since": call.at,
        "why": why,
        "status": "open",
    }
