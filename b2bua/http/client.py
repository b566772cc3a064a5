"""One client for all servers outside that are asked over HTTP: connections are kept, answers are bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from b2bua.http.failures import Fault, NoAnswerError, in_words, of_status

if TYPE_CHECKING:
    import httpx

LARGEST_ANSWER = 64 * 1024
"""Bytes; whoever sends more is not understood."""
MOST_REDIRECTS = 3
MOST_CONNECTIONS = 100
"""To all servers together; who waits for a free one spends their own budget."""
IDLE_S = 60.0
"""How long a connection is kept that nobody uses."""
KEEPS_METHOD = (307, 308)
"""Redirections that repeat the request as it was (RFC 9110 §15.4); the others are followed for GET alone."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask."""

    method: str
    """``GET``, ``POST``…"""
    url: str
    """``http:`` or ``https:``, with its query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Besides those that every request has."""
    body: bytes = b""
    """What goes with it."""
    sign: Callable[[str, str, bytes], Mapping[str, str]] | None = None
    """Returns the headers that sign method, path with query, and body; asked again where it is redirected."""
    largest: int = LARGEST_ANSWER
    """Bytes of an answer; whoever sends more is not understood."""
    goes_elsewhere: bool = False
    """It may be redirected to another server: nothing in it is for the first one alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back with a 2xx."""

    status: int
    """200 to 299."""
    content_type: str
    """Without parameters, in small letters; empty when none is told."""
    body: bytes
    """As it came."""


class HttpClient:
    """Asks. Nothing is imported or opened before the first question, or ``prepare``."""

    def __init__(
        self, user_agent: str, *, transport: Callable[[], httpx.AsyncBaseTransport] | None = None
    ) -> None:
        """``transport`` makes what stands in for the network; None: the network."""
        self._user_agent = user_agent
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._preparing: asyncio.Future[httpx.AsyncClient] | None = None

    async def prepare(self) -> None:
        """Load the library and the certificates that are trusted, so that the first caller need not wait."""
        await self._ready()

    async def close(self) -> None:
        """Close every connection."""
        if self._preparing is not None:
            await asyncio.wait((self._preparing,))
        if self._client is not None:
            await self._client.aclose()

    async def ask(self, request: Request, *, budget_s: float) -> Answer:
        """Return the answer, which came within ``budget_s`` seconds, redirections included.

        Raises:
            NoAnswerError: none came, it is none with 2xx, or it is too long.
        """
        try:
            async with asyncio.timeout(budget_s):
                return await self._follow(await self._ready(), request)
        except TimeoutError:
            raise NoAnswerError(f"did not answer within {budget_s:g} s") from None

    async def _follow(self, client: httpx.AsyncClient, request: Request) -> Answer:
        import httpx

        url = httpx.URL(request.url)
        for _ in range(MOST_REDIRECTS + 1):
            try:
                answer = await self._once(client, request, url)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
                raise NoAnswerError(in_words(error)) from error
            if isinstance(answer, Answer):
                return answer
            url = answer
        raise NoAnswerError("sends us from one address to the next for ever", Fault.REFUSED)

    async def _once(self, client: httpx.AsyncClient, request: Request, url: httpx.URL) -> Answer | httpx.URL:
        """Return the answer, or where we are sent instead."""
        signature = (
            request.sign(request.method, url.raw_path.decode("ascii"), request.body) if request.sign else {}
        )
        asked = client.build_request(
            request.method, url, headers={**request.headers, **signature}, content=request.body or None
        )
        response = await client.send(asked, stream=True)
        try:
            if response.has_redirect_location:
                return _target(response, request)
            if not response.is_success:
                raise of_status(response.status_code, response.headers)
            content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Answer(response.status_code, content_type, await _bounded(response, request.largest))
        finally:
            await response.aclose()

    async def _ready(self) -> httpx.AsyncClient:
        if self._client is None:
            if self._preparing is None:
                self._preparing = asyncio.ensure_future(asyncio.to_thread(self._build))
            # whoever gives up waiting must not stop what others wait for, too
            self._client = await asyncio.shield(self._preparing)
        return self._client

    def _build(self) -> httpx.AsyncClient:
        """Return the client; loads a library and reads the trusted certificates: not for the event loop."""
        import ssl

        import httpx

        return httpx.AsyncClient(
            transport=self._transport() if self._transport else None,
            verify=ssl.create_default_context(),
            limits=httpx.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=IDLE_S),
            timeout=None,  # noqa: S113 - ``ask`` has one for the whole
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
        )


def _target(response: httpx.Response, request: Request) -> httpx.URL:
    """Return where a redirection leads, if that is the same server.

    Raises:
        NoAnswerError: it is another one, or the request would be another one.
    """
    if request.method != "GET" and response.status_code not in KEEPS_METHOD:
        status = response.status_code
        why = f"answered {status}, but only 307 and 308 send a {request.method} on"
        raise NoAnswerError(why, Fault.REFUSED, status=status)
    before, after = response.request.url, response.request.url.join(response.headers["location"])
    is_there = request.goes_elsewhere or after.host == before.host
    if not is_there or after.scheme not in (before.scheme, "https"):
        raise NoAnswerError(f"sends us to another server ({after.host or 'nowhere'})", Fault.REFUSED)
    return after


async def _bounded(response: httpx.Response, largest: int) -> bytes:
    """Return the whole body.

    Raises:
        NoAnswerError: it is longer than ``largest`` bytes, or compressed although we asked for it plain.
    """
    if response.headers.get("content-encoding", "identity") != "identity":
        raise NoAnswerError("sent a compressed answer, which was not asked for", Fault.BAD)
    body = bytearray()
    async for chunk in response.aiter_bytes():  # which decodes nothing: see above
        body += chunk
        if len(body) > largest:
            raise NoAnswerError(f"sent more than {largest // 1024} kB", Fault.BAD)
    return bytes(body)
