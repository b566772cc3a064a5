"""Requests within a dialog whose INVITE has no final response yet."""

from __future__ import annotations

import asyncio

from b2bua.sip.capabilities import ALLOWED
from b2bua.sip.message import Request, Response
from b2bua.sip.server_request import ServerRequest


def answer_early(server: ServerRequest, *, glare_status: int) -> None:
    """Answer what may come in an early dialog, BYE excepted.

    ``glare_status`` meets an offer while the INVITE's own is unanswered: 491 where that was ours, 500 where
    it was theirs (RFC 3311 §5.2, RFC 3261 §14.2).
    """
    method = server.request.method
    if method == "OPTIONS" or (method in ("UPDATE", "INFO") and not server.request.body):
        server.respond(200, headers=(("Allow", ALLOWED),))
    elif method in ("INVITE", "UPDATE"):
        server.respond(glare_status, headers=(("Retry-After", "2"),) if glare_status == 500 else ())
    elif method == "INFO":
        server.respond(415)
    else:
        server.respond(405, headers=(("Allow", ALLOWED),))


class EarlyCallee:
    """The early dialog of one fork that we ring."""

    def on_request(self, server: ServerRequest) -> None:
        """Answer a request of the fork; BYE is not for it to send (RFC 3261 §15) and does no harm."""
        if server.request.method == "BYE":
            server.respond(200)
        else:
            answer_early(server, glare_status=491)

    def close(self) -> asyncio.Future[None] | None:
        """The INVITE is what gets cancelled."""
        return None

    def on_ack(self, request: Request) -> None:
        """Nothing of ours waits for an ACK here."""

    def on_late_answer(self, response: Response) -> None:
        """The INVITE is under way: its transaction takes the answers."""


EARLY_CALLEE = EarlyCallee()
