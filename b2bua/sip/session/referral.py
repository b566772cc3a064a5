"""REFER within a session, both ways: a peer's wish that we call somebody, and ours (RFC 3515, RFC 4488)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from b2bua.errors import MalformedMessage, NotAcceptable
from b2bua.sip.alarms import Alarm
from b2bua.sip.causes import reason_phrase
from b2bua.sip.core import Core, ExtraHeaders
from b2bua.sip.dialog import Dialog
from b2bua.sip.digest import Credentials
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Request, Response
from b2bua.sip.replaces import Replaces
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session.asking import DialogRequest
from b2bua.sip.uri import OtherUri, SipUri, TelUri, Uri

SIPFRAG = "message/sipfrag;version=2.0"
SUBSCRIPTION_S = 3600
"""For so long a peer is told, however long the one whom it sent on waits; the last NOTIFY ends it earlier."""
TIMED_OUT = "timeout"
"""Not refreshed, or ended by the peer (RFC 6665 §4.1.3)."""
SILENT = "noresource"
"""Nothing is told from the beginning."""
_ID = re.compile(r"\bid=([0-9]{1,10})\b")
_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})")


@dataclass(frozen=True, slots=True)
class ReferTo:
    """Whom a REFER names."""

    target: SipUri | TelUri
    """The URI to call, without its headers."""
    replaces: Replaces | None
    """The call that the new one takes the place of (attended transfer), None for a blind one."""

    @classmethod
    def parse(cls, text: str) -> ReferTo:
        """Return the value of a Refer-To header.

        Raises:
            MalformedMessage: no URI, or a Replaces that cannot be read.
            NotAcceptable: nothing that can be called.
        """
        is_bare = "?" in text and "<" not in text  # baresip writes Replaces so, against RFC 3261 §20
        uri = NameAddr.parse(f"<{text}>" if is_bare else text).uri
        if isinstance(uri, OtherUri):
            raise NotAcceptable("only sip and tel URIs can be called")
        if isinstance(uri, TelUri):
            return cls(uri, None)
        if (uri.parameter("method") or "INVITE").upper() != "INVITE":
            raise NotAcceptable("only INVITE is sent for others")
        fields = [field.partition("=") for field in uri.headers.lstrip("?").split("&")]
        replaces = [unquote(value) for name, _, value in fields if unquote(name).lower() == "replaces"]
        return cls(uri.with_(headers=""), Replaces.parse(replaces[0]) if replaces else None)


class Referral:
    """A peer's wish that we call ``target``; tell it by ``notify`` how that goes."""

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        request: Request,
        *,
        credentials: Credentials | None,
    ) -> None:
        """Read ``request``.

        Raises:
            MalformedMessage: the request cannot be read.
            NotAcceptable: it asks for something that cannot be called.
        """
        values = request.headers.all("Refer-To")
        if len(values) != 1:
            raise MalformedMessage("one Refer-To is needed")
        wish = ReferTo.parse(values[0])
        self.target: SipUri | TelUri = wish.target
        self.replaces = wish.replaces
        self.referred_by = request.headers.get("Referred-By")
        """Who says that they asked for it (RFC 3892), as it came."""
        self.is_silent = (request.headers.get("Refer-Sub") or "").strip().lower() == "false"
        """Whether the peer does not want to be told (RFC 4488)."""
        self._core = core
        self._dialog = dialog
        self._credentials = credentials
        self._id = request.cseq.number
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the peer has confirmed the final status, or will never hear of it."""
        self._ending = SILENT if self.is_silent else ""
        """Why nothing more is told, as in Subscription-State; empty: it goes on."""
        self._is_accepted = False
        self._under_way: DialogRequest | None = None
        self._said: tuple[int, str] | None = None
        self._has_news = False
        self._expires_at = 0.0
        self._expiry: Alarm | None = None

    def notify(self, status: int, reason: str | None = None, *, is_final: bool | None = None) -> None:
        """Tell the peer the status of the call it asked for; the final one ends that.

        ``is_final`` is what ``status`` says unless given.
        """
        if self._ending:
            return
        self._said, self._has_news = (status, reason or reason_phrase(status)), True
        if status >= 200 if is_final is None else is_final:
            self._end("noresource")
        self._send_next()

    def accepted(self) -> None:
        """Send the first NOTIFY, as soon as the REFER is answered (§2.4.4)."""
        self._is_accepted = True
        if self.is_silent:
            self._note_told()
            return
        self._go_on_for(SUBSCRIPTION_S)
        if self._said is None:
            self.notify(100)
        self._send_next()

    # --- for how long it is told ---------------------------------------------------------------------------

    def refresh(self, server: ServerRequest) -> None:
        """Answer SUBSCRIBE: tell how it stands, and go on for as long as it asks; for 0 s that is the last.

        Raises:
            MalformedMessage: Expires is no number.
        """
        asked = server.request.expires
        seconds = SUBSCRIPTION_S if asked is None else min(asked, SUBSCRIPTION_S)
        server.respond(200, headers=(("Expires", str(seconds)), ("Contact", self._dialog.contact)))
        self._has_news = True
        if seconds:
            self._go_on_for(seconds)
        else:
            self._end(TIMED_OUT)
        self._send_next()

    def names(self, event_id: str) -> bool:
        """Return whether an Event's ``id`` means it, which is still told; without one (empty) it may."""
        return not self._ending and event_id in ("", str(self._id))

    def _go_on_for(self, seconds: int) -> None:
        self.stop()
        if not self._ending:
            self._expires_at = self._core.now() + seconds
            self._expiry = self._core.alarms.set(self._expires_at, self._expire)

    def _expire(self) -> None:
        self._has_news = True
        self._end(TIMED_OUT)
        self._send_next()

    def _end(self, why: str) -> None:
        self.stop()
        self._ending = why

    def stop(self) -> None:
        """Count the time no more: it ends, or the call has."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    @property
    def _state(self) -> str:
        if self._ending:
            return f"terminated;reason={self._ending}"
        return f"active;expires={max(0, round(self._expires_at - self._core.now()))}"

    # --- what is told --------------------------------------------------------------------------------------

    def _send_next(self) -> None:
        """Send what was said last, one NOTIFY at a time so that they arrive in order."""
        if not self._is_accepted or not self._has_news or self._under_way is not None:
            return
        assert self._said is not None
        self._has_news = False
        status, reason = self._said
        lines = (
            ("Event", f"refer;id={self._id}"),
            ("Subscription-State", self._state),
            ("Contact", self._dialog.contact),
        )
        body = f"SIP/2.0 {status} {reason}\r\n".encode()
        self._under_way = DialogRequest(
            self._core, self._dialog, credentials=self._credentials, on_response=self._answered
        )
        self._under_way.send("NOTIFY", headers=lines, body=body, content_type=SIPFRAG)

    def _answered(self, _request: Request, response: Response) -> None:
        if response.status < 200:
            return
        self._under_way = None
        if response.status >= 300:
            self._end(self._ending or TIMED_OUT)  # nobody listens any more
            self._has_news = False
        self._send_next()
        if self._ending and self._under_way is None:
            self._note_told()

    def _note_told(self) -> None:
        if not self.told.done():
            self.told.set_result(None)


class OutgoingReferral:
    """Our wish that the peer calls somebody."""

    def __init__(self) -> None:
        self.result: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The final status: what became of the call, what refused the REFER, 202 where nobody tells."""
        self.on_progress: Callable[[int], None] | None = None
        """Told each provisional status."""

    def take(self, status: int, *, is_last: bool) -> None:
        """Note one status of the call that we asked for."""
        if self.result.done():
            return
        if is_last or status >= 200:
            self.result.set_result(status)
        elif self.on_progress is not None:
            self.on_progress(status)


