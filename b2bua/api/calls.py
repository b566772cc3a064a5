"""``/v1/calls`` and ``/v1/promises``: who calls right now, and whom the office owes a call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from b2bua.api.errors import Refusal
from b2bua.api.office import Office
from b2bua.api.people import local
from b2bua.call.call import Call
from b2bua.store.promises import Promise

MOST = 1000
"""So many promises are told at once."""


def call_routes(office: Office) -> list[BaseRoute]:
    """Return what is served of calls."""

    async def calls(_request: Request) -> Response:
        return JSONResponse({"calls": [_shown(call, office) for call in office.calls]})

    async def promises(request: Request) -> Response:
        found = await office.promises.open(_limit(request))
        return JSONResponse({"promises": [_owed(promise, office) for promise in found]})

    return [Route("/v1/calls", calls), Route("/v1/promises", promises)]


def _shown(call: Call, office: Office) -> dict[str, Any]:
    identity = call.identity
    return {
        "id": identity.call_id,
        "caller": identity.number,
        "caller_name": identity.name,
        "dialled": identity.dialled,
        "trunk": identity.trunk,
        "person": identity.person,
        "since": local(office.clock() - timedelta(seconds=call.age), office),
        "seconds": round(call.age, 1),
        "state": _state(call),
        "talking_with": call.partner or None,
    }


def _state(call: Call) -> str:
    """Return ``ringing`` before anything answered, ``talking``, or ``waiting`` in a queue, a menu, …"""
    if call.partner:
        return "talking"
    return "waiting" if call.caller.is_answered else "ringing"


def _owed(promise: Promise, office: Office) -> dict[str, Any]:
    return {
        "call": promise.call_id,
        "caller": promise.caller,
        "caller_name": promise.caller_name,
        "dialled": promise.dialled,
        "since": local(promise.since, office),
        "why": promise.why,
        "owner": promise.owner or None,
    }


def _limit(request: Request) -> int:
    written = request.query_params.get("limit", "100")
    if not (written.isascii() and written.isdecimal() and len(written) < 9 and 1 <= int(written) <= MOST):
        raise Refusal(400, f"expected a number from 1 to {MOST}", field="limit")
    return int(written)
