"""What dialogs and sessions ask of the layers below them; the endpoint offers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from b2bua.sip.alarms import Alarms
from b2bua.sip.dialog import Dialog, DialogKey
from b2bua.sip.message import Request, Response
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.session_timers import SessionTimers
from b2bua.sip.timers import Timers
from b2bua.sip.transport.hop import Hop

OnResponse = Callable[[Response], None]
"""Takes every response of a client transaction; silence is a local 408, a dead destination a local 503."""

ExtraHeaders = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sent:
    """Something that may have to be sent again as it is."""

    wire: bytes
    """The bytes."""
    hop: Hop
    """Where to."""


class SentRequest(Protocol):
    """A client transaction that is under way."""

    @property
    def request(self) -> Request:
        """The request as it went out, with its Via."""

    @property
    def hop(self) -> Hop:
        """Where it went."""


class DialogOwner(Protocol):
    """Whoever answers the requests that come within a dialog."""

    def on_request(self, server: ServerRequest) -> None:
        """Answer a request other than ACK."""

    def on_ack(self, request: Request) -> None:
        """Take an ACK to a 2xx."""

    def on_late_answer(self, response: Response) -> None:
        """Take a 2xx to an INVITE whose transaction is gone: acknowledge it again (RFC 3261 §13.2.2.4)."""

    def close(self) -> asyncio.Future[None] | None:
        """End it; return what is done when the peer has confirmed, None where nothing is to be waited for."""


class InviteOwner(Protocol):
    """Whoever sent an INVITE, for the 2xx that come after its transaction is gone."""

    def on_late_answer(self, response: Response) -> None:
        """Acknowledge it; hang up what is one too many."""

    def close(self) -> asyncio.Future[None] | None:
        """End it; return what is done when the peer has confirmed, None where nothing is to be waited for."""


class Core(Protocol):
    """The shell's services for sessions."""

    alarms: Alarms
    timers: Timers
    session_timers: SessionTimers
    random: Random

    def now(self) -> float:
        """Return the loop's time."""

    def new_token(self) -> str:
        """Return an unguessable tag, branch or Call-ID part."""

    def contact(self, toward: Hop, user: str | None, *, is_secure: bool = False) -> str:
        """Return our Contact value for peers at ``toward``; ``sips:`` for who called one (§12.1.1)."""

    def hop_of(self, dialog: Dialog) -> Hop:
        """Return where requests within ``dialog`` go now."""

    def expect_server(self, dialog: Dialog) -> None:
        """Learn in time where the peer is reached anew that names a server and may close its connection."""

    def send_request(self, request: Request, hop: Hop, on_response: OnResponse) -> SentRequest:
        """Send a request in a client transaction of its own."""

    def cancel_request(self, sent: SentRequest, reason: str | None) -> None:
        """Send the CANCEL of an INVITE (RFC 3261 §9.1)."""

    def abandon_request(self, sent: SentRequest) -> None:
        """Forget a client transaction; its responses are strays from now on."""

    def send_ack(self, request: Request, hop: Hop) -> Sent:
        """Send the ACK of a 2xx, which has no transaction, and return it for repetition."""

    def send_again(self, sent: Sent) -> None:
        """Repeat it."""

    def open_dialog(self, dialog: Dialog, owner: DialogOwner) -> None:
        """Let requests within ``dialog`` reach ``owner``, instead of whoever owned it before."""

    def close_dialog(self, key: DialogKey) -> None:
        """Let requests within that dialog be answered 481."""

    def remember_invite(self, key: tuple[str, str], owner: InviteOwner) -> None:
        """Let late 2xx of that Call-ID and From tag reach ``owner``."""

    def forget_invite(self, key: tuple[str, str]) -> None:
        """Stop that."""
