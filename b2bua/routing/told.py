"""What is told of one position of a call, and what is assumed for it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from b2bua.routing.destination import Destination, Outcome, Responsible, Webhook


@dataclass(frozen=True, slots=True)
class Served:
    """A server had something said to the caller, whose call is over after that."""

    words: str
    """What."""


Ask = Callable[[Webhook | Responsible], Destination | Served | str]
"""Asks a webhook or the CRM where the caller goes; a text says why that brought nothing."""
SecondsOf = Callable[[str], float]
"""How long a prompt is; 0: it is not known."""


@dataclass(frozen=True, slots=True)
class Told:
    """What happens at one position when nobody takes the call."""

    line: str
    """In words."""
    outcome: Outcome
    """How it ends."""
    seconds: float = 0.0
    """How long it takes."""
    more: tuple[str, ...] = ()
    """Details."""
    chosen: Destination | None = None
    """Where a server outside sends the caller."""


@dataclass(slots=True)
class Assumed:
    """What the world outside of the office does."""

    ask: Ask | None = None
    """Asks servers; None: as if they did not answer."""
    party: str | None = None
    """Who talked with the caller on that day; empty: nobody did; None: it is not known."""
    seconds_of: SecondsOf = lambda _: 0.0
    """How long a prompt is."""
    keys: deque[str] = field(default_factory=deque)
    """What the caller presses in the menus to come, one after the other; then nothing any more."""
