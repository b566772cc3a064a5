"""Early dialogs: an INVITE without a final response yet (RFC 3261 §12, RFC 3262, RFC 3311)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.errors import NotAcceptable, WrongState
from b2bua.sip.body import READABLE, is_readable, session_description
from b2bua.sip.capabilities import ALLOWED, SUPPORTED
from b2bua.sip.causes import reason_phrase
from b2bua.sip.core import Core
from b2bua.sip.dialog import Dialog
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, Response
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.asking import DialogRequest, ignore
from b2bua.sip.session.events import Progress
from b2bua.sip.session.offer_answer import warning
from b2bua.sip.session.reliable import Rack, rseq_of
from b2bua.sip.session.renegotiation import Renegotiation

OnOffer = Callable[[bytes], bytes]


def refuse_offer(_offer: bytes) -> bytes:
    """Refuse an offer that nobody is there to answer."""
    raise NotAcceptable(reason_phrase(488))


class EarlyOffers:
    """Offers within one early dialog, by UPDATE; they begin when the INVITE's own is answered reliably."""

    __slots__ = (
        "_core", "_credentials", "_dialog", "_exchange", "_is_call_id_ours", "description", "is_agreed",
    )  # fmt: skip

    def __init__(
        self, core: Core, dialog: Dialog, *, credentials: Credentials | None = None, is_call_id_ours: bool
    ) -> None:
        self.is_agreed = False
        """Whether the INVITE's offer has its answer, in a way that neither side can have missed."""
        self.description = b""
        """What we said last, once it was renegotiated."""
        self._core = core
        self._dialog = dialog
        self._credentials = credentials
        self._is_call_id_ours = is_call_id_ours
        self._exchange: Renegotiation | None = None

    async def update(self, offer: bytes) -> bytes:
        """Return the peer's answer to a new offer (RFC 3311 §5.1).

        Raises:
            WrongState: the INVITE's own offer is not answered yet, or another one is under way.
            NotAcceptable: it was refused; everything stays as it was.
            LegEnded: the early dialog is over, by the final response or otherwise.
        """
        if not self.is_agreed or (self._exchange is not None and not self._exchange.answer.done()):
            raise WrongState("an offer is under way in this early dialog")
        self._exchange = Renegotiation(
            self._core,
            self._dialog,
            offer,
            method="UPDATE",
            credentials=self._credentials,
            is_call_id_ours=self._is_call_id_ours,
            acks={},
            on_dialog_gone=self._dialog_gone,
        )
        self._exchange.start()
        answer = await asyncio.shield(self._exchange.answer)
        self.description = offer
        return answer

    def _dialog_gone(self, why: str, _status: int) -> None:
        self.stop(why)

    def stop(self, why: str) -> None:
        """End what waits for an answer."""
        if self._exchange is not None:
            self._exchange.stop(why)

    def answer_update(self, server: ServerRequest, on_offer: OnOffer, *, is_offer_ours: bool) -> None:
        """Answer an UPDATE (§5.2); ``is_offer_ours`` says who made the INVITE's offer."""
        if server.request.body:
            is_pending = self._exchange is not None and self._exchange.is_outstanding
            if is_pending or (not self.is_agreed and is_offer_ours):
                server.respond(491)
                return
            if not self.is_agreed:
                server.respond(500, headers=(("Retry-After", str(self._core.random.randrange(11))),))
                return
        answer = self.answer_offer(server, on_offer)
        if answer is not None:
            self._dialog.refresh_target(server.request)
            lines = (("Contact", self._dialog.contact), ("Allow", ALLOWED), ("Supported", SUPPORTED))
            server.respond(200, headers=lines, body=answer)

    def answer_offer(self, server: ServerRequest, on_offer: OnOffer) -> bytes | None:
        """Return our answer to the offer in ``server``, empty for none; None when it was refused."""
        if not is_readable(server.request):
            server.respond(415, headers=READABLE)
            return None
        offer = session_description(server.request)
        try:
            answer = on_offer(offer) if offer else b""
        except NotAcceptable as error:
            server.respond(488, headers=(("Warning", warning(error)),))
            return None
        self.description = answer or self.description
        return answer


