"""A customer's server over HTTP that answers, hangs or fails, in virtual time."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Reply = Callable[[httpx.Request], Any]
"""Returns text, a status, something to be sent as JSON, a response, or an error to be raised."""


@dataclass
class Handler:
    """Stands for the server; ``say`` decides what it answers."""

    say: Reply
    requests: list[httpx.Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    delay_s: float = 0.0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.delay_s)
        match self.say(request):
            case httpx.Response() as response:
                return response
            case Exception() as error:
                raise error
            case str(text):
                return httpx.Response(200, text=text)
            case bytes(raw):
                return httpx.Response(200, content=raw)
            case int(status):
                return httpx.Response(status)
            case found:
                return httpx.Response(200, json=found)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What was asked, of requests by POST."""
        return [json.loads(request.content) for request in self.requests if request.content]


def always(said: Any, *, after: float = 0.0) -> Handler:
    """Return a server that always says the same."""
    return Handler(lambda _: said, delay_s=after)


def hangs() -> Handler:
    """Return a server that takes the request and never answers."""
    return Handler(lambda _: 200, delay_s=3600.0)


def refuses() -> Handler:
    """Return a server that refuses connections, as the library tells it."""
    return Handler(lambda request: _connecting(ConnectionRefusedError(111, "Connection refused"), request))


def untrusted() -> Handler:
    """Return a server whose certificate nobody trusts."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return Handler(lambda request: _connecting(error, request))


def _connecting(cause: OSError, request: httpx.Request) -> httpx.ConnectError:
    error = httpx.ConnectError("All connection attempts failed", request=request)
    error.__cause__ = cause
    return error
