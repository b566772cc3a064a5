"""An INVITE of ours, all its forks, until one answer or none (RFC 3261 §13.2, §9.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.errors import NotAcceptable
from b2bua.sip.alarms import Alarm
from b2bua.sip.authorization import Authorizer, next_request
from b2bua.sip.body import SDP, session_description
from b2bua.sip.causes import Reason, telephone_cause
from b2bua.sip.core import Core, Sent, SentRequest
from b2bua.sip.dialog import Dialog, DialogKey
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, Response, response_to
from b2bua.sip.resolver import literal_hop
from b2bua.sip.session.early import EarlyFork, OnOffer, refuse_offer
from b2bua.sip.session.established import Session
from b2bua.sip.session.events import Answered, InviteEvent, Progress, Refused, retry_after
from b2bua.sip.session.redirection import SILENCE_S, Redirection, contacts_of
from b2bua.sip.session_timers import least_interval, session_expires
from b2bua.sip.transport.hop import Hop

MOST_FORKS = 32
"""A peer that answers with more tags than any proxy forks to is not remembered further."""

MOST_INVITES = 20
"""For challenges, redirections and longer intervals (422) in all: who wants ever more is not followed."""


class OutgoingInvite:
    """Rings one destination. The first 2xx is the session; each further one is acknowledged and hung up."""

    __slots__ = (
        "_acks", "_alarm", "_authorization", "_cancel_reason", "_contact", "_core", "_credentials", "_early",
        "_events", "_final", "_finished", "_hop", "_is_cancel_sent", "_is_cancelled", "_is_redirected",
        "_key", "_may_cancel", "_redirection", "_requests", "_sent", "_session", "_silent", "_waiter",
        "call_id", "has_provisional", "on_offer", "on_surplus",
    )  # fmt: skip

    def __init__(
        self,
        core: Core,
        request: Request,
        hop: Hop,
        *,
        contact: str,
        credentials: Credentials | None,
        most_redirects: int = 0,
    ) -> None:
        """``most_redirects``: to how many other addresses 3xx responses may send it."""
        self.call_id = request.call_id
        self.has_provisional = False
        """Whether any 1xx came, 100 included: somebody is there."""
        self.on_offer: OnOffer = refuse_offer
        """Answers offers of the far end: by UPDATE before the answer, or where our INVITE had none."""
        self.on_surplus: Callable[[], None] = _ignore
        """Told of each 2xx that is hung up at once: another one was first, or it was too late."""
        self._core = core
        self._hop = hop
        self._contact = contact
        self._credentials = credentials
        self._authorization = Authorizer(credentials, core.new_token)
        self._redirection = Redirection(request.uri, most=most_redirects)
        self._key = (request.call_id, request.from_.tag or "")
        self._events: list[InviteEvent] = []
        self._waiter: asyncio.Future[None] | None = None
        self._final: Answered | Refused | None = None
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._early: dict[DialogKey, EarlyFork] = {}
        self._requests: dict[int, tuple[Request, Hop]] = {}
        """By CSeq, with where each went."""
        self._silent: dict[int, SentRequest | None] = {}
        """By CSeq: what was sent to targets of a 3xx that said nothing, until they wake up after all."""
        self._acks: dict[tuple[int, str], Sent] = {}
        self._session: Session | None = None
        self._is_redirected = False
        self._is_cancelled = False
        self._cancel_reason: str | None = None
        self._may_cancel = False
        self._is_cancel_sent = False
        self._alarm: Alarm | None = None
        core.remember_invite(self._key, self)
        self._sent = self._send(request)

    @property
    def local_tag(self) -> str:
        """Our tag, in every dialog that it makes."""
        return self._key[1]

    @property
    def is_done(self) -> bool:
        """Whether it was answered or refused."""
        return self._final is not None

    @property
    def is_answered(self) -> bool:
        """Whether a 2xx came, also one that nobody took yet."""
        return isinstance(self._final, Answered)

    @property
    def is_over(self) -> bool:
        """Whether it rings no more: answered, refused or taken back."""
        return self._final is not None or self._is_cancelled

    async def next_event(self) -> InviteEvent:
        """Return what happened next; after Answered or Refused the same again."""
        while not self._events:
            if self._final is not None:
                return self._final
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
            self._waiter = None
        return self._events.pop(0)

    def cancel(self, *, reason: str | None = None) -> None:
        """Take the INVITE back; Refused (487) follows. ``reason`` is a Reason header value (RFC 3326).

        CANCEL waits for the first 1xx (§9.1). An answer that nobody took yet, or that crosses, is hung up.
        """
        is_taken = self._final is not None and self._final not in self._events
        if self._is_cancelled or is_taken:
            return
        self._is_cancelled = True
        self._cancel_reason = reason
        if self._final is None:
            self._events.clear()
            if self._may_cancel:
                self._send_cancel()
        elif self._session is not None:
            self._session.bye(reason=reason)
            self.on_surplus()
            self._events.clear()
            self._final = None
            self._emit(_CANCELLED)

    def close(self) -> asyncio.Future[None]:
        """Cancel because the endpoint closes; return what is done when the peer has confirmed."""
        self.cancel()
        return self._finished

    # --- sending ------------------------------------------------------------------------------------------

    def _send(self, request: Request) -> SentRequest:
        def on_response(response: Response) -> None:
            self._take(request, response)

        self._requests[request.cseq.number] = request, self._hop
        return self._core.send_request(request, self._hop, on_response)

    def _send_cancel(self) -> None:
        if self._is_cancel_sent:
            return
        self._is_cancel_sent = True
        self._core.cancel_request(self._sent, self._cancel_reason)
        self._arm(self._give_up)

    def _give_up(self) -> None:
        """Stop waiting for a 487 that never comes (§9.1)."""
        self._core.abandon_request(self._sent)
        self._finish(_CANCELLED)

    # --- responses ----------------------------------------------------------------------------------------

    def _take(self, request: Request, response: Response) -> None:
        if request.cseq.number in self._silent:
            self._take_from_silent(request, response)
        elif response.status < 200:
            self._take_provisional(response)
        elif response.status < 300:
            self._take_answer(request, response)
        elif self._final is None and not self._retry(request, response):
            self._finish(_CANCELLED if self._is_cancelled else self._refused(response))

    def _await_sign_of_life(self, sent: SentRequest) -> None:
        """Go on to the next target of a 3xx if this one says nothing."""

        def give_up() -> None:
            if sent is self._sent and not (self._may_cancel or self._is_cancelled or self._final):
                self._silent[sent.request.cseq.number] = sent
                silence = response_to(sent.request, 408)
                silence.is_local = True
                if not self._retry(self._requests[sent.request.cseq.number][0], silence):
                    self._finish(self._refused(silence))

        self._core.alarms.set(self._core.now() + SILENCE_S, give_up)

    def _take_from_silent(self, request: Request, response: Response) -> None:
        """Let nobody ring on, or talk, who was given up (§9.1)."""
        sent = self._silent[request.cseq.number]
        if response.status < 200 and sent is not None:
            self._silent[request.cseq.number] = None
            self._core.cancel_request(sent, self._cancel_reason)
        elif 200 <= response.status < 300:
            self._take_answer(request, response)

    def _take_provisional(self, response: Response) -> None:
        self.has_provisional = self._may_cancel = True
        if self._is_cancelled:
            if self._final is None:
                self._send_cancel()
            return
        if self._final is not None or response.status == 100:
            return
        tag = response.to.tag or ""
        progress = Progress(response.status, response.reason, session_description(response), tag)
        fork = self._fork(response, tag)
        if fork is None:
            return
        try:
            if fork.is_news(response, progress):
                self._emit(progress)
        except NotAcceptable as error:
            self.cancel(reason=str(Reason("SIP", 488, str(error))))

    def _fork(self, response: Response, tag: str) -> EarlyFork | None:
        """Return the early dialog that ``response`` belongs to, None when there are too many."""
        key = (*self._key, tag)
        fork = self._early.get(key)
        if fork is None and len(self._early) < MOST_FORKS:
            fork = self._early[key] = self._new_fork(self._sent.request, response)
            if tag:
                self._core.open_dialog(fork.dialog, fork)
        return fork

    def _new_fork(self, request: Request, response: Response) -> EarlyFork:
        hop = self._requests[request.cseq.number][1]
        dialog = Dialog.from_response(request, response, hop=hop, contact=self._contact)
        return EarlyFork(
            self._core,
            dialog,
            request,
            credentials=self._credentials,
            on_offer=self._answer_offer,
        )

    def _answer_offer(self, offer: bytes) -> bytes:
        return self.on_offer(offer)

    def _take_answer(self, request: Request, response: Response) -> None:
        tag, number = response.to.tag or "", request.cseq.number
        if (number, tag) in self._acks:
            self._core.send_again(self._acks[number, tag])
            return
        if len(self._acks) >= MOST_FORKS:
            return
        fork = self._early.pop((*self._key, tag), None) or self._new_fork(request, response)
        fork.stop()
        fork.dialog.confirm(response)
        is_agreed = self._acknowledge(request, response, fork)
        session = Session(self._core, fork.dialog, credentials=self._credentials, is_call_id_ours=True)
        session.begin(response, sdp=fork.offers.description or request.body)
        is_superseded = number != self._sent.request.cseq.number
        if (
            self._session is not None
            or self._final is not None
            or self._is_cancelled
            or is_superseded
            or not is_agreed
        ):
            session.bye(reason=self._cancel_reason)
            self.on_surplus()
            if self._final is None and not is_superseded:
                self._finish(_CANCELLED if is_agreed else _NOT_ACCEPTABLE)
            return
        self._session = session
        session.timer.agreed(response, least_s=least_interval(request))
        session.closed.add_done_callback(self._linger)
        self._forget_early()
        self._emit(Answered(session, fork.agreed(response)))
        self._pack()

    def _pack(self) -> None:
        """Take as little room as possible until late answers come, if any do."""
        for request in {self._sent.request, *(request for request, _ in self._requests.values())}:
            request.pack()
        self._early = {**self._early}  # mostly none: a dict that was used keeps its room

    def _acknowledge(self, request: Request, response: Response, fork: EarlyFork) -> bool:
        """Send the ACK of a 2xx; return False when it brings an offer that nobody can answer (§13.2.2.4)."""
        body, is_agreed = b"", True
        try:
            body = fork.answer_in_ack(session_description(response))
        except NotAcceptable:
            is_agreed = False
        ack = fork.dialog.ack(request.cseq.number, invite=request, body=body, content_type=SDP)
        self._acks[request.cseq.number, fork.dialog.remote_tag] = self._core.send_ack(
            ack, self._core.hop_of(fork.dialog)
        )
        return is_agreed

    def on_late_answer(self, response: Response) -> None:
        """Take a 2xx after the transaction's end: a repetition, or a fork that answered late.

        Also one to an INVITE that another fork refused and that was sent again: a 2xx may follow any other
        final response (§16.7, step 5).
        """
        sent = self._requests.get(response.cseq.number)
        if sent is not None:  # else to a re-INVITE: the session's
            self._take_answer(sent[0], response)

    def _retry(self, request: Request, response: Response) -> bool:
        """Meet a challenge, a 3xx or a 422 by another INVITE; return whether that was possible."""
        if self._is_cancelled or len(self._requests) >= MOST_INVITES:
            return False
        if response.status == 422:
            again = self._with_longer_interval(request, response)
        else:
            again = self._authorization.retry(request, response) or self._redirected(request, response)
        if again is None:
            return False
        self._forget_early()
        self._early.clear()
        self._may_cancel = False
        self._sent = self._send(again)
        if self._is_redirected:
            self._await_sign_of_life(self._sent)
        return True

    def _redirected(self, request: Request, response: Response) -> Request | None:
        """Return the INVITE to the next address that a 3xx named, without what was for the last."""
        target = self._redirection.next_target(response)
        if target is None:
            return None
        again = next_request(request)
        again.uri = str(target)
        for name in ("Authorization", "Proxy-Authorization", "Route"):
            again.headers.remove(name)
        self._hop = literal_hop(target) or self._hop
        self._authorization = Authorizer(self._credentials, self._core.new_token)
        self._is_redirected = True
        return again

    def _with_longer_interval(self, request: Request, response: Response) -> Request | None:
        """Return the INVITE with the Min-SE that a 422 names (RFC 4028 §7.3), None when that is no use."""
        least, asked = least_interval(response), session_expires(request)
        if asked is None or asked.seconds >= least:
            return None
        again = self._authorization.again(request)
        again.headers.put("Session-Expires", str(least))
        again.headers.put("Min-SE", str(least))
        return again

    def _refused(self, response: Response) -> Refused:
        return Refused(
            status=response.status,
            reason=response.reason,
            is_local=response.is_local,
            retry_after=retry_after(response),
            telephone_cause=telephone_cause(response.headers.all("Reason")),
            contacts=contacts_of(response),
            untried=self._redirection.left if response.status < 600 else (),
        )

    # --- the end ------------------------------------------------------------------------------------------

    def _finish(self, refused: Refused) -> None:
        self._forget_early()
        self._linger()
        self._emit(refused)

    def _forget_early(self) -> None:
        """Close the early dialogs; a fork that answers late goes on with the CSeq it has seen."""
        for key, fork in self._early.items():
            fork.stop()
            self._core.close_dialog(key)

    def _linger(self, _: object = None) -> None:
        """Stay for 64*T1 to hang up late answers and to acknowledge repeated ones."""
        self._arm(self._forget)

    def _forget(self) -> None:
        self._core.forget_invite(self._key)
        self._early.clear()

    def _arm(self, action: Callable[[], None]) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._core.alarms.set(self._core.now() + 64 * self._core.timers.t1, action)

    def _emit(self, event: InviteEvent) -> None:
        if not isinstance(event, Progress):
            self._final = event
            self.on_offer = refuse_offer
            if not self._finished.done():
                self._finished.set_result(None)
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _ignore() -> None:
    """Take no notice of surplus answers."""


_NOT_ACCEPTABLE = Refused(488, "Not Acceptable Here", is_local=True)
_CANCELLED = Refused(487, "Request Terminated", is_local=True)