def answer_early(server: ServerRequest) -> None:
    """Answer what may come in an early dialog, but for PRACK, UPDATE and BYE."""
    method = server.request.method
    if method == "OPTIONS" or (method == "INFO" and not server.request.body):
        server.respond(200, headers=(("Allow", ALLOWED), ("Supported", SUPPORTED)))
    elif method == "INVITE":
        server.respond(491)
    elif method == "INFO":
        server.respond(415)
    else:
        server.respond(405, headers=(("Allow", ALLOWED),))


class EarlyFork:
    """The early dialog of one fork that we ring."""

    __slots__ = (
        "_core", "_credentials", "_invite", "_on_offer", "_rseq", "dialog", "early_answer", "offers",
        "progress",
    )  # fmt: skip

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        invite: Request,
        *,
        credentials: Credentials | None,
        on_offer: OnOffer,
    ) -> None:
        """``on_offer`` answers offers of the fork."""
        self.dialog = dialog
        self.progress: Progress | None = None
        """What it said last."""
        self.early_answer = b""
        """Its answer to the INVITE's offer; what a 2xx without a body stands by."""
        self.offers = EarlyOffers(core, dialog, credentials=credentials, is_call_id_ours=True)
        self._core = core
        self._invite = invite
        self._credentials = credentials
        self._on_offer = on_offer
        self._rseq: int | None = None

    def is_news(self, response: Response, progress: Progress) -> bool:
        """Return whether a provisional response says something new, and acknowledge a reliable one.

        Raises:
            NotAcceptable: it carries the offer that our INVITE did not, and nobody can answer that.
        """
        rseq = rseq_of(response) if self.dialog.remote_tag else None
        if rseq is not None:
            if self._rseq is not None and rseq != self._rseq + 1:
                return False  # repeated, or the one before it is still on its way (RFC 3262 §4)
            self._rseq = rseq
            self._acknowledge(rseq, progress.body)
        if self.progress == progress:
            return False
        self.progress = progress
        self.early_answer = progress.body or self.early_answer
        return True

    def _acknowledge(self, rseq: int, body: bytes) -> None:
        """Send PRACK; where our INVITE had no offer, it carries the answer to theirs (RFC 3262 §5)."""
        answer = self._answer_first(body)
        self.offers.is_agreed = self.offers.is_agreed or bool(body)
        rack = Rack(rseq, self._invite.cseq.number, self._invite.method)
        asking = DialogRequest(self._core, self.dialog, credentials=self._credentials, on_response=ignore)
        asking.send("PRACK", headers=(("RAck", str(rack)),), body=answer)

    def answer_in_ack(self, offer: bytes) -> bytes:
        """Return what the ACK carries: the answer to a 2xx that brings the first offer, else nothing.

        Raises:
            NotAcceptable: nobody can answer it.
        """
        return self._answer_first(offer)

    def _answer_first(self, offer: bytes) -> bytes:
        """Return our answer to the first offer where it is theirs, for our INVITE had none; else nothing."""
        if not offer or self._invite.body or self.offers.is_agreed:
            return b""
        self.offers.description = self._on_offer(offer)
        return self.offers.description

    def agreed(self, response: Response) -> bytes:
        """Return the SDP that a 2xx leaves in force: its own, or what was said before.

        Nothing where an UPDATE has changed that since.
        """
        own = session_description(response)
        return own or (b"" if self.offers.description else self.early_answer)

    def on_request(self, server: ServerRequest) -> None:
        """Answer a request of the fork; BYE is not for it to send (RFC 3261 §15) and does no harm."""
        method = server.request.method
        if not self.dialog.accepts(server.request.cseq.number):
            server.respond(500, "CSeq Out Of Order")
        elif method == "BYE":
            server.respond(200)
        elif method == "UPDATE":
            self.offers.answer_update(server, self._on_offer, is_offer_ours=bool(self._invite.body))
        else:
            answer_early(server)

    def stop(self) -> None:
        """End what waits: the final response came."""
        self.offers.stop("the call has its final response")

    def close(self) -> asyncio.Future[None] | None:
        """The INVITE is what gets cancelled."""
        return None

    def on_ack(self, request: Request) -> None:
        """Nothing of ours waits for an ACK here."""

    def on_late_answer(self, response: Response) -> None:
        """The INVITE is under way: its transaction takes the answers."""
