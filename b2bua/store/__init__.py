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
from b2bua.store.messages import Message, Waiting
from b2bua.store.outbox import NewMail, Outbox, QueuedMail
from b2bua.store.promises import Promise, PromiseStatus
from b2bua.store.recording import recorded_seconds
from b2bua.store.recordings import KeptRecording
from b2bua.store.store import Store
from b2bua.store.story import story

__all__ = [
    "CallEvent",
    "CallOutcome",
    "CallStory",
    "EventKind",
    "KeptRecording",
    "Message",
    "NewCall",
    "NewMail",
    "Outbox",
    "PartialMessage",
    "Promise",
    "PromiseStatus",
    "QueuedMail",
    "Store",
    "UnfinishedCall",
    "UnusableDatabaseError",
    "Waiting",
    "recorded_seconds",
    "story",
]
