"""The request that a handler gets: who calls which number, signed. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from b2bua.call.call import CallerIdentity
from b2bua.http.client import Request
from b2bua.http.signature import signature
from b2bua.routing.plan import WebhookSpec


def request_for(
    spec: WebhookSpec, caller: CallerIdentity, clock: Callable[[], datetime], *, digits: str = ""
) -> Request:
    """Return what to ask the handler: the fields as JSON, or in the query where the method is GET.

    ``digits`` is what the caller entered, where they are asked for that.
    """
    fields = {
        "caller": caller.number,
        "caller_name": caller.name,
        "dialled": caller.dialled,
        "source": caller.source,
        "trunk": caller.trunk or "",
        "call_id": caller.call_id,
        **({"digits": digits} if spec.form else {}),
    }
    headers = {"Accept": "application/json, text/plain"}
    sign = partial(signature, spec.secret, clock) if spec.secret else None
    if spec.method == "GET":
        separator = "&" if "?" in spec.url else "?"
        return Request("GET", f"{spec.url}{separator}{urlencode(fields)}", headers, sign=sign)
    body = json.dumps(fields, ensure_ascii=False).encode()
    return Request("POST", spec.url, {**headers, "Content-Type": "application/json"}, body, sign=sign)
