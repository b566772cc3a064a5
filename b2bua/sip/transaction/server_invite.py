"""INVITE server transaction (RFC 3261 §17.2.1 as corrected by RFC 6026 §7.1)."""

from __future__ import annotations

from b2bua.errors import WrongState
from b2bua.sip.message import Request, Response, response_to
from b2bua.sip.timers import Timers
from b2bua.sip.transaction.base import (
    NOTHING,
    Acknowledged,
    Output,
    State,
    TimedOut,
    Timer,
    Transaction,
    TransportFailed,
)
from b2bua.sip.transaction.key import merge_key, server_key

_ON_RESPONSE = {
    (State.PROCEEDING, 1): State.PROCEEDING,
    (State.PROCEEDING, 2): State.ACCEPTED,
    (State.PROCEEDING, 3): State.COMPLETED,
    (State.ACCEPTED, 2): State.ACCEPTED,
}
"""State and kind of response (1xx, 2xx, all others) to the next state."""


class ServerInviteTransaction(Transaction):
    """Answers 100 at once, repeats refusals until their ACK; repeating a 2xx is its user's work."""

    __slots__ = ("_last", "merge_key")
    first_state = State.PROCEEDING

    def __init__(self, request: Request, *, timers: Timers, is_reliable: bool) -> None:
        super().__init__(request, key=server_key(request), timers=timers, is_reliable=is_reliable)
        self.merge_key = merge_key(request)
        self._last: Response | None = None
        """To be repeated; of a 2xx that is the user's work."""

    def start(self, now: float) -> Output:  # noqa: ARG002 - same for all four
        """Return 100 Trying for the wire and the INVITE for the user."""
        self._last = trying = response_to(self.request, 100)
        return Output(send=(trying,), deliver=(self.request,))

    def _repeated(self) -> Output:
        return NOTHING if self._last is None else Output(send=(self._last,))

    def on_request(self, request: Request, now: float) -> Output:
        """Return what a repeated INVITE or an ACK calls for."""
        if request.method == "ACK":
            return self._on_ack(request, now)
        return self._repeated() if self.state in (State.PROCEEDING, State.COMPLETED) else NOTHING

    def respond(self, response: Response, now: float) -> Output:
        """Return the response for the wire; after the transaction ended there is no one to send it to.

        Raises:
            WrongState: it cannot follow what was already sent.
        """
        if self.is_done:
            return NOTHING
        try:
            state = _ON_RESPONSE[self.state, min(response.status // 100, 3)]
        except KeyError:
            raise WrongState(f"{response.status} in {self.state.name} of {self.request!r}") from None
        self._last = None if state is State.ACCEPTED else response
        if state is State.COMPLETED:
            self._complete(now)
        elif state is not self.state:
            self._linger(state, self._timers.timer_l, now)
        return Output(send=(response,))

    def on_transport_error(self, now: float) -> Output:  # noqa: ARG002 - same for all four
        """Return the failure; once accepted it goes on, for the user repeats the 2xx (RFC 6026 §8.7)."""
        if self.is_done:
            return NOTHING
        if self.state is State.ACCEPTED:
            return Output(deliver=(TransportFailed(),))
        return self._fail(TransportFailed())

    def _complete(self, now: float) -> None:
        self.state = State.COMPLETED
        self._arm_resend(self._timers.timer_g, now)
        self._arm(Timer.GIVE_UP, now + self._timers.timer_h)

    def _on_ack(self, request: Request, now: float) -> Output:
        if self.state is State.ACCEPTED:  # a peer that reuses the branch; a proper ACK is the dialog's
            return Output(deliver=(Acknowledged(request),))
        if self.state is State.COMPLETED:
            self._linger(State.CONFIRMED, 0 if self.is_reliable else self._timers.timer_i, now)
        return NOTHING

    def _on_timer(self, timer: Timer, now: float) -> Output:
        if timer is Timer.RESEND:
            self._arm_resend(min(2 * self._interval, self._timers.t2), now)
            return self._repeated()
        if timer is Timer.GIVE_UP:
            return self._fail(TimedOut())
        self._end()
        return NOTHING
