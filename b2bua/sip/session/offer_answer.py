"""Offers and answers within a confirmed dialog (RFC 3261 §14, RFC 3311 §5, RFC 6337)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from b2bua.errors import LegEnded, NotAcceptable, WrongState
from b2bua.sip.body import READABLE, is_readable, session_description
from b2bua.sip.capabilities import ALLOWED, SUPPORTED
from b2bua.sip.causes import Reason
from b2bua.sip.core import Core, Sent
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Message, Request, Response
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.confirmation import Confirmation
from b2bua.sip.session.renegotiation import Renegotiation
from b2bua.sip.session.timer import SessionTimer

if TYPE_CHECKING:
    from b2bua.sip.session.established import Session

BUSY_S = 5.0
"""A refresh that meets another exchange waits for that long: mostly the exchange has refreshed by then."""
UNREADY_S = 30.0
"""After a refusal that is no end the refresh is tried again, until the session expires."""


class OfferAnswer:
    """One exchange at a time; refreshes of the session timer are exchanges too."""

    __slots__ = (
        "_acks", "_allows_update", "_confirmations", "_core", "_credentials", "_dialog", "_ended",
        "_first_sequence", "_initial_sequence", "_is_call_id_ours", "_owner", "_renegotiation", "_turn",
        "is_held", "is_never_acknowledged", "sdp", "timer",
    )  # fmt: skip

    def __init__(
        self, session: Session, core: Core, *, credentials: Credentials | None, is_call_id_ours: bool
    ) -> None:
        self.sdp = b""
        """What we said last; repeated where a refresh needs a description."""
        self.is_never_acknowledged = False
        """Whether no ACK came to the 2xx that made the dialog."""
        self.is_held = False
        """Whether the 2xx that makes the dialog is not sent: an offer of ours waits for its ACK (§14.1)."""
        self.timer = SessionTimer(core, refresh=self._refresh, expire=session.expire)
        self._owner: Session | None = session
        self._dialog = session.dialog
        self._ended = session.ended
        self._core = core
        self._credentials = credentials
        self._is_call_id_ours = is_call_id_ours
        self._allows_update = False
        self._acks: dict[int, Sent] = {}
        self._confirmations: dict[int, Confirmation] = {}
        self._initial_sequence: int | None = None
        self._first_sequence = session.dialog.local_sequence
        self._renegotiation: Renegotiation | None = None
        self._turn: asyncio.Lock | None = None
        """Of who makes an offer; hardly any session sees one."""

    @property
    def _session(self) -> Session:
        """Whose offers they are. Raises WrongState once its dialog is closed."""
        if self._owner is None:
            raise WrongState("the dialog is closed")
        return self._owner

    def learn(self, message: Message) -> None:
        """Note whether the peer takes UPDATE, from its INVITE or its 2xx."""
        self._allows_update = "UPDATE" in message.option_tags("Allow")

    # --- ours ---------------------------------------------------------------------------------------------

    async def offer(self, offer: bytes, *, method: str) -> bytes:
        """Return the answer to ``offer``; see ``Session.reinvite`` and ``Session.update``."""
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            while (current := self._renegotiation) is not None and not current.answer.done():
                await asyncio.wait({current.answer})  # of a caller who stopped waiting, or a refresh
            if self._ended.done():
                raise LegEnded(self._ended.result().why)
            return await asyncio.shield(self._start(offer, method=method).answer)

    def _start(self, offer: bytes, *, method: str) -> Renegotiation:
        """Return the exchange, under way once no 2xx of ours lacks its ACK (§14.1)."""
        exchange = Renegotiation(
            self._core,
            self._dialog,
            offer,
            method=method,
            timer=self.timer,
            credentials=self._credentials,
            is_call_id_ours=self._is_call_id_ours,
            acks=self._acks,
            on_dialog_gone=self._session.dialog_gone,
        )
        exchange.answer.add_done_callback(lambda answer: self._answered(offer, answer))
        self._renegotiation = exchange
        if not self._confirmations and not self.is_held:
            exchange.start()
        return exchange

    def _answered(self, offer: bytes, answer: asyncio.Future[bytes]) -> None:
        if not answer.cancelled() and answer.exception() is None and offer:
            self.sdp = offer

    def _refresh(self) -> None:
        """Refresh the session: UPDATE without an offer where the peer takes it (RFC 4028 §7.4)."""
        if self._confirmations or self.has_offer_under_way or self._is_busy:
            self.timer.refresh_in(BUSY_S)
            return
        offer = b"" if self._allows_update else self.sdp
        exchange = self._start(offer, method="UPDATE" if self._allows_update else "INVITE")
        exchange.answer.add_done_callback(lambda answer: self._refreshed(exchange, answer))

    @property
    def _is_busy(self) -> bool:
        return self._renegotiation is not None and not self._renegotiation.answer.done()

    def _refreshed(self, exchange: Renegotiation, answer: asyncio.Future[bytes]) -> None:
        if self._ended.done():
            return
        if answer.exception() is None:
            if exchange.offer:
                self._session.on_renegotiated(exchange.offer, answer.result())
        else:
            is_unknown = self._allows_update and exchange.refusal in (405, 501)
            self._allows_update = self._allows_update and not is_unknown
            self.timer.refresh_in(0.0 if is_unknown else UNREADY_S)

    def stop(self, why: str) -> None:
        """End what is under way: the dialog is over."""
        self.timer.stop()
        if self._renegotiation is not None:
            self._renegotiation.stop(why)

    # --- the peer's ---------------------------------------------------------------------------------------

    @property
    def has_offer_under_way(self) -> bool:
        """Whether an offer of ours waits for its answer: theirs meets 491."""
        return self._renegotiation is not None and self._renegotiation.is_outstanding

    @property
    def _waits_for_answer_in_ack(self) -> bool:
        """Whether a 2xx of ours brought an offer whose answer is still on its way."""
        return any(confirmation.has_offer for confirmation in self._confirmations.values())

    def take_invite(self, server: ServerRequest) -> None:
        """Answer a re-INVITE: hold, resume, new address, or an empty one that wants our offer (§14.2)."""
        if self.has_offer_under_way:
            server.respond(491)
        elif self._waits_for_answer_in_ack:
            server.respond(500, headers=(("Retry-After", str(self._core.random.randrange(11))),))
        else:
            response = self._answer_offer(server)
            if response is not None:
                self.confirm(server, response, has_offer=not session_description(server.request))

    def take_update(self, server: ServerRequest) -> None:
        """Answer an UPDATE (RFC 3311 §5.2); without an offer it refreshes target and timer only."""
        if server.request.body and (self.has_offer_under_way or self._waits_for_answer_in_ack):
            server.respond(491)
        else:
            self._answer_offer(server)

    def take_offer(self, server: ServerRequest) -> bytes | None:
        """Return our answer to the offer in ``server``, empty for none; None when it was refused."""
        request = server.request
        if not is_readable(request):
            server.respond(415, headers=READABLE)
            return None
        offer = session_description(request)
        try:
            if offer:
                return self._session.on_offer(offer)
            return self._session.on_late_offer() if request.method == "INVITE" else b""
        except NotAcceptable as error:
            server.respond(488, headers=(("Warning", warning(error)),))
            return None

    def _answer_offer(self, server: ServerRequest) -> Response | None:
        """Return the 200 that was sent, or None when the offer was refused: the session stays as it was."""
        request, dialog = server.request, self._dialog
        too_short = self.timer.refusal_headers(request)
        if too_short is not None:
            server.respond(422, headers=too_short)
            return None
        body = self.take_offer(server)
        if body is None:
            return None
        self.sdp = body or self.sdp
        dialog.refresh_target(request)
        lines = (("Contact", dialog.contact), ("Allow", ALLOWED), ("Supported", SUPPORTED))
        return server.respond(200, headers=(*lines, *self.timer.answer_headers(request)), body=body)

    # --- our 2xx to INVITE --------------------------------------------------------------------------------

    @property
    def waits_for_first_ack(self) -> bool:
        """Whether the 2xx that made the dialog is not acknowledged: no BYE may go out before (§15)."""
        return self._initial_sequence in self._confirmations

    def confirm(self, server: ServerRequest, response: Response, *, has_offer: bool) -> None:
        """Repeat the 2xx to an INVITE until its ACK comes; with ``has_offer`` ACK brings the answer."""
        number = server.request.cseq.number
        if self._initial_sequence is None and not self._is_call_id_ours:  # else the dialog is of our INVITE
            self._initial_sequence = number
        confirmation = Confirmation(
            self._core, server, response, on_silence=lambda: self._not_confirmed(number)
        )
        confirmation.has_offer = has_offer
        self._confirmations[number] = confirmation

    def _not_confirmed(self, number: int) -> None:
        """End a dialog whose 2xx nobody acknowledges (§13.3.1.4, §14.2)."""
        self._confirmations.pop(number, None)
        self.is_never_acknowledged = number == self._initial_sequence
        self._session.not_confirmed()

    def on_ack(self, request: Request) -> Confirmation | None:
        """Return the 2xx that ``request`` acknowledges, None when it repeats itself."""
        confirmation = self._confirmations.pop(request.cseq.number, None)
        if confirmation is not None:
            confirmation.stop()
        if not self._confirmations:
            self._confirmations.clear()  # a dict that was used keeps its room
        return confirmation

    def go_on(self, confirmation: Confirmation, request: Request) -> None:
        """Take the answer in an ACK, and send the offer that waited for it."""
        if confirmation.has_offer:
            self._take_answer(session_description(request))
        waiting = self._renegotiation
        if waiting is not None and not waiting.has_started and not self._confirmations:
            waiting.start()

    def _take_answer(self, answer: bytes) -> None:
        try:
            self._session.on_answer(answer)
        except NotAcceptable:
            self._session.bye(reason=str(Reason("SIP", 488, "Not Acceptable Here")))

    def repeat_ack(self, response: Response) -> None:
        """Acknowledge a 2xx to our re-INVITE that is repeated, or so late that we gave it up (§13.2.2.4)."""
        number, dialog = response.cseq.number, self._dialog
        ack = self._acks.get(number)
        if ack is not None:
            self._core.send_again(ack)
        elif self._first_sequence < number <= dialog.local_sequence:
            self._acks[number] = self._core.send_ack(dialog.ack(number), self._core.hop_of(dialog))

    def close(self) -> None:
        """Forget every 2xx, and whose offers they were: the dialog is closed."""
        for confirmation in self._confirmations.values():
            confirmation.stop()
        self._confirmations.clear()
        self._renegotiation = self._owner = None
        self.timer.close()


def warning(error: Exception) -> str:
    """Return the Warning value of a 488, fit for one line (RFC 3261 §20.43)."""
    text = "".join(char for char in str(error) if char.isprintable() and char not in '"\\')[:200]
    return f'399 b2bua "{text}"'
