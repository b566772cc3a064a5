"""How a request that cannot be served is answered: always JSON, always with a reason in words."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

CODES = {
    400: "invalid",
    401: "unauthorised",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    413: "too-large",
    500: "internal",
    503: "unavailable",
}
"""What programs compare."""
WORDS = {
    404: "there is nothing at this address",
    405: "this cannot be done at this address",
    500: "an error of ours; the log has it",
}
CLOSE = {"Connection": "close"}
"""The rest of the request is not read."""


class Refusal(Exception):
    """A request that cannot be served."""

    def __init__(self, status: int, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


def answer(
    status: int, message: str, *, field: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return the answer that says why not."""
    error: dict[str, Any] = {"code": CODES.get(status, "failed"), "message": message}
    if field:
        error["field"] = field
    return JSONResponse({"error": error}, status_code=status, headers=headers)


async def refused(_request: Request, error: Exception) -> Response:
    """Answer a refusal of ours."""
    assert isinstance(error, Refusal)
    headers = CLOSE if error.status in (408, 413) else None
    return answer(error.status, error.message, field=error.field, headers=headers)


async def not_served(_request: Request, error: Exception) -> Response:
    """Answer what no view is there for."""
    assert isinstance(error, HTTPException)
    words = WORDS.get(error.status_code, error.detail)
    return answer(error.status_code, words, headers=dict(error.headers or {}))


async def failed(_request: Request, _error: Exception) -> Response:
    """Answer when a view failed."""
    return answer(500, WORDS[500])