class Referrals:
    """The REFERs of one session and what is told of them."""

    def __init__(self, core: Core, dialog: Dialog, *, credentials: Credentials | None) -> None:
        self._core = core
        self._dialog = dialog
        self._credentials = credentials
        self._sent: dict[int, OutgoingReferral] = {}
        self._taken: list[Referral] = []
        """The peer's own that are still told, the latest last."""

    def take(self, server: ServerRequest, on_refer: Callable[[Referral], None] | None) -> None:
        """Answer REFER: 202 and a first NOTIFY when ``on_refer`` takes it, else why not (§2.4.2)."""
        if on_refer is None:
            server.respond(603)
            return
        try:
            referral = Referral(self._core, self._dialog, server.request, credentials=self._credentials)
            on_refer(referral)
        except MalformedMessage as error:
            server.respond(error.status)
        except NotAcceptable:
            server.respond(603)
        else:
            is_silent = (("Refer-Sub", "false"),) if referral.is_silent else ()
            lines = (("Contact", self._dialog.contact), *is_silent)
            server.respond(200 if referral.is_silent else 202, headers=lines)
            self._taken = [*(each for each in self._taken if each.names("")), referral]
            referral.accepted()

    def take_subscribe(self, server: ServerRequest) -> None:
        """Answer SUBSCRIBE: the peer wants to be told for longer of a REFER, or no more (§2.4.4, §2.4.6)."""
        event, _, rest = (server.request.headers.get("Event") or "").partition(";")
        if event.strip().lower() != "refer":
            server.respond(489, headers=(("Allow-Events", "refer"),))
            return
        event_id = _ID.search(rest)
        wanted = event_id[1] if event_id is not None else ""
        referral = next((each for each in reversed(self._taken) if each.names(wanted)), None)
        if referral is None:
            server.respond(481)
            return
        try:
            referral.refresh(server)
        except MalformedMessage as error:
            server.respond(error.status)

    def refer(self, target: Uri, *, replaces: Replaces | None, headers: ExtraHeaders) -> OutgoingReferral:
        """Send REFER and return what will become of it."""
        query = "" if replaces is None else f"?Replaces={quote(str(replaces), safe='')}"
        lines = (
            ("Refer-To", f"<{target}{query}>"),
            ("Contact", self._dialog.contact),
            ("Supported", "norefersub"),
            *headers,
        )
        referral = OutgoingReferral()

        def answered(request: Request, response: Response) -> None:
            self._sent.setdefault(request.cseq.number, referral)  # a challenge has raised the number
            is_untold = (response.headers.get("Refer-Sub") or "").strip().lower() == "false"
            if response.status >= 300 or (response.status >= 200 and is_untold):
                referral.take(response.status if response.status >= 300 else 202, is_last=True)

        asking = DialogRequest(self._core, self._dialog, credentials=self._credentials, on_response=answered)
        self._sent[self._dialog.local_sequence + 1] = referral
        asking.send("REFER", headers=lines)
        return referral

    def take_notify(self, server: ServerRequest) -> None:
        """Answer NOTIFY: what became of a call that we asked for (§2.4.5)."""
        event, _, rest = (server.request.headers.get("Event") or "").partition(";")
        if event.strip().lower() != "refer":
            server.respond(489, headers=(("Allow-Events", "refer"),))
            return
        referral = self._named(rest)
        if referral is None:
            server.respond(481)
            return
        server.respond(200)
        state = (server.request.headers.get("Subscription-State") or "").strip().lower()
        found = _STATUS_LINE.match(server.request.body.lstrip())
        referral.take(int(found[1]) if found else 100, is_last=state.startswith("terminated"))

    def _named(self, parameters: str) -> OutgoingReferral | None:
        """Return the REFER that an Event's ``id`` names; without one, the latest (§2.4.6)."""
        found = _ID.search(parameters)
        if found is not None:
            return self._sent.get(int(found[1]))
        return next(reversed(self._sent.values()), None)

    def stop(self) -> None:
        """Tell whoever waits that the session is over."""
        for sent in self._sent.values():
            sent.take(487, is_last=True)
        for taken in self._taken:
            taken.stop()
        self._taken.clear()
