"""From values to the rows that are written for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from b2bua.store import statements
from b2bua.store.calls import CallEvent, CallOutcome, EventKind, NewCall
from b2bua.store.quality import LegQuality
from b2bua.store.statements import Change

CALLED_AGAIN, CALLED_BACK = "they called again", "called back"
"""Why a promise was kept."""


@dataclass(frozen=True, slots=True)
class JournaledCall:
    """A call that stands in the journal."""

    key: int
    """Its row."""
    call: NewCall
    """How it came."""
    legs: list[LegQuality] = field(default_factory=list)
    """How the sound of those was whose part is over; written when the call ends."""
    events: list[CallEvent] = field(default_factory=list)
    """What has happened in it so far."""


def beginning(journaled: JournaledCall) -> Change:
    """What is written when a call comes."""
    call = journaled.call
    row = {
        "id": journaled.key,
        "call_id": call.call_id,
        "caller": call.caller,
        "caller_name": call.caller_name,
        "dialled": call.dialled,
        "trunk": call.trunk,
        "direction": call.direction,
        "began_at": call.at,
        "source": call.source,
    }
    return Change(statements.BEGIN_CALL, row)


def for_crm(journaled: JournaledCall) -> Change:
    """What is written when a call comes of which the CRM is to be told at its end."""
    row = {"call": journaled.key, "next_try_at": journaled.call.at}
    return Change(statements.BEGIN_CRM_RECORD, row)


def noting(key: int, call: int, event: CallEvent) -> Change:
    """What is written for an event, whose row gets ``key``, of the call in row ``call``."""
    row = {
        "id": key,
        "call": call,
        "at": event.at,
        "kind": event.kind.value,
        "who": event.who,
        "detail": event.detail,
        "seconds": event.seconds,
        "party": event.party,
    }
    return Change(statements.NOTE_EVENT, row)


def measuring(key: int, call: int, leg: LegQuality) -> Change:
    """What is written of one party's sound, in a row that gets ``key``."""
    row = {"id": key, "call": call, **{name: getattr(leg, name) for name in _MEASURED}}
    return Change(statements.MEASURE_LEG, row)


def ending(
    journaled: JournaledCall,
    key: int,
    outcome: CallOutcome,
    *,
    at: datetime,
    why: str,
    call_at: datetime | None = None,
) -> Iterator[Change]:
    """What is written when a call ends; ``key`` is for the promise, if it ends in one.

    The office itself calls back at ``call_at`` then; None: people do.
    """
    row = {"_id": journaled.key, "_at": at, "_outcome": outcome.value, "_why": why}
    yield Change(statements.END_CALL, row)
    other, is_theirs = journaled.call.other_party, journaled.call.direction == "in"
    if outcome is CallOutcome.PROMISE:
        yield Change(statements.GIVE_PROMISE, _promise_row(journaled, key, why) | {"call_at": call_at})
    elif outcome is CallOutcome.TALKED and other:
        kept = {
            "_caller": other,
            "_at": _talk_began(journaled.events) or at,
            "_until": at,
            "_why": CALLED_AGAIN if is_theirs else CALLED_BACK,
            "_call": journaled.key,  # a promise made in this very call is kept by a later one
        }
        yield Change(statements.KEEP_PROMISES_TO, kept)
    is_called_anew = outcome is CallOutcome.PROMISE and call_at is not None
    if is_theirs and other and (is_called_anew or outcome is CallOutcome.MESSAGE):
        # whoever calls again is called back for the last time they called, and not for those before
        yield Change(statements.CALL_NO_MORE, {"_caller": other, "_since": journaled.call.at})


def _talk_began(events: Iterable[CallEvent]) -> datetime | None:
    """Return when the first talk of a call began; None where none was noted."""
    talks = (event for event in events if event.kind is EventKind.TALKED)
    return next((event.at - timedelta(seconds=event.seconds or 0.0) for event in talks), None)


def promising(key: int, journaled: JournaledCall, owner: str, *, at: datetime) -> Change:
    """What is written when one of our people, ``owner``, promises to call back whom a call was with."""
    row = _promise_row(journaled, key, "promised in the talk") | {"since": at, "owner": owner}
    return Change(statements.GIVE_PROMISE, row)


def _promise_row(journaled: JournaledCall, key: int, why: str) -> dict[str, Any]:
    call = journaled.call
    return {
        "id": key,
        "call": journaled.key,
        "caller": call.other_party,
        "caller_name": "" if call.direction == "out" else call.caller_name,
        "dialled": call.dialled,
        "since": call.at,
        "why": why,
        "status": "open",
        "owner": "",
        "call_at": None,
    }


_MEASURED = tuple(each.name for each in fields(LegQuality))
