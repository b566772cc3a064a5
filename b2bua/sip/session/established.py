"""A confirmed INVITE dialog, whichever side sent the INVITE (RFC 3261 §14, §15)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from b2bua.errors import LegEnded, NotAcceptable
from b2bua.sip.body import READABLE, SDP
from b2bua.sip.capabilities import ALLOWED, SUPPORTED
from b2bua.sip.causes import Reason, ending_in_words, reason_phrase
from b2bua.sip.core import Core, ExtraHeaders
from b2bua.sip.dialog import Dialog
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Message, Request, Response
from b2bua.sip.replaces import Replaces
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.asking import DialogRequest
from b2bua.sip.session.events import Ending
from b2bua.sip.session.offer_answer import OfferAnswer
from b2bua.sip.session.referral import OutgoingReferral, Referral, Referrals
from b2bua.sip.session.timer import SessionTimer
from b2bua.sip.uri import Uri


class Session:
    """What remains of an INVITE once it is answered, until somebody hangs up."""

    __slots__ = (
        "_bye", "_core", "_credentials", "_is_bye_sent", "_offers", "_referrals", "_withdraw", "call_id",
        "closed", "dialog", "ended", "on_answer", "on_info", "on_late_offer", "on_offer", "on_prack",
        "on_refer", "on_renegotiated",
    )  # fmt: skip

    def __init__(
        self, core: Core, dialog: Dialog, *, credentials: Credentials | None = None, is_call_id_ours: bool
    ) -> None:
        self.call_id = dialog.call_id
        self.dialog = dialog
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.on_offer: Callable[[bytes], bytes] = _refuse_offer
        self.on_late_offer: Callable[[], bytes] = _refuse_late_offer
        self.on_answer: Callable[[bytes], None] = _ignore_answer
        self.on_renegotiated: Callable[[bytes, bytes], None] = _ignore_exchange
        """Told of our offer and its answer when a refresh of the session timer had to carry one."""
        self.on_info: Callable[[str, bytes], None] | None = None
        self.on_refer: Callable[[Referral], None] | None = None
        """Takes the peer's wish that we call somebody, or raises NotAcceptable (603)."""
        self.on_prack: Callable[[ServerRequest], None] = _refuse_prack
        """Answers a PRACK that comes after the 2xx."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the peer has confirmed the end, or 64*T1 after it did not."""
        self._core = core
        self._credentials = credentials
        self._offers = OfferAnswer(self, core, credentials=credentials, is_call_id_ours=is_call_id_ours)
        self._bye: tuple[tuple[str, str], ...] | None = None
        self._is_bye_sent = False
        self._withdraw: Callable[[], None] | None = None
        self._referrals: Referrals | None = None
        """Made with the first; hardly any session has one."""
        core.open_dialog(dialog, self)
        core.expect_server(dialog)

    @property
    def referrals(self) -> Referrals:
        """The REFERs within it."""
        if self._referrals is None:
            self._referrals = Referrals(self._core, self.dialog, credentials=self._credentials)
        return self._referrals

    @property
    def is_confirmed(self) -> bool:
        """Whether the 2xx that made it was acknowledged: the peer was there to get it (§13.3.1.4)."""
        return not self._offers.waits_for_first_ack and not self._offers.is_never_acknowledged

    @property
    def timer(self) -> SessionTimer:
        """The session timer (RFC 4028)."""
        return self._offers.timer

    # --- what we do ---------------------------------------------------------------------------------------

    async def reinvite(self, offer: bytes) -> bytes:
        """Return the far end's answer to a new offer; a glare (491) is retried by itself.

        Raises:
            NotAcceptable: it was refused; the session goes on as it was (RFC 3261 §14.1).
            LegEnded: the dialog is gone.
        """
        return await self._offers.offer(offer, method="INVITE")

    async def update(self, offer: bytes = b"") -> bytes:
        """Return the far end's answer to a new offer by UPDATE, which nobody has to confirm (RFC 3311).

        Raises:
            NotAcceptable: it was refused; the session goes on as it was.
            LegEnded: the dialog is gone.
        """
        return await self._offers.offer(offer, method="UPDATE")

    async def info(self, body: bytes, content_type: str) -> int:
        """Return the status of the answer to an INFO with ``body`` (RFC 6086 §4.2.1 for the legacy use).

        Raises:
            LegEnded: the dialog ended before it was answered.
        """
        if self.ended.done():
            raise LegEnded(self.ended.result().why)
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def take(_request: Request, response: Response) -> None:
            if response.status >= 200 and not answered.done():
                answered.set_result(response.status)

        asking = DialogRequest(self._core, self.dialog, credentials=self._credentials, on_response=take)
        asking.send("INFO", body=body, content_type=content_type)
        until: set[asyncio.Future[Any]] = {answered, self.ended}
        await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise LegEnded(self.ended.result().why)
        return answered.result()

    def refer(
        self, target: Uri, *, replaces: Replaces | None = None, headers: ExtraHeaders = ()
    ) -> OutgoingReferral:
        """Ask the far end to call ``target``, in place of its call ``replaces`` (RFC 3515, RFC 3891).

        ``headers`` are more of them, e.g. Referred-By (RFC 3892).
        """
        return self.referrals.refer(target, replaces=replaces, headers=headers)

    def bye(self, *, reason: str | None = None) -> None:
        """Hang up; ``ended`` is done at once. A second call does nothing.

        ``reason`` is a Reason header value (RFC 3326). Where our 200 is not acknowledged yet, BYE waits for
        that (§15: the callee must not send it earlier).
        """
        if self._bye is not None or self.closed.done():
            return
        self._bye = (("Reason", reason),) if reason else ()
        self._end(Ending("local", "we hung up"))
        if self._withdraw is not None:
            self._withdraw()
        elif not self._offers.waits_for_first_ack:
            self._send_bye()

    def begin(self, message: Message, *, sdp: bytes) -> None:
        """Note what the peer can do, from its INVITE or its 2xx, and what we described last."""
        self._offers.learn(message)
        self._offers.sdp = sdp

    def hold(self, withdraw: Callable[[], None]) -> None:
        """Wait with everything: the 2xx is not sent yet. To hang up meanwhile is to ``withdraw`` it."""
        self._withdraw = withdraw
        self._offers.is_held = True

    def release(self) -> None:
        """Begin: the 2xx is sent now."""
        self._withdraw = None
        self._offers.is_held = False
        self._core.open_dialog(self.dialog, self)

    def never_was(self, ending: Ending | None) -> None:
        """End a session whose 2xx was not sent."""
        self._withdraw = None
        self._end(ending or Ending("local", "we hung up"))
        self._close()

    def confirm(self, server: ServerRequest, response: Response, *, has_offer: bool) -> None:
        """Repeat the 2xx to an INVITE until its ACK comes; with ``has_offer`` ACK brings the answer."""
        self._offers.confirm(server, response, has_offer=has_offer)

    def close(self) -> asyncio.Future[None]:
        """Hang up because the endpoint closes; return what is done when the peer has confirmed."""
        self.bye()
        return self.closed

    # --- what the peer does -------------------------------------------------------------------------------

    def on_request(self, server: ServerRequest) -> None:
        """Answer a request within the dialog."""
        method = server.request.method
        if not self.dialog.accepts(server.request.cseq.number):
            server.respond(500, "CSeq Out Of Order")
        elif method == "BYE":
            self._take_bye(server)
        elif self.ended.done() and method != "NOTIFY":
            server.respond(481)
        else:
            self.dialog.heard_from(server.source)
            self._answer(server)

    def _answer(self, server: ServerRequest) -> None:
        match server.request.method:
            case "INVITE":
                self._offers.take_invite(server)
            case "UPDATE":
                self._offers.take_update(server)
            case "PRACK":
                self.on_prack(server)
            case "INFO":
                self._take_info(server)
            case "OPTIONS":
                self._take_options(server)
            case "REFER":
                self.referrals.take(server, self.on_refer)
            case "SUBSCRIBE":
                self.referrals.take_subscribe(server)
            case "NOTIFY":
                self.referrals.take_notify(server)
            case _:
                server.respond(405, headers=(("Allow", ALLOWED),))

    def on_ack(self, request: Request) -> None:
        """Take the ACK to a 2xx of ours."""
        confirmation = self._offers.on_ack(request)
        if confirmation is None:
            return
        if self._bye is not None:
            self._send_bye()
        else:
            self._offers.go_on(confirmation, request)

    def on_late_answer(self, response: Response) -> None:
        """Acknowledge a repeated 2xx to a re-INVITE again."""
        self._offers.repeat_ack(response)

    def _take_bye(self, server: ServerRequest) -> None:
        server.respond(200)
        why, status = ending_in_words(server.request.headers.all("Reason"))
        self._end(Ending("remote", why, status))
        self._close()

    def _take_info(self, server: ServerRequest) -> None:
        """Answer INFO (RFC 6086 §4.2.2); an empty one is a keep-alive. We know no packages, but keys."""
        request = server.request
        is_key = request.content_type.startswith("application/dtmf")  # some name a package for keys, too
        if "Info-Package" in request.headers and not is_key:
            server.respond(469, headers=(("Recv-Info", ""),))
        elif not request.body:
            server.respond(200)
        elif self.on_info is None:
            server.respond(415, headers=READABLE)
        else:
            server.respond(200)
            self.on_info(request.content_type, request.body)

    def _take_options(self, server: ServerRequest) -> None:
        lines = (("Allow", ALLOWED), ("Supported", SUPPORTED), ("Accept", SDP))
        server.respond(200, headers=lines)

    # --- how it ends --------------------------------------------------------------------------------------

    def not_confirmed(self) -> None:
        """End a dialog whose 2xx nobody acknowledges (§13.3.1.4, §14.2)."""
        self._die("our answer was never acknowledged", reason=Reason("SIP", 408, "No ACK"))

    def expire(self) -> None:
        """End a session that nobody refreshed (RFC 4028 §10)."""
        reason = Reason("SIP", 408, "Session expired")
        self._die("the far end did not keep the call alive (session timer)", reason=reason, status=408)

    def dialog_gone(self, why: str, status: int) -> None:
        """End a dialog that the peer does not know (any more) (§12.2.1.2)."""
        self._die(f"the far end lost the call: {why}", status=status)

    def _die(self, why: str, *, reason: Reason | None = None, status: int | None = None) -> None:
        if self._bye is None:
            self._bye = (("Reason", str(reason)),) if reason is not None else ()
        self._end(Ending("network", why, status))
        self._send_bye()

    def _end(self, ending: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)
        self._offers.stop(ending.why)

    def _send_bye(self) -> None:
        if self._is_bye_sent or self.closed.done():
            return
        self._is_bye_sent = True
        asking = DialogRequest(
            self._core, self.dialog, credentials=self._credentials, on_response=self._bye_answered
        )
        asking.send("BYE", headers=self._bye or ())

    def _bye_answered(self, _request: Request, response: Response) -> None:
        """Whatever the final response says, the dialog is over (§15.1.1)."""
        if response.status >= 200:
            self._close()

    def _close(self) -> None:
        if self.closed.done():
            return
        self.closed.set_result(None)
        if self._referrals is not None:
            self._referrals.stop()
        self._offers.close()
        self._core.close_dialog(self.dialog.key)
        self._let_go()

    def _let_go(self) -> None:
        """Hold nobody any more who took part: no request finds its way here."""
        self.on_offer, self.on_late_offer, self.on_answer = _refuse_offer, _refuse_late_offer, _ignore_answer
        self.on_renegotiated, self.on_prack = _ignore_exchange, _refuse_prack
        self.on_info = self.on_refer = None


def _refuse_offer(_offer: bytes) -> bytes:
    raise NotAcceptable(reason_phrase(488))


def _refuse_late_offer() -> bytes:
    raise NotAcceptable(reason_phrase(488))


def _refuse_prack(server: ServerRequest) -> None:
    server.respond(481)


def _ignore_answer(_answer: bytes) -> None:
    """A session that never offers late gets no answer in ACK."""


def _ignore_exchange(_offer: bytes, _answer: bytes) -> None:
    """Nobody cares for the sound of this session."""
