"""A confirmed INVITE dialog, whichever side sent the INVITE (RFC 3261 §14, §15)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.errors import LegEnded, NotAcceptable
from b2bua.sip.causes import reason_phrase
from b2bua.sip.core import Core, Sent
from b2bua.sip.dialog import Dialog
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, Response
from b2bua.sip.server_request import ALLOWED, ServerRequest
from b2bua.sip.session.asking import SDP, DialogRequest
from b2bua.sip.session.confirmation import Confirmation
from b2bua.sip.session.events import Ending
from b2bua.sip.session.renegotiation import Renegotiation


class Session:
    """What remains of an INVITE once it is answered, until somebody hangs up."""

    def __init__(
        self, core: Core, dialog: Dialog, *, credentials: Credentials | None = None, is_call_id_ours: bool
    ) -> None:
        self.call_id = dialog.call_id
        self.dialog = dialog
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.on_offer: Callable[[bytes], bytes] = _refuse_offer
        self.on_late_offer: Callable[[], bytes] = _refuse_late_offer
        self.on_answer: Callable[[bytes], None] = _ignore_answer
        self.on_info: Callable[[str, bytes], None] | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the peer has confirmed the end, or 64*T1 after it did not."""
        self._core = core
        self._credentials = credentials
        self._is_call_id_ours = is_call_id_ours
        self._acks: dict[int, Sent] = {}
        self._confirmations: dict[int, Confirmation] = {}
        self._initial_sequence: int | None = None
        self._renegotiation: Renegotiation | None = None
        self._turn = asyncio.Lock()
        self._bye: tuple[tuple[str, str], ...] | None = None
        self._is_bye_sent = False
        self._answers = {
            "INVITE": self._take_invite,
            "UPDATE": self._take_update,
            "INFO": self._take_info,
            "OPTIONS": self._take_options,
        }
        core.open_dialog(dialog, self)

    # --- what we do ---------------------------------------------------------------------------------------

    async def reinvite(self, offer: bytes) -> bytes:
        """Return the far end's answer to a new offer; a glare (491) is retried by itself.

        Raises:
            NotAcceptable: it was refused; the session goes on as it was (RFC 3261 §14.1).
            LegEnded: the dialog is gone.
        """
        async with self._turn:
            if self._renegotiation is not None:  # of a caller who stopped waiting
                await asyncio.wait({self._renegotiation.answer})
            if self.ended.done():
                raise LegEnded(self.ended.result().why)
            self._renegotiation = Renegotiation(
                self._core,
                self.dialog,
                offer,
                credentials=self._credentials,
                is_call_id_ours=self._is_call_id_ours,
                acks=self._acks,
                on_dialog_gone=self._dialog_gone,
            )
            if not self._confirmations:
                self._renegotiation.start()  # else after the ACK: one INVITE at a time (§14.1)
            return await asyncio.shield(self._renegotiation.answer)

    def bye(self, *, reason: str | None = None) -> None:
        """Hang up; ``ended`` is done at once. A second call does nothing.

        ``reason`` is a Reason header value (RFC 3326). Where our 200 is not acknowledged yet, BYE waits for
        that (§15: the callee must not send it earlier).
        """
        if self._bye is not None or self.closed.done():
            return
        self._bye = (("Reason", reason),) if reason else ()
        self._end(Ending("local", "we hung up"))
        if self._initial_sequence not in self._confirmations:
            self._send_bye()

    def confirm(self, server: ServerRequest, response: Response, *, has_offer: bool) -> None:
        """Repeat the 2xx to an INVITE until its ACK comes; with ``has_offer`` ACK brings the answer."""
        number = server.request.cseq.number
        if self._initial_sequence is None:
            self._initial_sequence = number
        confirmation = Confirmation(
            self._core, server, response, on_silence=lambda: self._not_confirmed(number)
        )
        confirmation.has_offer = has_offer
        self._confirmations[number] = confirmation

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
        elif self.ended.done():
            server.respond(481)
        elif method in self._answers:
            self.dialog.heard_from(server.source)
            self._answers[method](server)
        else:
            server.respond(405, headers=(("Allow", ALLOWED),))

    def on_ack(self, request: Request) -> None:
        """Take the ACK to a 2xx of ours."""
        confirmation = self._confirmations.pop(request.cseq.number, None)
        if confirmation is None:
            return
        confirmation.stop()
        if self._bye is not None:
            self._send_bye()
            return
        if confirmation.has_offer:
            self._take_answer(request.body)
        waiting = self._renegotiation
        if waiting is not None and not waiting.has_started and not self._confirmations:
            waiting.start()

    def on_late_answer(self, response: Response) -> None:
        """Acknowledge a repeated 2xx to a re-INVITE again."""
        ack = self._acks.get(response.cseq.number)
        if ack is not None:
            self._core.send_again(ack)

    def _take_answer(self, answer: bytes) -> None:
        try:
            self.on_answer(answer)
        except NotAcceptable:
            self.bye(reason='SIP;cause=488;text="Not Acceptable Here"')

    def _take_bye(self, server: ServerRequest) -> None:
        server.respond(200)
        self._end(Ending("remote", "hung up"))
        self._close()

    def _take_invite(self, server: ServerRequest) -> None:
        """Answer a re-INVITE: hold, resume, new address, or an empty one that wants our offer (§14.2)."""
        if self._has_offer_under_way():
            server.respond(491)
        elif any(confirmation.has_offer for confirmation in self._confirmations.values()):
            server.respond(500, headers=(("Retry-After", str(self._core.random.randrange(11))),))
        else:
            response = self._answer_offer(server, self.on_late_offer)
            if response is not None:
                self.confirm(server, response, has_offer=not server.request.body)

    def _take_update(self, server: ServerRequest) -> None:
        """Answer an UPDATE (RFC 3311 §5.2); without an offer it only refreshes the target."""
        if not server.request.body:
            self.dialog.refresh_target(server.request)
            server.respond(200, headers=(("Contact", self.dialog.contact),))
        elif self._has_offer_under_way():
            server.respond(491)
        else:
            self._answer_offer(server, self.on_late_offer)

    def _has_offer_under_way(self) -> bool:
        return self._renegotiation is not None and self._renegotiation.is_outstanding

    def _answer_offer(self, server: ServerRequest, late_offer: Callable[[], bytes]) -> Response | None:
        """Return the 200 that was sent, or None when the offer was refused: the session stays as it was."""
        request = server.request
        if request.body and request.content_type != SDP:
            server.respond(415, headers=(("Accept", SDP),))
            return None
        try:
            body = self.on_offer(request.body) if request.body else late_offer()
        except NotAcceptable as error:
            server.respond(488, headers=(("Warning", f'399 b2bua "{_quotable(str(error))}"'),))
            return None
        self.dialog.refresh_target(request)
        headers = (("Contact", self.dialog.contact), ("Allow", ALLOWED))
        return server.respond(200, headers=headers, body=body)

    def _take_info(self, server: ServerRequest) -> None:
        """Answer INFO (RFC 6086 §4.2.2); an empty one is a keep-alive."""
        request = server.request
        if not request.body:
            server.respond(200)
        elif self.on_info is None:
            server.respond(415, headers=(("Accept", SDP),))
        else:
            server.respond(200)
            self.on_info(request.content_type, request.body)

    def _take_options(self, server: ServerRequest) -> None:
        server.respond(200, headers=(("Allow", ALLOWED), ("Accept", SDP)))

    # --- how it ends --------------------------------------------------------------------------------------

    def _not_confirmed(self, number: int) -> None:
        """End a dialog whose 2xx nobody acknowledges (§13.3.1.4, §14.2)."""
        self._confirmations.pop(number, None)
        if self._bye is None:
            self._bye = (("Reason", 'SIP;cause=408;text="No ACK"'),)
        self._end(Ending("network", "our answer was never acknowledged"))
        self._send_bye()

    def _dialog_gone(self, why: str, status: int) -> None:
        """End a dialog that the peer does not know (any more) (§12.2.1.2)."""
        self._end(Ending("network", f"the far end lost the call: {why}", status))
        self._bye = ()
        self._send_bye()

    def _end(self, ending: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)
        if self._renegotiation is not None:
            self._renegotiation.stop(ending.why)

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
        for confirmation in self._confirmations.values():
            confirmation.stop()
        self._confirmations.clear()
        self._core.close_dialog(self.dialog.key)


def _refuse_offer(_offer: bytes) -> bytes:
    raise NotAcceptable(reason_phrase(488))


def _refuse_late_offer() -> bytes:
    raise NotAcceptable(reason_phrase(488))


def _ignore_answer(_answer: bytes) -> None:
    """A session that never offers late gets no answer in ACK."""


def _quotable(text: str) -> str:
    """Return ``text`` fit for a quoted string on one line."""
    return "".join(char for char in text if char.isprintable() and char not in '"\\')[:200]
