"""The story of one call, told to the journal and, in the same words, to the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from b2bua.store.calls import CallEvent, EventKind
from b2bua.store.journal import Journal
from b2bua.store.story import event_in_words

log = structlog.get_logger("call")


class JournalLedger:
    """A ``Ledger`` that writes to the journal without waiting for it."""

    def __init__(self, journal: Journal, call_id: str, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._call_id = call_id
        self._clock = clock
        self._log = log.bind(call_id=call_id)

    def note(self, kind: str, who: str = "", detail: str = "", seconds: float | None = None) -> None:
        """Add one event."""
        event = CallEvent(self._clock(), EventKind(kind), who, detail, seconds)
        self._journal.note(self._call_id, event)
        self._log.info(event_in_words(event))
