"""Asking a provider by OPTIONS whether it is there (RFC 3261 §11)."""

from __future__ import annotations

import asyncio

from b2bua.config.models import Trunk
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.grammar import readable
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri
from b2bua.trunk.selection import account_domain, next_hop

ANSWER_S = 4.0
"""In that time UDP repeats the question three times; who lets it pass counts as silent."""


async def probe(trunk: Trunk, endpoint: SipEndpoint, hop: Hop) -> Response | None:
    """Return the answer of the provider's server at ``hop`` to an OPTIONS; None: silence.

    Silence is not held against the server here: some never answer an OPTIONS, whatever RFC 3261 says.
    """
    domain = account_domain(trunk) or endpoint.local_hop(hop).authority
    headers = Headers(
        [("From", str(NameAddr(SipUri(trunk.username, domain)))), ("Accept", "application/sdp")]
    )
    request = Request("OPTIONS", str(next_hop(trunk)), headers)
    try:
        async with asyncio.timeout(ANSWER_S):
            return await endpoint.request(request, hop)
    except TimeoutError:
        return None


def status_in_words(response: Response) -> str:
    """Return ``486 Busy Here``, safe for a log."""
    return f"{response.status} {readable(response.reason)[:60]}"
