"""One subscription: a dialog that SUBSCRIBE opens and NOTIFYs travel in, until either end ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from b2bua.errors import MalformedMessage
from b2bua.sip.alarms import Alarm
from b2bua.sip.core import Core
from b2bua.sip.dialog import Dialog
from b2bua.sip.message import Request, Response
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.asking import DialogRequest
from b2bua.sip.subscription.event import Event, EventPackage, Watched, asked_seconds

LEAST_S = 60
"""Who asks for less, but not for 0, is answered 423."""
LONGEST_S = 3600
"""Who asks for more gets this."""
TIMED_OUT = "timeout"
"""Not refreshed, or ended by the subscriber (RFC 6665 §4.1.3)."""
RESTARTING = "probation;retry-after=5"
"""The program stops; more often than not to be started again."""
GONE = frozenset((404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604))
"""Answers to a NOTIFY that end the subscription; others are about that NOTIFY alone (RFC 5057 §5.1)."""
ALLOWED = "SUBSCRIBE"

Admit = Callable[[ServerRequest], str | None]
"""Returns who sent a request; None: nobody we know, and it has been answered."""


class Subscription:
    """Tells one watcher of one thing. One NOTIFY at a time: what changes meanwhile goes into the next."""

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        *,
        watcher: str,
        event: Event,
        package: EventPackage,
        watched: Watched,
        admit: Admit,
        on_over: Callable[[Subscription], None],
    ) -> None:
        self.watcher = watcher
        self.package = package
        self.watched = watched
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the last NOTIFY is answered, or nobody is there to answer it."""
        self._core = core
        self._dialog = dialog
        self._event = event
        self._admit = admit
        self._on_over = on_over
        self._expires_at = 0.0
        self._expiry: Alarm | None = None
        self._told = 0
        self._has_news = False
        self._ending: str | None = None
        self._under_way: DialogRequest | None = None
        core.open_dialog(dialog, self)

    def accept(self, server: ServerRequest, seconds: int) -> None:
        """Answer a SUBSCRIBE and tell the state as it is; for 0 seconds that is the last (§4.2.1.2)."""
        self._expires_at = self._core.now() + seconds
        routes = [("Record-Route", value) for value in server.request.headers.all("Record-Route")]
        lines = (("Expires", str(seconds)), ("Contact", self._dialog.contact), *routes)
        server.respond(200, headers=lines)
        self._stop_alarm()
        if seconds:
            self._expiry = self._core.alarms.set(self._expires_at, lambda: self.end(TIMED_OUT))
            self.changed()
        else:
            self.end(TIMED_OUT)

    def changed(self) -> None:
        """Tell the watcher of the state as it is now, as soon as what was told before is confirmed."""
        if self._ending is None:
            self._has_news = True
            self._send_next()

    def end(self, reason: str) -> None:
        """Tell the watcher, once more, that this was the last; ``reason`` as in Subscription-State."""
        if self._ending is None:
            self._stop_alarm()
            self._ending = reason
            self._has_news = True
            self._send_next()

    def close(self) -> asyncio.Future[None]:
        """End because the endpoint closes; return what is done when the watcher has confirmed."""
        self.end(RESTARTING)
        return self.closed

    # --- what the watcher does ----------------------------------------------------------------------------

    def on_request(self, server: ServerRequest) -> None:
        """Answer a request within the dialog: a refresh, or the wish to end it."""
        request = server.request
        if not self._dialog.accepts(request.cseq.number):
            server.respond(500, "CSeq Out Of Order")
        elif request.method != "SUBSCRIBE":
            server.respond(405, headers=(("Allow", ALLOWED),))
        elif self._ending is not None:
            server.respond(481)
        else:
            self._refresh(server)

    def _refresh(self, server: ServerRequest) -> None:
        who = self._admit(server)
        if who is None:
            return
        try:
            event, seconds = Event.of(server.request), asked_seconds(server.request, most=LONGEST_S)
        except MalformedMessage as error:
            server.respond(error.status, error.why)
            return
        if who != self.watcher:
            server.respond(403)
        elif event != self._event:
            server.respond(481)
        elif 0 < seconds < LEAST_S:
            server.respond(423, headers=(("Min-Expires", str(LEAST_S)),))
        else:
            self._dialog.heard_from(server.source)
            self._dialog.refresh_target(server.request)
            self.accept(server, seconds)

    def on_ack(self, _request: Request) -> None:
        """Pass over an ACK: nothing here waits for one."""

    def on_late_answer(self, _response: Response) -> None:
        """Pass over a 2xx to an INVITE: none was sent."""

    # --- what we tell -------------------------------------------------------------------------------------

    def _send_next(self) -> None:
        if not self._has_news or self._under_way is not None or self.closed.done():
            return
        self._has_news = False
        lines = (
            ("Event", str(self._event)),
            ("Subscription-State", self._state()),
            ("Contact", self._dialog.contact),
        )
        body = b"" if self._ending == RESTARTING else self.watched.document(self._told)
        self._told += 1
        self._under_way = DialogRequest(
            self._core, self._dialog, credentials=None, on_response=self._answered
        )
        self._under_way.send("NOTIFY", headers=lines, body=body, content_type=self.package.content_type)

    def _state(self) -> str:
        if self._ending is not None:
            return f"terminated;reason={self._ending}"
        return f"active;expires={max(0, round(self._expires_at - self._core.now()))}"

    def _answered(self, _request: Request, response: Response) -> None:
        if response.status < 200:
            return
        self._under_way = None
        was_last = self._ending is not None and not self._has_news
        if was_last or response.is_local or response.status in GONE:
            self._close()
        else:
            self._send_next()

    def _close(self) -> None:
        if self.closed.done():
            return
        self._stop_alarm()
        self._ending = self._ending or TIMED_OUT
        self.closed.set_result(None)
        self._core.close_dialog(self._dialog.key)
        self._on_over(self)

    def _stop_alarm(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
