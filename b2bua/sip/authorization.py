"""Answering 401 and 407 (RFC 3261 §22.2, RFC 7616, RFC 8760)."""

from __future__ import annotations

from collections.abc import Callable

from b2bua.errors import MalformedMessage
from b2bua.sip.digest import Challenge, Credentials, answer
from b2bua.sip.message import Request, Response

_HEADERS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}


def next_request(request: Request) -> Request:
    """Return ``request`` as it is sent after a refusal: without Via, CSeq one higher (RFC 3261 §8.1.3.5)."""
    again = request.copy()
    again.headers.remove("Via")
    again.headers.put("CSeq", f"{request.cseq.number + 1} {request.method}")
    return again


class Authorizer:
    """What one request has tried so far: each kind of challenge once, once more when the nonce was stale."""

    def __init__(self, credentials: Credentials | None, new_token: Callable[[], str]) -> None:
        self._credentials = credentials
        self._new_token = new_token
        self._answered: set[tuple[int, str]] = set()
        self._uses: dict[str, tuple[Challenge, int]] = {}
        """By header: what it answers, and how often its nonce was used."""

    def retry(self, request: Request, response: Response) -> Request | None:
        """Return ``request`` with credentials and without Via, CSeq one higher; None when it is no use."""
        if self._credentials is None or response.status not in _HEADERS or response.is_local:
            return None
        asks, answers = _HEADERS[response.status]
        challenge = self._pick(response, asks)
        if challenge is None:
            return None
        self._uses[answers] = challenge, 0
        return self.again(request)

    def again(self, request: Request) -> Request:
        """Return ``request`` as ``next_request`` does, each nonce counted once more (RFC 7616 §3.4)."""
        again = next_request(request)
        for name, (challenge, uses) in self._uses.items():
            assert self._credentials is not None
            value = answer(
                challenge,
                self._credentials,
                method=request.method,
                uri=request.uri,
                body=request.body,
                cnonce=self._new_token(),
                nc=uses + 1,
            )
            again.headers.put(name, value)
            self._uses[name] = challenge, uses + 1
        return again

    def _pick(self, response: Response, name: str) -> Challenge | None:
        """Return the first challenge that we can answer and have not answered in vain (RFC 8760 §2.4)."""
        for text in response.headers.all(name):
            try:
                challenge = Challenge.parse(text)
            except MalformedMessage:
                continue
            attempt = (response.status, "stale" if challenge.is_stale else "")
            if attempt not in self._answered:
                self._answered.add(attempt)
                return challenge
        return None
