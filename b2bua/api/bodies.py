"""Reads what a request says: JSON of a size and within a time that are enough for anybody."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

from b2bua.api.errors import Refusal

LARGEST_BODY = 16 * 1024
"""Bytes."""
BODY_S = 5.0
"""So long a body may take."""


async def read_object(request: Request, allowed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the JSON object of a request, which has no other than the ``allowed`` keys; none: any.

    Raises:
        Refusal: it is too large (413), too slow (408), or no such object (400).
    """
    try:
        content = json.loads(await _read(request))
        json.dumps(content, ensure_ascii=False).encode()  # half of a letter (\ud800) is no text
    except (ValueError, RecursionError):
        raise Refusal(400, 'expected a JSON object, for example {"state": "away"}') from None
    if not isinstance(content, dict):
        raise Refusal(400, 'expected a JSON object, for example {"state": "away"}')
    for key in content:
        if allowed and key not in allowed:
            raise Refusal(400, f"is not known here; there are: {', '.join(allowed)}", field=str(key)[:60])
    return content


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Refusal(413, f"more than {LARGEST_BODY} bytes are not read")
    except TimeoutError:
        raise Refusal(408, f"the request did not come within {BODY_S:g} s") from None
    except ClientDisconnect:
        raise Refusal(400, "the request ended too early") from None
    return bytes(body)


def text(content: dict[str, Any], key: str) -> str:
    """Return the text of ``key``, empty where there is none.

    Raises:
        Refusal: it is something else.
    """
    value = content.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal(400, "expected a text", field=key)
    return value
