"""What the office remembers: calls, promises to call back, messages, mail to be sent."""

from __future__ import annotations

from b2bua.store.calls import (
    CallEvent,
    CallOutcome,
    CallStory,
    EventKind,
    NewCall,
    PartialMessage,
    UnfinishedCall,
)
from b2bua.store.database import UnusableDatabaseError
from b2bua.store.store import Store

__all__ = [
    "CallEvent",
    "CallOutcome",
    "CallStory",
    "EventKind",
    "NewCall",
    "PartialMessage",
    "Store",
    "UnfinishedCall",
    "UnusableDatabaseError",
]
