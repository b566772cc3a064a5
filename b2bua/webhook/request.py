"""The request that a handler gets: who calls which number, signed. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from b2bua.call.call import CallerIdentity
from b2bua.http.client import Request
from b2bua.routing.plan import WebhookSpec

TIMESTAMP = "X-B2bua-Timestamp"
SIGNATURE = "X-B2bua-Signature"


def request_for(spec: WebhookSpec, caller: CallerIdentity, clock: Callable[[], datetime]) -> Request:
    """Return what to ask the handler: the fields as JSON, or in the query where the method is GET."""
    fields = {
        "caller": caller.number,
        "caller_name": caller.name,
        "dialled": caller.dialled,
        "source": caller.source,
        "trunk": caller.trunk or "",
        "call_id": caller.call_id,
    }
    headers = {"Accept": "application/json, text/plain"}
    sign = partial(signature, spec.secret, clock) if spec.secret else None
    if spec.method == "GET":
        separator = "&" if "?" in spec.url else "?"
        return Request("GET", f"{spec.url}{separator}{urlencode(fields)}", headers, sign=sign)
    body = json.dumps(fields, ensure_ascii=False).encode()
    return Request("POST", spec.url, {**headers, "Content-Type": "application/json"}, body, sign=sign)


def signature(
    secret: str, clock: Callable[[], datetime], method: str, target: str, body: bytes
) -> Mapping[str, str]:
    """Return the headers that prove that a request is ours and of now.

    Signed is ``<timestamp>.<method>.<path with query>.<body>`` by HMAC-SHA256 (RFC 2104), written in hex.
    """
    timestamp = str(int(clock().timestamp()))
    text = b".".join((timestamp.encode(), method.encode(), target.encode(), body))
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {TIMESTAMP: timestamp, SIGNATURE: f"sha256={digest}"}
