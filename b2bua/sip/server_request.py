"""A request that came in, and its one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from b2bua.sip.capabilities import ALLOWED
from b2bua.sip.causes import reason_phrase
from b2bua.sip.message import Request, Response, response_to
from b2bua.sip.transport.hop import Hop

__all__ = ["ALLOWED", "ServerRequest"]


class ServerRequest:
    """A request as its user sees it."""

    __slots__ = ("_send", "local_tag", "request", "source")

    def __init__(
        self, request: Request, source: Hop, *, local_tag: str, send: Callable[[Response], None]
    ) -> None:
        """``send`` takes a response to the transaction; ``local_tag`` goes into To where there is none."""
        self.request = request
        self.source = source
        self.local_tag = local_tag
        self._send = send

    def respond(
        self,
        status: int,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        """Send a response and return it as it went out."""
        to_tag = self.local_tag if status > 100 else None
        response = response_to(self.request, status, reason or reason_phrase(status), to_tag=to_tag)
        response.headers.extend(headers)
        if body:
            response.headers.add("Content-Type", content_type or "application/sdp")
            response.body = body
        self._send(response)
        return response

    def send_again(self, response: Response) -> None:
        """Repeat a provisional response (RFC 3261 §13.3.1.1)."""
        self._send(response)
