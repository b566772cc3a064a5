"""Requests outside of calls: who takes them, and what we tell of ourselves (RFC 3261 §11.2)."""

from __future__ import annotations

from dataclasses import dataclass

from b2bua.registrar.register import Registrar
from b2bua.sip import capabilities
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.subscription import Notifier

ALLOWED = f"{capabilities.ALLOWED}, REGISTER, SUBSCRIBE"
OPTIONS = (("Allow", ALLOWED), ("Supported", capabilities.SUPPORTED), ("Accept", "application/sdp"))
"""What we tell who asks what we can do."""


@dataclass(frozen=True, slots=True)
class OtherRequests:
    """Takes what is no INVITE and comes in no dialog."""

    registrar: Registrar
    """Takes REGISTER."""
    notifier: Notifier
    """Takes SUBSCRIBE."""

    def take(self, server: ServerRequest) -> None:
        """Answer one request."""
        match server.request.method:
            case "REGISTER":
                self.registrar.handle(server)
            case "SUBSCRIBE":
                self.notifier.take(server)
            case "OPTIONS":
                server.respond(200, headers=(*OPTIONS, self.notifier.allow_events))
            case "REFER":
                server.respond(403, "Only Within a Call")
            case _:
                server.respond(405, headers=(("Allow", ALLOWED), self.notifier.allow_events))
