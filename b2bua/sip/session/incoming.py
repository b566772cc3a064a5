"""An INVITE that came in: rung, answered or refused, or taken back by its sender (RFC 3261 §13.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.errors import LegEnded
from b2bua.sip.alarms import Alarm
from b2bua.sip.body import session_description
from b2bua.sip.capabilities import ALLOWED, SUPPORTED
from b2bua.sip.causes import ending_in_words
from b2bua.sip.core import Core, ExtraHeaders
from b2bua.sip.dialog import Dialog, DialogKey
from b2bua.sip.message import Request, Response
from b2bua.sip.replaces import replaces_of
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.early import EarlyOffers, answer_early, refuse_offer
from b2bua.sip.session.established import Session
from b2bua.sip.session.events import Ending
from b2bua.sip.session.reliable import ReliableProgress, can_acknowledge

REPEAT_PROGRESS_S = 55.0
"""A proxy cancels a call it hears nothing of for three minutes; §13.3.1.1 asks for one every minute."""
Lines = tuple[tuple[str, str], ...]


class IncomingInvite:
    """A caller who waits. Every response carries the same To tag.

    Provisional responses are reliable (RFC 3262) where the caller requires that, and those with SDP where
    the caller can. What was said reliably is not said again: the 200 comes without SDP then.
    """

    __slots__ = (
        "_core", "_dialog", "_has_final", "_held", "_is_reliable_always", "_is_reliable_with_sdp", "_offers",
        "_progress", "_reliable", "_repeat", "_said", "_server", "call_id", "ended", "offer", "on_answer",
        "on_offer", "replaces", "request", "source",
    )  # fmt: skip

    def __init__(self, core: Core, server: ServerRequest, dialog: Dialog) -> None:
        """Raises MalformedMessage where it cannot be read which call it replaces."""
        self.request: Request = server.request
        self.source = server.source
        self.call_id = dialog.call_id
        self.offer: bytes | None = session_description(server.request) or None
        self.replaces = replaces_of(server.request)
        """The call that this one takes the place of; see ``SipEndpoint.find_session``."""
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.on_offer: Callable[[bytes], bytes] = refuse_offer
        """Answers an offer that comes before the answer, by UPDATE or PRACK."""
        self.on_answer: Callable[[bytes], None] = _ignore_answer
        """Takes the answer to an offer of ours in a reliable provisional response."""
        self._core = core
        self._server = server
        self._dialog = dialog
        self._progress: Response | None = None
        self._repeat: Alarm | None = None
        self._has_final = False
        self._is_reliable_always = "100rel" in server.request.option_tags("Require")
        self._is_reliable_with_sdp = can_acknowledge(server.request)
        self._reliable: ReliableProgress | None = None
        self._offers = EarlyOffers(core, dialog, is_call_id_ours=False)
        self._said = b""
        self._held: Session | None = None
        core.open_dialog(dialog, self)

    @property
    def dialog_key(self) -> DialogKey:
        """Call-ID, our tag and the caller's."""
        return self._dialog.key

    @property
    def has_final(self) -> bool:
        """Whether it was answered, refused or taken back."""
        return self._has_final

    @property
    def needs_offer(self) -> bool:
        """Whether the next provisional response must carry an offer of ours (RFC 3262 §5)."""
        return self.offer is None and self._is_reliable_always and not self._said

    def progress(self, status: int = 180, *, body: bytes = b"", headers: ExtraHeaders = ()) -> None:
        """Send a provisional response, repeated every 55 s; after the final one, nothing.

        One without the offer that ``needs_offer`` asks for is not sent.
        """
        if self._has_final or (self.needs_offer and not body):
            return
        lines = (("Contact", self._dialog.contact), ("Allow", ALLOWED), *self._routes(), *headers)
        if self._is_reliable_always or (body and self._is_reliable_with_sdp):
            self._progress = None
            self._say_reliably(status, lines, body)
        else:
            self._progress = self._server.respond(status, None, lines, body)
            self._arm(self._progress_again)

    def _say_reliably(self, status: int, lines: Lines, body: bytes) -> None:
        if self._said:
            body = b""
        elif body:
            self._said = body
            self._offers.is_agreed = self.offer is not None
        if self._reliable is None:
            self._reliable = ReliableProgress(self._core, self._server, on_silence=self._not_acknowledged)
        self._reliable.send(status, lines, body)
        self._arm(lambda: self._say_reliably(status, lines, b""))

    async def update(self, offer: bytes) -> bytes:
        """Return the caller's answer to a new offer before the final response (RFC 3311 §5.1).

        Raises:
            WrongState: nothing was agreed reliably yet.
            NotAcceptable: it was refused.
            LegEnded: the final response came first.
        """
        return await self._offers.update(offer)

    def accept(self, answer: bytes, *, headers: ExtraHeaders = ()) -> Session:
        """Answer with 200, repeated until its ACK comes, and return the session.

        Where the INVITE had no offer, ``answer`` is one and ``Session.on_answer`` takes the answer of ACK.
        While an SDP of ours is not acknowledged, the 200 waits for its PRACK (RFC 3262 §3).

        Raises:
            LegEnded: the caller is gone.
        """
        if self._has_final:
            raise LegEnded(self.ended.result().why if self.ended.done() else "already answered")
        self._finish()
        session = Session(self._core, self._dialog, is_call_id_ours=False)
        session.begin(self.request, sdp=self._offers.description or self._said or answer)
        session.on_prack = self._take_prack
        lines = tuple(headers)
        if self._reliable is not None and self._reliable.has_unconfirmed_description:
            self._held = session
            session.hold(self._withdraw)
            self._core.open_dialog(self._dialog, self)
            self._reliable.when_confirmed(lambda: self._answer(session, b"", lines))
        else:
            self._finish_reliable()
            self._answer(session, b"" if self._said else answer, lines)
        return session

    def _answer(self, session: Session, body: bytes, headers: Lines) -> None:
        self._held = None
        session.release()
        lines = (("Contact", self._dialog.contact), ("Allow", ALLOWED), ("Supported", SUPPORTED))
        headers = (*lines, *session.timer.answer_headers(self.request), *self._routes(), *headers)
        response = self._server.respond(200, None, headers, body)
        session.confirm(self._server, response, has_offer=self.offer is None and bool(body))

    def _withdraw(self) -> None:
        """Refuse after all: we hung up before the 200 could be sent."""
        self._end_held(480, None)

    def reject(self, status: int, reason: str | None = None, *, headers: ExtraHeaders = ()) -> None:
        """Refuse with 300..699; after a final response, nothing."""
        if self._has_final:
            return
        self._finish()
        self._finish_reliable()
        self._core.close_dialog(self._dialog.key)
        self._server.respond(status, reason, headers)

    def _routes(self) -> Lines:
        """Return the Record-Route that responses which make a dialog must repeat (§12.1.1)."""
        return tuple(("Record-Route", value) for value in self.request.headers.all("Record-Route"))

    def _arm(self, action: Callable[[], None]) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
        self._repeat = self._core.alarms.set(self._core.now() + REPEAT_PROGRESS_S, action)

    def _progress_again(self) -> None:
        assert self._progress is not None
        self._server.send_again(self._progress)
        self._arm(self._progress_again)

    def _finish(self) -> None:
        self._has_final = True
        self._offers.stop("the call has its final response")
        self._progress = None
        if self._repeat is not None:
            self._repeat.cancel()

    def _finish_reliable(self) -> None:
        if self._reliable is not None:
            self._reliable.finish()

    def let_go(self) -> None:
        """Hold nobody any more: whoever answered for us is gone, and offers are refused from now on."""
        self.on_offer, self.on_answer = refuse_offer, _ignore_answer

    # --- what the caller does -----------------------------------------------------------------------------

    def take_back(self, ending: Ending) -> None:
        """End it for the caller: CANCEL, BYE in the early dialog, or a dead network (§9.2, §15.1.2)."""
        if self._held is not None:
            self._end_held(487, ending)
        elif not self._has_final:
            self.reject(487)
            self.ended.set_result(ending)

    def _not_acknowledged(self) -> None:
        """Refuse a caller who never acknowledged what we said (RFC 3262 §3)."""
        ending = Ending("network", "the caller's phone did not acknowledge our ringing (PRACK)")
        if self._held is not None:
            self._end_held(504, ending)
        else:
            self.reject(504)
            self.ended.set_result(ending)

    def _end_held(self, status: int, ending: Ending | None) -> None:
        """Refuse an INVITE whose 200 still waits; the session that was made for it never was."""
        session, self._held = self._held, None
        assert session is not None
        self._finish_reliable()
        self._server.respond(status)
        if ending is not None:
            self.ended.set_result(ending)
        session.never_was(ending)

    def on_request(self, server: ServerRequest) -> None:
        """Answer a request in the early dialog."""
        method = server.request.method
        if not self._dialog.accepts(server.request.cseq.number):
            server.respond(500, "CSeq Out Of Order")
        elif method == "BYE":
            server.respond(200)
            self.take_back(ending_before_answer(server.request))
        elif method == "PRACK":
            self._take_prack(server)
        elif method == "UPDATE":
            self._offers.answer_update(server, self.on_offer, is_offer_ours=self.offer is None)
        elif method == "INVITE":  # a second one before the first is answered (RFC 3261 §14.2)
            server.respond(500, headers=(("Retry-After", str(self._core.random.randrange(11))),))
        else:
            answer_early(server)

    def _take_prack(self, server: ServerRequest) -> None:
        """Answer PRACK, with an answer where it brings an offer (RFC 3262 §3, §5)."""
        if self._reliable is None or not self._reliable.matches(server.request):
            server.respond(481)
            return
        body = session_description(server.request)
        if self.offer is None and self._said and not self._offers.is_agreed:
            self._offers.is_agreed = True
            if body:
                self.on_answer(body)
            server.respond(200)
        else:
            answer = self._offers.answer_offer(server, self.on_offer)
            if answer is not None:
                server.respond(200, body=answer)
        self._reliable.confirm()

    def close(self) -> asyncio.Future[None] | None:
        """Refuse because the endpoint closes."""
        if self._held is not None:
            self._end_held(503, Ending("local", "we stop"))
        self.reject(503)
        return None

    def on_ack(self, request: Request) -> None:
        """Nothing was answered yet: the ACK of somebody else."""

    def on_late_answer(self, response: Response) -> None:
        """We sent no INVITE here."""


def ending_before_answer(request: Request) -> Ending:
    """Return what CANCEL, or BYE in an early dialog, says of the caller (RFC 3326)."""
    reasons = request.headers.all("Reason")
    why, status = ending_in_words(reasons, otherwise="hung up before the answer")
    return Ending("remote", why, status)


def _ignore_answer(_answer: bytes) -> None:
    """A caller who is never offered anything early gives no early answer."""
