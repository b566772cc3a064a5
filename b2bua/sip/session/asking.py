"""A request within a dialog: sent, authorised when challenged, its final response handed on."""

from __future__ import annotations

from collections.abc import Callable

from b2bua.sip.authorization import Authorizer
from b2bua.sip.core import Core, ExtraHeaders, SentRequest
from b2bua.sip.dialog import Dialog
from b2bua.sip.digest import Credentials
from b2bua.sip.message import Request, Response

SDP = "application/sdp"


class DialogRequest:
    """One request of ours, INVITE or other, in as many transactions as its challenges need."""

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        *,
        credentials: Credentials | None,
        on_response: Callable[[Request, Response], None],
    ) -> None:
        """``on_response`` takes each response with its request, challenges that we meet excepted."""
        self._core = core
        self._dialog = dialog
        self._authorization = Authorizer(credentials, core.new_token)
        self._on_response = on_response
        self.sent: SentRequest | None = None

    def send(
        self, method: str, *, headers: ExtraHeaders = (), body: bytes = b"", content_type: str = SDP
    ) -> None:
        """Send it."""
        request = self._dialog.request(method, body=body, content_type=content_type)
        for name, value in headers:
            request.headers.add(name, value)
        self._start(request)

    def _start(self, request: Request) -> None:
        def on_response(response: Response) -> None:
            self._take(request, response)

        self.sent = self._core.send_request(request, self._core.hop_of(self._dialog), on_response)

    def _take(self, request: Request, response: Response) -> None:
        if response.status in (401, 407):
            again = self._authorization.retry(request, response)
            if again is not None:
                self._dialog.local_sequence += 1
                again.headers.put("CSeq", f"{self._dialog.local_sequence} {again.method}")
                self._start(again)
                return
        self._on_response(request, response)


def ignore(_request: Request, _response: Response) -> None:
    """Take a response that changes nothing."""


__all__ = ["SDP", "DialogRequest", "ignore"]
