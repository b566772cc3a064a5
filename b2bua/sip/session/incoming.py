"""An INVITE that came in: rung, answered or refused, or taken back by its sender (RFC 3261 §13.3)."""

from __future__ import annotations

import asyncio

from b2bua.errors import LegEnded
from b2bua.sip.alarms import Alarm
from b2bua.sip.body import session_description
from b2bua.sip.capabilities import ALLOWED, SUPPORTED
from b2bua.sip.causes import ending_in_words
from b2bua.sip.core import Core, ExtraHeaders
from b2bua.sip.dialog import Dialog
from b2bua.sip.message import Request, Response
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.early import answer_early
from b2bua.sip.session.established import Session
from b2bua.sip.session.events import Ending

REPEAT_PROGRESS_S = 55.0
"""A proxy cancels a call it hears nothing of for three minutes; §13.3.1.1 asks for one every minute."""


class IncomingInvite:
    """A caller who waits. Every response carries the same To tag."""

    def __init__(self, core: Core, server: ServerRequest, dialog: Dialog) -> None:
        self.request: Request = server.request
        self.source = server.source
        self.call_id = dialog.call_id
        self.offer: bytes | None = session_description(server.request) or None
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._core = core
        self._server = server
        self._dialog = dialog
        self._progress: Response | None = None
        self._repeat: Alarm | None = None
        self._has_final = False
        core.open_dialog(dialog, self)

    @property
    def has_final(self) -> bool:
        """Whether it was answered, refused or taken back."""
        return self._has_final

    def progress(self, status: int = 180, *, body: bytes = b"", headers: ExtraHeaders = ()) -> None:
        """Send a provisional response, repeated every 55 s; after the final one, nothing."""
        if self._has_final:
            return
        headers = (("Contact", self._dialog.contact), ("Allow", ALLOWED), *self._routes(), *headers)
        self._progress = self._server.respond(status, None, headers, body)
        self._arm()

    def accept(self, answer: bytes, *, headers: ExtraHeaders = ()) -> Session:
        """Answer with 200, repeated until its ACK comes, and return the session.

        Where the INVITE had no offer, ``answer`` is one and ``Session.on_answer`` takes the answer of ACK.

        Raises:
            LegEnded: the caller is gone.
        """
        if self._has_final:
            raise LegEnded(self.ended.result().why if self.ended.done() else "already answered")
        self._finish()
        session = Session(self._core, self._dialog, is_call_id_ours=False)
        session.begin(self.request, sdp=answer)
        lines = (("Contact", self._dialog.contact), ("Allow", ALLOWED), ("Supported", SUPPORTED))
        headers = (*lines, *session.timer.answer_headers(self.request), *self._routes(), *headers)
        response = self._server.respond(200, None, headers, answer)
        session.confirm(self._server, response, has_offer=self.offer is None)
        return session

    def reject(self, status: int, reason: str | None = None, *, headers: ExtraHeaders = ()) -> None:
        """Refuse with 300..699; after a final response, nothing."""
        if self._has_final:
            return
        self._finish()
        self._core.close_dialog(self._dialog.key)
        self._server.respond(status, reason, headers)

    def _routes(self) -> tuple[tuple[str, str], ...]:
        """Return the Record-Route that responses which make a dialog must repeat (§12.1.1)."""
        return tuple(("Record-Route", value) for value in self.request.headers.all("Record-Route"))

    def _arm(self) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
        self._repeat = self._core.alarms.set(self._core.now() + REPEAT_PROGRESS_S, self._progress_again)

    def _progress_again(self) -> None:
        assert self._progress is not None
        self._server.send_again(self._progress)
        self._arm()

    def _finish(self) -> None:
        self._has_final = True
        if self._repeat is not None:
            self._repeat.cancel()

    def take_back(self, ending: Ending) -> None:
        """End it for the caller: CANCEL, BYE in the early dialog, or a dead network (§9.2, §15.1.2)."""
        if self._has_final:
            return
        self.reject(487)
        self.ended.set_result(ending)

    def on_request(self, server: ServerRequest) -> None:
        """Answer a request in the early dialog."""
        if not self._dialog.accepts(server.request.cseq.number):
            server.respond(500, "CSeq Out Of Order")
        elif server.request.method == "BYE":
            server.respond(200)
            self.take_back(ending_before_answer(server.request))
        else:
            answer_early(server, glare_status=500)

    def close(self) -> asyncio.Future[None] | None:
        """Refuse because the endpoint closes."""
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
