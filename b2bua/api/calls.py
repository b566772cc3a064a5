"""``/v1/calls`` and ``/v1/promises``: who calls right now, whom the office owes a call, and who had it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from b2bua.api.bodies import read_object, text
from b2bua.api.errors import Refusal
from b2bua.api.office import Office
from b2bua.api.people import local
from b2bua.call.call import Call
from b2bua.store.promises import Promise, PromiseStatus

MOST = 1000
"""So many promises are told at once."""
CLOSED = (PromiseStatus.KEPT.value, PromiseStatus.DROPPED.value)
"""What a program may say of one."""
BY_PROGRAM = "said by a program"
LONGEST_WHY = 200
"""Letters of its remark."""


def call_routes(office: Office) -> list[BaseRoute]:
    """Return what is served of calls."""

    async def calls(_request: Request) -> Response:
        return JSONResponse({"calls": [_shown(call, office) for call in office.calls]})

    async def promises(request: Request) -> Response:
        found = await office.promises.open(_limit(request))
        return JSONResponse({"promises": [_owed(promise, office) for promise in found]})

    async def close(request: Request) -> Response:
        promise = await _promise(request, office)
        await _close(promise, await read_object(request, ("status", "why")), office)
        [closed] = await office.promises.named(promise.call_id)
        return JSONResponse(_owed(closed, office))

    return [
        Route("/v1/calls", calls),
        Route("/v1/promises", promises),
        Route("/v1/promises/{call}", close, methods=["PUT", "POST"]),
    ]


async def _promise(request: Request, office: Office) -> Promise:
    call: str = request.path_params["call"]
    found = [each for each in await office.promises.named(call) if each.call_id == call]
    if not found:
        raise Refusal(404, "nobody is owed a call for this call")
    return found[0]


async def _close(promise: Promise, content: dict[str, Any], office: Office) -> None:
    status, why = text(content, "status"), text(content, "why")
    if status not in CLOSED:
        raise Refusal(400, f"expected one of {', '.join(CLOSED)}", field="status")
    if len(why) > LONGEST_WHY:
        raise Refusal(400, f"more than {LONGEST_WHY} letters", field="why")
    if promise.status is not PromiseStatus.OPEN:
        raise Refusal(409, f"it is {promise.status.value} already", field="status")
    close = office.promises.keep if status == PromiseStatus.KEPT else office.promises.drop
    if not await close(promise.id, at=office.clock(), why=why or BY_PROGRAM):
        raise Refusal(503, "the disk does not take it now")


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
        "status": promise.status.value,
        "attempts": promise.attempts,
        "next_attempt_at": local(promise.call_at, office) if promise.call_at else None,
    }


def _limit(request: Request) -> int:
    written = request.query_params.get("limit", "100")
    if not (written.isascii() and written.isdecimal() and len(written) < 9 and 1 <= int(written) <= MOST):
        raise Refusal(400, f"expected a number from 1 to {MOST}", field="limit")
    return int(written)
