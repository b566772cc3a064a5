"""REFER within a session, both ways: a peer's wish that we call somebody, and ours (RFC 3515, RFC 4488)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from b2bua.errors import MalformedMessage, NotAcceptable
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
SUBSCRIPTION_S = 180
"""What the first NOTIFY promises; the last one ends it earlier."""
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
        self._is_over = self.is_silent
        self._is_accepted = False
        self._under_way: DialogRequest | None = None
        self._next: tuple[int, str, bool] | None = None

    def notify(self, status: int, reason: str | None = None, *, is_final: bool | None = None) -> None:
        """Tell the peer the status of the call it asked for; the final one ends that.

        ``is_final`` is what ``status`` says unless given.
        """
        if self._is_over:
            return
        is_last = status >= 200 if is_final is None else is_final
        self._is_over = is_last
        self._next = (status, reason or reason_phrase(status), is_last)
        self._send_next()

    def accepted(self) -> None:
        """Send the first NOTIFY, as soon as the REFER is answered (§2.4.4)."""
        self._is_accepted = True
        if self.is_silent:
            self._note_told()
        if self._next is None:
            self.notify(100)
        self._send_next()

    def _send_next(self) -> None:
        """Send what was said last, one NOTIFY at a time so that they arrive in order."""
        if not self._is_accepted or self._next is None or self._under_way is not None:
            return
        status, reason, is_last = self._next
        self._next = None
        state = "terminated;reason=noresource" if is_last else f"active;expires={SUBSCRIPTION_S}"
        lines = (
            ("Event", f"refer;id={self._id}"),
            ("Subscription-State", state),
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
            self._is_over = True  # nobody listens any more
            self._next = None
        self._send_next()
        if self._is_over and self._under_way is None:
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
        found = re.search(r"\bid=([0-9]{1,10})\b", parameters)
        if found is not None:
            return self._sent.get(int(found[1]))
        return next(reversed(self._sent.values()), None)

    def stop(self) -> None:
        """Tell whoever waits that the session is over."""
        for referral in self._sent.values():
            referral.take(487, is_last=True)


def take_refer(
    server: ServerRequest,
    core: Core,
    dialog: Dialog,
    *,
    credentials: Credentials | None,
    on_refer: Callable[[Referral], None] | None,
) -> None:
    """Answer REFER: 202 and a first NOTIFY when ``on_refer`` takes it, else why not (§2.4.2)."""
    if on_refer is None:
        server.respond(603)
        return
    try:
        referral = Referral(core, dialog, server.request, credentials=credentials)
        on_refer(referral)
    except MalformedMessage as error:
        server.respond(error.status)
    except NotAcceptable:
        server.respond(603)
    else:
        lines = (("Contact", dialog.contact), *((("Refer-Sub", "false"),) if referral.is_silent else ()))
        server.respond(200 if referral.is_silent else 202, headers=lines)
        referral.accepted()
