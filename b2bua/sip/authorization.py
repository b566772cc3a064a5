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


MOST_REALMS = 4
"""A server that asks for another realm each time is not followed further."""


class Authorizer:
    """What one request has tried so far: each realm once, once more when its nonce was stale."""

    __slots__ = ("_answered", "_credentials", "_new_token", "_uses")

    def __init__(self, credentials: Credentials | None, new_token: Callable[[], str]) -> None:
        self._credentials = credentials
        self._new_token = new_token
        self._answered: tuple[tuple[int, str, bool], ...] = ()
        self._uses: dict[tuple[str, str], tuple[Challenge, int]] = {}
        """By header and realm: what it answers, and how often its nonce was used."""

    def retry(self, request: Request, response: Response) -> Request | None:
        """Return ``request`` with credentials and without Via, CSeq one higher; None when it is no use.

        Each proxy and the callee may ask for a realm of its own; all are answered together (§22.3).
        """
        if self._credentials is None or response.status not in _HEADERS or response.is_local:
            return None
        asks, answers = _HEADERS[response.status]
        challenges = self._pick(response, asks)
        if (
            not challenges
            or len(self._uses.keys() | {(answers, realm) for realm in challenges}) > MOST_REALMS
        ):
            return None
        for realm, challenge in challenges.items():
            self._uses[answers, realm] = challenge, 0
        return self.again(request)

    def again(self, request: Request) -> Request:
        """Return ``request`` as ``next_request`` does, each nonce counted once more (RFC 7616 §3.4)."""
        again = next_request(request)
        for name, _ in self._uses:
            again.headers.remove(name)
        for (name, realm), (challenge, uses) in self._uses.items():
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
            again.headers.add(name, value)
            self._uses[name, realm] = challenge, uses + 1
        return again

    def _pick(self, response: Response, name: str) -> dict[str, Challenge]:
        """Return for each realm the first challenge that we can answer (RFC 8760 §2.4), if not in vain."""
        assert self._credentials is not None
        only, picked = self._credentials.realm, dict[str, Challenge]()
        for text in response.headers.all(name):
            try:
                challenge = Challenge.parse(text)
            except MalformedMessage:
                continue
            if only is None or challenge.realm == only:
                picked.setdefault(challenge.realm, challenge)
        fresh = {
            realm: challenge
            for realm, challenge in picked.items()
            if (response.status, realm, challenge.is_stale) not in self._answered
        }
        answered = [(response.status, realm, each.is_stale) for realm, each in fresh.items()]
        self._answered = (*self._answered, *answered)
        return fresh
