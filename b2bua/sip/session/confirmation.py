"""A 2xx of ours that waits for its ACK (RFC 3261 §13.3.1.4)."""

from __future__ import annotations

from collections.abc import Callable

from b2bua.sip.core import Core
from b2bua.sip.message import Response
from b2bua.sip.server_request import ServerRequest


class Confirmation:
    """Repeats a 2xx after T1, doubling up to T2, until it is acknowledged or 64*T1 have passed.

    On reliable transports too: a proxy on the way may use UDP beyond.
    """

    def __init__(
        self, core: Core, server: ServerRequest, response: Response, *, on_silence: Callable[[], None]
    ) -> None:
        """``on_silence`` is called once when no ACK came."""
        self.has_offer = False
        self._core = core
        self._server = server
        self._response = response
        self._on_silence = on_silence
        self._interval = core.timers.t1
        self._give_up_at = core.now() + 64 * core.timers.t1
        self._alarm = core.alarms.set(core.now() + self._interval, self._repeat)

    def _repeat(self) -> None:
        now = self._core.now()
        if now >= self._give_up_at - 1e-6:
            self._on_silence()
            return
        self._server.send_again(self._response)
        self._interval = min(2 * self._interval, self._core.timers.t2)
        self._alarm = self._core.alarms.set(min(now + self._interval, self._give_up_at), self._repeat)

    def stop(self) -> None:
        """Stop repeating: the ACK came, or the dialog is over."""
        self._alarm.cancel()
        self._server.request.pack()
