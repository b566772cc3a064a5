"""How a request that cannot be served is answered: always JSON, always with a reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

CODES = {
    400: "invalid",
    401: "unauthorised",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "conflict",
    412: "changed-meanwhile",
    413: "too-large",
    422: "refused",
    429: "too-many",
    500: "internal",
    503: "unavailable",
}
"""What programs compare."""
WORDS = {
    404: "there is nothing at this address",
    405: "this cannot be done at this address",
    500: "an error of ours; the log has it",
}
NOTHING: Mapping[str, Any] = MappingProxyType({})
CLOSE = {"Connection": "close"}
"""The rest of the request is not read."""


class Refusal(Exception):
    """A request that cannot be served."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        field: str = "",
        more: Mapping[str, Any] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.more = more
        self.headers = headers


def answer(
    status: int,
    message: str,
    *,
    field: str = "",
    more: Mapping[str, Any] = NOTHING,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer that says why not."""
    error: dict[str, Any] = {"code": CODES.get(status, "failed"), "message": message, **more}
    if field:
        error["field"] = field
    return JSONResponse({"error": error}, status_code=status, headers=headers)


async def refused(_request: Request, error: Exception) -> Response:
    """Answer a refusal of ours."""
    assert isinstance(error, Refusal)
    headers = {**error.headers, **(CLOSE if error.status in (408, 413) else {})}
    return answer(error.status, error.message, field=error.field, more=error.more, headers=headers)


async def not_served(_request: Request, error: Exception) -> Response:
    """Answer what no view is there for."""
    assert isinstance(error, HTTPException)
    words = WORDS.get(error.status_code, error.detail)
    return answer(error.status_code, words, headers=dict(error.headers or {}))


async def failed(_request: Request, _error: Exception) -> Response:
    """Answer when a view failed."""
    return answer(500, WORDS[500])
