"""Non-INVITE client transaction (RFC 3261 §17.1.2)."""

from __future__ import annotations

from b2bua.sip.message import Request, Response
from b2bua.sip.timers import Timers
from b2bua.sip.transaction.base import NOTHING, Output, State, TimedOut, Timer, Transaction, TransportFailed
from b2bua.sip.transaction.key import client_key


class ClientTransaction(Transaction):
    """REGISTER, BYE, OPTIONS...: repeats the request until a final response, reports exactly one end."""

    __slots__ = ()
    first_state = State.TRYING

    def __init__(self, request: Request, *, timers: Timers, is_reliable: bool) -> None:
        super().__init__(request, key=client_key(request), timers=timers, is_reliable=is_reliable)

    def start(self, now: float) -> Output:
        """Return the request to send; timers E and F start."""
        self._arm_resend(self._timers.timer_e, now)
        self._arm(Timer.GIVE_UP, now + self._timers.timer_f)
        return Output(send=(self.request,))

    def on_response(self, response: Response, now: float) -> Output:
        """Return the response for the user, unless it only repeats a final one."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return NOTHING
        if response.status < 200:
            self.state = State.PROCEEDING
        else:
            self._linger(State.COMPLETED, 0 if self.is_reliable else self._timers.timer_k, now)
        return Output(deliver=(response,))

    def on_transport_error(self, now: float) -> Output:  # noqa: ARG002 - same for all four
        """Return the failure, unless the final response is already in."""
        if self.state in (State.TRYING, State.PROCEEDING):
            return self._fail(TransportFailed())
        return NOTHING

    def _on_timer(self, timer: Timer, now: float) -> Output:
        if timer is Timer.RESEND:
            is_proceeding = self.state is State.PROCEEDING
            self._arm_resend(
                self._timers.t2 if is_proceeding else min(2 * self._interval, self._timers.t2), now
            )
            return Output(send=(self.request,))
        if timer is Timer.GIVE_UP:
            return self._fail(TimedOut())
        self._end()
        return NOTHING
