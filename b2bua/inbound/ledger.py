"""The story of one call, told to the journal and, in the same words, to the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import structlog

from b2bua.call.caller import CallerLeg
from b2bua.call.leg import Leg
from b2bua.inbound.quality import quality_of
from b2bua.log import LIVE_CALLS
from b2bua.store.calls import CallEvent, CallOutcome, CallStory, EventKind, NewCall
from b2bua.store.journal import Journal
from b2bua.store.story import event_in_words, story

live = structlog.get_logger(LIVE_CALLS)
is_live = logging.getLogger(LIVE_CALLS).isEnabledFor
log = structlog.get_logger("call")


class JournalLedger:
    """A ``Ledger`` that writes to the journal without waiting for it."""

    __slots__ = ("_call", "_clock", "_events", "_journal")

    def __init__(self, journal: Journal, call: NewCall, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._call = call
        self._clock = clock
        self._events: list[CallEvent] = []

    def note(
        self, kind: str, who: str = "", detail: str = "", seconds: float | None = None, *, party: str = ""
    ) -> None:
        """Add one event."""
        self.tell(kind, who, detail, seconds, party=party)
        self._journal.note(self._call.call_id, self._events[-1])

    def tell(
        self, kind: str, who: str = "", detail: str = "", seconds: float | None = None, *, party: str = ""
    ) -> None:
        """Add one event that is journaled elsewhere."""
        event = CallEvent(self._clock(), EventKind(kind), who, detail, seconds, party)
        self._events.append(event)
        if is_live(logging.INFO):  # most offices read the story at its end: no words before that
            live.info(event_in_words(event), call_id=self._call.call_id)

    def measure(self, leg: Leg) -> None:
        """Keep how the sound of a closed leg was, if it carried any."""
        if leg.is_answered:
            # Who picked up this call has called in, too, and who came by a transfer may have.
            is_caller = isinstance(leg, CallerLeg) and leg.number == self._call.caller
            quality = quality_of(leg, self._clock(), is_caller=is_caller)
            self._journal.measure(self._call.call_id, quality)

    def tell_story(self, outcome: CallOutcome, why: str) -> None:
        """Log the whole call in one line, in the journal's words."""
        whole = CallStory(self._call, tuple(self._events), self._clock(), outcome, why)
        log.info(
            f"the call is over: {story(whole) or outcome.value}",
            caller=self._call.caller or "withheld",
            dialled=self._call.dialled,
            outcome=outcome.value,
            call_id=self._call.call_id,
        )
