"""SUBSCRIBE and NOTIFY, the notifier's side: who watches what, and is told of it (RFC 6665)."""

from __future__ import annotations

from b2bua.sip.subscription.event import Event, EventPackage, Watched
from b2bua.sip.subscription.notifier import Notifier

__all__ = ["Event", "EventPackage", "Notifier", "Watched"]
