"""Non-INVITE server transaction (RFC 3261 §17.2.2)."""

from __future__ import annotations

from b2bua.errors import WrongState
from b2bua.sip.message import Request, Response
from b2bua.sip.timers import Timers
from b2bua.sip.transaction.base import NOTHING, Output, State, Timer, Transaction, TransportFailed
from b2bua.sip.transaction.key import merge_key, server_key


class ServerTransaction(Transaction):
    """Delivers the request once, however often it comes, and repeats the answer as often."""

    __slots__ = ("_last", "merge_key")
    first_state = State.TRYING

    def __init__(self, request: Request, *, timers: Timers, is_reliable: bool) -> None:
        super().__init__(request, key=server_key(request), timers=timers, is_reliable=is_reliable)
        self.merge_key = merge_key(request)
        self._last: Response | None = None

    def start(self, now: float) -> Output:  # noqa: ARG002 - same for all four
        """Return the request for the user."""
        return Output(deliver=(self.request,))

    def on_request(self, request: Request, now: float) -> Output:  # noqa: ARG002 - same for all four
        """Return the last response again for a repeated request; nothing while there is none."""
        return NOTHING if self._last is None else Output(send=(self._last,))

    def respond(self, response: Response, now: float) -> Output:
        """Return the response for the wire; after the transaction ended there is no one to send it to.

        Raises:
            WrongState: a final response was already given.
        """
        if self.is_done:
            return NOTHING
        if self.state is State.COMPLETED:
            raise WrongState(f"{response.status} after the final response to {self.request!r}")
        self._last = response
        if response.status < 200:
            self.state = State.PROCEEDING
        else:
            self._linger(State.COMPLETED, 0 if self.is_reliable else self._timers.timer_j, now)
        return Output(send=(response,))

    def on_transport_error(self, now: float) -> Output:  # noqa: ARG002 - same for all four
        """Return the failure (§17.2.4)."""
        return NOTHING if self.is_done else self._fail(TransportFailed())

    def _on_timer(self, timer: Timer, now: float) -> Output:  # noqa: ARG002 - same for all four
        self._end()
        return NOTHING
