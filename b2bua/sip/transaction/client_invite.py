"""INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2) and the requests that share its hop."""

from __future__ import annotations

from b2bua.sip.grammar import split_list
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.timers import Timers
from b2bua.sip.transaction.base import NOTHING, Output, State, TimedOut, Timer, Transaction, TransportFailed
from b2bua.sip.transaction.key import client_key

_OPEN = (State.CALLING, State.PROCEEDING)


class ClientInviteTransaction(Transaction):
    """Repeats the INVITE until anything comes back; ACKs refusals, leaves the ACK of a 2xx to its user."""

    __slots__ = ("_ack",)
    first_state = State.CALLING

    def __init__(self, request: Request, *, timers: Timers, is_reliable: bool) -> None:
        super().__init__(request, key=client_key(request), timers=timers, is_reliable=is_reliable)
        self._ack: Request | None = None

    def start(self, now: float) -> Output:
        """Return the INVITE to send; timers A and B start."""
        self._arm_resend(self._timers.timer_a, now)
        self._arm(Timer.GIVE_UP, now + self._timers.timer_b)
        return Output(send=(self.request,))

    def on_response(self, response: Response, now: float) -> Output:
        """Return the ACK a refusal needs, and the response for the user unless it only repeats a refusal.

        Every 2xx is delivered for 64*T1 after the first, repeated and forked ones too (RFC 6026 §8.4).
        """
        if response.status < 200:
            return self._on_provisional(response)
        if response.status < 300:
            return self._on_success(response, now)
        return self._on_refusal(response, now)

    def on_transport_error(self, now: float) -> Output:  # noqa: ARG002 - same for all four
        """Return the failure while the end is open; the ACK that failed is repeated when the refusal is."""
        return self._fail(TransportFailed()) if self.state in _OPEN else NOTHING

    def _on_provisional(self, response: Response) -> Output:
        if self.state not in _OPEN:
            return NOTHING
        self.state = State.PROCEEDING
        self._disarm()  # from here on it may ring for as long as the user lets it
        return Output(deliver=(response,))

    def _on_success(self, response: Response, now: float) -> Output:
        if self.state in _OPEN:
            self._linger(State.ACCEPTED, self._timers.timer_m, now)
        return Output(deliver=(response,)) if self.state is State.ACCEPTED else NOTHING

    def _on_refusal(self, response: Response, now: float) -> Output:
        if self.state is State.COMPLETED and self._ack is not None:
            return Output(send=(self._ack,))
        if self.state not in _OPEN:
            return NOTHING
        self._ack = _ack_for(self.request, response)
        self._linger(State.COMPLETED, 0 if self.is_reliable else self._timers.timer_d, now)
        return Output(send=(self._ack,), deliver=(response,))

    def _on_timer(self, timer: Timer, now: float) -> Output:
        if timer is Timer.RESEND:
            self._arm_resend(2 * self._interval, now)
            return Output(send=(self.request,))
        if timer is Timer.GIVE_UP:
            return self._fail(TimedOut())
        self._end()
        return NOTHING


def _ack_for(invite: Request, response: Response) -> Request:
    """Return the ACK of a refusal: the INVITE's own hop, the response's To (§17.1.1.3, §22.1)."""
    ack = _same_hop(invite, "ACK")
    ack.headers.put("To", response.headers.get("To") or str(invite.to))
    ack.copy_credentials(invite)
    return ack


def cancel_for(invite: Request, *, reason: str | None = None) -> Request:
    """Return the CANCEL of an INVITE we sent (§9.1), with a Reason (RFC 3326) when given."""
    cancel = _same_hop(invite, "CANCEL")
    if reason is not None:
        cancel.headers.add("Reason", reason)
    return cancel


def _same_hop(invite: Request, method: str) -> Request:
    headers = Headers([("Via", split_list(invite.headers.get("Via") or "")[0]), ("Max-Forwards", "70")])
    for name in ("Route", "From", "To", "Call-ID"):
        for value in invite.headers.all(name):
            headers.add(name, value)
    headers.add("CSeq", f"{invite.cseq.number} {method}")
    return Request(method, invite.uri, headers)
