"""Provisional responses of ours that the caller acknowledges by PRACK (RFC 3262 §3)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from b2bua.errors import MalformedMessage
from b2bua.sip.alarms import Alarm
from b2bua.sip.core import Core
from b2bua.sip.grammar import parse_number
from b2bua.sip.message import Message, Request, Response
from b2bua.sip.server_request import ServerRequest

MOST_WAITING = 8
"""More provisional responses than that are not kept for a caller who acknowledges none."""
LARGEST_FIRST_RSEQ = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Rack:
    """One RAck value: which response to which request is acknowledged (§7.2)."""

    rseq: int
    """RSeq of the response."""
    sequence: int
    """CSeq number of the request it answers."""
    method: str
    """Its method."""

    @classmethod
    def parse(cls, text: str) -> Rack:
        """Return the value.

        Raises:
            MalformedMessage: not two numbers and a method.
        """
        parts = text.split()
        if len(parts) != 3:
            raise MalformedMessage(f"bad RAck {text[:40]!r}")
        rseq, sequence = (parse_number(part, what="RAck") for part in parts[:2])
        return cls(rseq, sequence, parts[2])

    def __str__(self) -> str:
        """Return the header value."""
        return f"{self.rseq} {self.sequence} {self.method}"


def rseq_of(response: Response) -> int | None:
    """Return the RSeq of a provisional response that has to be acknowledged, None for any other (§4)."""
    if response.status == 100 or "100rel" not in response.option_tags("Require"):
        return None
    try:
        return parse_number((response.headers.get("RSeq") or "").strip(), what="RSeq")
    except MalformedMessage:
        return None


def can_acknowledge(message: Message) -> bool:
    """Return whether the sender knows PRACK."""
    return "100rel" in message.option_tags("Supported") | message.option_tags("Require")


class ReliableProgress:
    """Sends one provisional response after the other, each when the one before is acknowledged."""

    def __init__(self, core: Core, server: ServerRequest, *, on_silence: Callable[[], None]) -> None:
        """``on_silence`` is called when one was repeated for 64*T1 in vain."""
        self._core = core
        self._server = server
        self._on_silence = on_silence
        self._rseq = core.random.randrange(1, LARGEST_FIRST_RSEQ)
        self._pending: Response | None = None
        self._waiting: deque[tuple[int, tuple[tuple[str, str], ...], bytes]] = deque(maxlen=MOST_WAITING)
        self._interval = 0.0
        self._give_up_at = 0.0
        self._alarm: Alarm | None = None
        self._then: Callable[[], None] | None = None

    @property
    def has_unconfirmed_description(self) -> bool:
        """Whether an SDP of ours is not acknowledged: no 2xx may go out before (§3)."""
        return self._pending is not None and bool(self._pending.body)

    def send(self, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        """Send a provisional response, at once or after those that are not acknowledged."""
        if self._pending is not None:
            self._waiting.append((status, headers, body))
            return
        self._rseq += 1
        lines = (("Require", "100rel"), ("RSeq", str(self._rseq)), *headers)
        self._pending = self._server.respond(status, None, lines, body)
        self._interval = self._core.timers.t1
        self._give_up_at = self._core.now() + 64 * self._core.timers.t1
        self._arm(self._core.now() + self._interval)

    def _arm(self, when: float) -> None:
        self._alarm = self._core.alarms.set(when, self._repeat)

    def _repeat(self) -> None:
        assert self._pending is not None
        now = self._core.now()
        if now >= self._give_up_at - 1e-6:
            self._on_silence()
            return
        self._server.send_again(self._pending)
        self._interval *= 2
        self._arm(min(now + self._interval, self._give_up_at))

    def matches(self, prack: Request) -> bool:
        """Return whether ``prack`` acknowledges what is repeated now; any other gets 481 (§3)."""
        try:
            rack = Rack.parse(prack.headers.get("RAck") or "")
        except MalformedMessage:
            return False
        invite = self._server.request.cseq
        return self._pending is not None and rack == Rack(self._rseq, invite.number, invite.method)

    def confirm(self) -> None:
        """Stop repeating, and send what waited."""
        self._stop_repeating()
        self._pending = None
        if self._then is not None:
            then, self._then = self._then, None
            then()
        elif self._waiting:
            self.send(*self._waiting.popleft())

    def finish(self) -> None:
        """Send nothing more but the final response; what is not acknowledged may still be (§3)."""
        self._stop_repeating()
        self._waiting.clear()
        self._then = None

    def when_confirmed(self, then: Callable[[], None]) -> None:
        """Call ``then`` in place of sending what waits, once the response under way is acknowledged."""
        self._waiting.clear()
        self._then = then

    def _stop_repeating(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
