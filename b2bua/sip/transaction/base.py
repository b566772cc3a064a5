"""What the four transactions share: their output, their timers, their end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum, auto
from operator import itemgetter
from typing import ClassVar

from b2bua.sip.message import Message, Request, Response
from b2bua.sip.timers import Timers
from b2bua.sip.transaction.key import Key


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody answered in time: timer B, F or H (§8.1.3.1, §17.2.1)."""


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """The message could not be sent (§17.1.4, §17.2.4)."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The ACK for a 2xx came within its transaction (RFC 6026 §7.1)."""

    request: Request
    """The ACK."""


Event = Request | Response | TimedOut | TransportFailed | Acknowledged


@dataclass(frozen=True, slots=True)
class Output:
    """What an input makes a transaction do."""

    send: tuple[Message, ...] = ()
    """For the wire, in order."""
    deliver: tuple[Event, ...] = ()
    """For the transaction user, in order."""

    def __add__(self, other: Output) -> Output:
        """Return both, this one first."""
        return Output(self.send + other.send, self.deliver + other.deliver)


NOTHING = Output()


class State(IntEnum):
    """The states of all four machines (§17, figures 5 to 8; ACCEPTED by RFC 6026)."""

    TRYING = auto()
    CALLING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Timer(StrEnum):
    """What a timer is for; the letter depends on the machine."""

    RESEND = "A, E or G"
    GIVE_UP = "B, F or H"
    LINGER = "D, I, J, K, L or M"


LINGERS_TO_S = 0.5
"""Transactions that only absorb repetitions end together, at multiples of this: each end alone is a wake."""

_time = itemgetter(1)


def _ignore(*_: object) -> None:
    pass


class Transaction:
    """One request and its responses at one hop; takes the time as an argument, returns what to send."""

    __slots__ = (
        "_due", "_interval", "_timers", "is_done", "is_reliable", "key", "next_timer", "on_armed", "on_done",
        "request", "state",
    )  # fmt: skip
    first_state: ClassVar[State]

    def __init__(self, request: Request, *, key: Key, timers: Timers, is_reliable: bool) -> None:
        self.request = request
        self.key = key
        self.is_reliable = is_reliable
        self.state = self.first_state
        self.is_done = False
        """Whether it has ended: nothing more will be sent or delivered."""
        self.on_armed: Callable[[Transaction, float], None] = _ignore
        self.on_done: Callable[[Transaction], None] = _ignore
        self.next_timer: float | None = None
        """When ``fire`` is to be called, on the clock of ``now``; None for never."""
        self._timers = timers
        self._due: tuple[tuple[Timer, float], ...] = ()
        """Timers that are set, and when they fire; two at most, and for most of the time one."""
        self._interval = 0.0

    def fire(self, now: float) -> Output:
        """Return what the timers that are due by ``now`` do."""
        output = NOTHING
        while self._due:
            timer, at = first = min(self._due, key=_time)
            if at > now:
                break
            self._due = tuple([each for each in self._due if each is not first])
            output += self._on_timer(timer, now)
        self.next_timer = min(map(_time, self._due), default=None)
        if self.next_timer is not None:
            self.on_armed(self, self.next_timer)
        return output

    def start(self, now: float) -> Output:
        """Return what the first request makes it do."""
        raise NotImplementedError

    def on_transport_error(self, now: float) -> Output:
        """Return what follows when a message of this transaction could not be sent."""
        raise NotImplementedError

    def _on_timer(self, timer: Timer, now: float) -> Output:
        raise NotImplementedError

    def _arm(self, timer: Timer, at: float) -> None:
        """Have ``timer`` fire at that time; only the first one of all is told of."""
        others = [each for each in self._due if each[0] is not timer] if self._due else ()
        self._due = (*others, (timer, at))
        if self.next_timer is None or at < self.next_timer:
            self.next_timer = at
            self.on_armed(self, at)

    def _disarm(self) -> None:
        """Have nothing fire any more."""
        self._due = ()
        self.next_timer = None

    def _arm_resend(self, interval: float, now: float) -> None:
        """Resend after the interval, unless the transport does it (§17.1.1.2)."""
        if not self.is_reliable:
            self._interval = interval
            self._arm(Timer.RESEND, now + interval)

    def _linger(self, state: State, seconds: float, now: float) -> None:
        """Stay in a last state to absorb what the network repeats, for that long or a little longer.

        0 s ends it at once.
        """
        self.state = state
        self._disarm()
        if seconds:
            self._arm(Timer.LINGER, math.ceil((now + seconds) / LINGERS_TO_S) * LINGERS_TO_S)
        else:
            self._end()

    def _end(self) -> None:
        self._disarm()
        self.state = State.TERMINATED
        self.is_done = True
        self.on_done(self)

    def _fail(self, event: Event) -> Output:
        self._end()
        return Output(deliver=(event,))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name} {self.request!r}>"
