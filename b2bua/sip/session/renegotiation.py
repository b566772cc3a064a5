"""Our own re-INVITE or UPDATE: glare, challenge, refusal and silence (RFC 3261 §14.1, RFC 3311 §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.errors import LegEnded, NotAcceptable
from b2bua.sip.alarms import Alarm
from b2bua.sip.body import session_description
from b2bua.sip.capabilities import ALLOWED, SUPPORTED
from b2bua.sip.core import Core, Sent
from b2bua.sip.dialog import Dialog
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, Response
from b2bua.sip.session.asking import DialogRequest
from b2bua.sip.session.events import retry_after
from b2bua.sip.session.timer import SessionTimer

MOST_GLARES = 6
"""Both ends would have to be unlucky this often in a row."""
MOST_PATIENCE_S = 32
"""A peer that is busy with an offer (500) may not ask us to wait longer."""


class Renegotiation:
    """One offer of ours within a dialog, retried after a glare, until its answer.

    An UPDATE without an offer only refreshes: its answer is empty.
    """

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        offer: bytes,
        *,
        method: str = "INVITE",
        timer: SessionTimer | None = None,
        credentials: Credentials | None = None,
        is_call_id_ours: bool,
        acks: dict[int, Sent],
        on_dialog_gone: Callable[[str, int], None],
    ) -> None:
        """``acks`` takes the ACK by CSeq for repetition; ``on_dialog_gone`` takes why and the status.

        ``timer`` is the session's; None in an early dialog, which has none.
        """
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.refusal: int | None = None
        """Status of the final response that refused it."""
        self.is_outstanding = False
        """Whether an offer of ours has no final response: the peer's offers meet 491 meanwhile."""
        self.has_started = False
        """False while an unacknowledged 2xx of ours holds it back."""
        self.offer = offer
        self._core = core
        self._dialog = dialog
        self._method = method
        self._timer = timer
        self._is_call_id_ours = is_call_id_ours
        self._acks = acks
        self._on_dialog_gone = on_dialog_gone
        self._retries = 0
        self._has_provisional = False
        self._alarm: Alarm | None = None
        self._asking = DialogRequest(core, dialog, credentials=credentials, on_response=self._take)

    @property
    def _is_invite(self) -> bool:
        return self._method == "INVITE"

    def start(self) -> None:
        """Send the request; a peer that only rings is given up after 64*T1."""
        if self.answer.done():
            return
        self.has_started = True
        self.is_outstanding = self._is_invite or bool(self.offer)
        self._has_provisional = False
        if self._is_invite:
            self._arm(64 * self._core.timers.t1, self._give_up)
        lines = self._timer.request_headers() if self._timer is not None else ()
        lines = (("Allow", ALLOWED), ("Supported", SUPPORTED), *lines)
        self._asking.send(self._method, body=self.offer, headers=lines)

    def stop(self, why: str) -> None:
        """End the wait: the dialog is over, and the INVITE may never get its final response."""
        self._disarm()
        if self.is_outstanding and self._is_invite:
            self._abandon_later()
        if not self.answer.done():
            self.answer.set_exception(LegEnded(why))
            self.answer.exception()  # nobody need be waiting

    def _arm(self, seconds: float, action: Callable[[], None]) -> None:
        self._disarm()
        self._alarm = self._core.alarms.set(self._core.now() + seconds, action)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _give_up(self) -> None:
        """Cancel what rings for ever; what does not even ring has timed out by itself."""
        self._alarm = None
        sent = self._asking.sent
        assert sent is not None
        if self._has_provisional:
            self._core.cancel_request(sent, None)
            self._abandon_later()
        self.is_outstanding = False
        self._refuse("no answer to the re-INVITE")

    def _abandon_later(self) -> None:
        sent = self._asking.sent
        if sent is not None:
            due = self._core.now() + 64 * self._core.timers.t1
            self._core.alarms.set(due, lambda: self._core.abandon_request(sent))

    def _take(self, request: Request, response: Response) -> None:
        status = response.status
        if status < 200:
            self._has_provisional = True
            return
        self._disarm()
        if status < 300:
            self._confirm(request, response)
            return
        self.is_outstanding = False
        if self.answer.done():
            return
        again = self._retry_delay(response)
        if again is not None:
            self._retries += 1
            self._arm(again, self.start)
        elif status in (408, 481):
            self._on_dialog_gone(f"{status} {response.reason}", status)
        else:
            self.refusal = status
            self._refuse(f"{status} {response.reason}")

    def _retry_delay(self, response: Response) -> float | None:
        """Return after how many seconds to try again, None when that is no use."""
        if self._retries >= MOST_GLARES:
            return None
        if response.status == 491:
            return self._glare_delay()
        if response.status == 422 and self._timer is not None and self._timer.raise_interval(response):
            return 0.0
        wait = retry_after(response) if response.status == 500 and not response.is_local else None
        return None if wait is None else min(wait, MOST_PATIENCE_S)

    def _confirm(self, request: Request, response: Response) -> None:
        number = request.cseq.number
        if number in self._acks:
            self._core.send_again(self._acks[number])
            return
        self.is_outstanding = False
        self._dialog.refresh_target(response)
        if self._is_invite:
            ack = self._core.send_ack(
                self._dialog.ack(number, invite=request), self._core.hop_of(self._dialog)
            )
            self._acks.clear()  # an older 2xx is not repeated any more
            self._acks[number] = ack
        if self.answer.done():
            return
        if self._timer is not None:
            self._timer.agreed(response)
        self.answer.set_result(session_description(response))

    def _refuse(self, why: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(NotAcceptable(why))
            self.answer.exception()

    def _glare_delay(self) -> float:
        """Return 2.1-4 s for the owner of the Call-ID, 0-2 s for the other, in steps of 10 ms."""
        if self._is_call_id_ours:
            return self._core.random.randrange(210, 401) / 100
        return self._core.random.randrange(0, 201) / 100
