"""Lets in who has a token, and tells everybody else nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from hashlib import sha256

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from b2bua.api.errors import CLOSE, answer
from b2bua.config.tables.api import LISTENING

log = structlog.get_logger("office")

SCHEME = "bearer "


class Guard:
    """ASGI application around another one: it is reached with one of the tokens alone (RFC 6750 §2.1).

    Links to recordings are their own proof.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        tokens: Callable[[], Iterable[str]],
        edit_tokens: Callable[[], Iterable[str]],
        is_open: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        """All are asked at each request: a token that is taken away opens nothing from then on.

        ``is_open`` returns whether a path is for everybody; who asks there says more to what serves it.
        """
        self._is_open = is_open
        self._app = app
        self._tokens = tokens
        self._edit_tokens = edit_tokens
        self._strangers: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_http = scope["type"] == "http"
        is_open = is_http and (scope["path"].startswith(LISTENING) or self._is_open(scope["path"]))
        authorization = Headers(scope=scope).get("authorization", "")
        may_edit = _is_one_of(authorization, self._edit_tokens())
        has_token = may_edit or _is_one_of(authorization, self._tokens())
        if is_open or has_token:
            scope.setdefault("state", {}).update(may_edit=may_edit, has_token=has_token)
            await self._app(scope, receive, send)
            return
        self._tell(scope)
        headers = {"WWW-Authenticate": "Bearer", **CLOSE}
        refusal = answer(401, "a token is needed: Authorization: Bearer …", headers=headers)
        await refusal(scope, receive, send)

    def _tell(self, scope: Scope) -> None:
        """Log each address that has no token once, and not more of them than a log bears."""
        address = scope["client"][0] if scope.get("client") else "?"
        if address not in self._strangers and len(self._strangers) < 100:
            self._strangers.add(address)
            log.warning("somebody without a token asked the API", address=address)


def _is_one_of(authorization: str, tokens: Iterable[str]) -> bool:
    """Compare with every token, each in the time of any other, so that nothing is learned by trying."""
    if authorization[: len(SCHEME)].lower() != SCHEME:
        return False
    offered = _digest(authorization[len(SCHEME) :].strip())
    matches = [hmac.compare_digest(offered, _digest(token)) for token in tokens]
    return any(matches)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
