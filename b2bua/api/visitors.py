"""Visitors of web sites: which pages may let them ask, from where they do, and how often (row R14)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

from b2bua.api.errors import Refusal
from b2bua.api.limits import Limit
from b2bua.config.tables import Callback

HOUR_S = 3600.0
EVERYBODY = "everybody"
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "600",
}


def shared(request: Request, table: Callback) -> dict[str, str]:
    """Return the headers that let the page read the answer, if it may (CORS)."""
    origin = request.headers.get("origin")
    if origin not in table.origins:
        return {"Vary": "Origin"}
    exposed = "Location, Retry-After"
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": exposed, "Vary": "Origin"}


def let_in(request: Request, table: Callback) -> None:
    """Let nobody go on who has no token and comes by no page that is named.

    Raises:
        Refusal: that is so.
    """
    origin = request.headers.get("origin")
    if request.state.has_token or origin in table.origins:
        return
    if origin is None:
        raise Refusal(401, "a token is needed, or a page of the sites in origins of [callback]")
    raise Refusal(403, "pages of this site may not ask: name it in origins of [callback]")


def address_of(request: Request, proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return who asks: the first address, from the last on, that is none of our proxies.

    Of IPv6 it is the network: whoever has one address there has them all.
    """
    told = request.headers.get("x-forwarded-for", "").split(",")
    hops = [request.client.host if request.client else "", *(each.strip() for each in reversed(told))]
    for hop in hops:
        address = _parsed(hop)
        if address is None:
            break
        if any(address in network for network in proxies):
            continue
        return str(IPv6Network((int(address), 64), strict=False)) if address.version == 6 else hop
    return hops[0]


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped: IPv4Address | None = getattr(address, "ipv4_mapped", None)
    return mapped or address


class Flood:
    """Holds requests to what a site may need, so that a stranger's form does not flood the office."""

    def __init__(self) -> None:
        self._addresses, self._numbers, self._all = Limit(HOUR_S), Limit(HOUR_S), Limit(HOUR_S)

    def stop(self, request: Request, table: Callback, number: str) -> None:
        """Count a request, unless there were too many.

        Raises:
            Refusal: there were; it says when to try again.
        """
        now = asyncio.get_running_loop().time()
        limits = [(self._numbers, number, table.per_number)]
        if not request.state.has_token:  # whose program speaks for many visitors
            limits.append((self._addresses, address_of(request, table.proxies), table.per_address))
            limits.append((self._all, EVERYBODY, table.per_hour))
        wait_s = max(limit.wait_s(key, most, now) for limit, key, most in limits)
        if wait_s > 0:
            headers: Mapping[str, str] = {"Retry-After": str(math.ceil(wait_s))}
            raise Refusal(429, "too many requests within an hour: please call instead", headers=headers)
        for limit, key, _ in limits:
            limit.count(key, now)
