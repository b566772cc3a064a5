"""``/v1/override``: what holds for all calls of the office, against hours and schemes."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from b2bua.api.bodies import read_object, text
from b2bua.api.errors import Refusal
from b2bua.api.office import Office
from b2bua.api.people import local, read_end
from b2bua.people.decisions import NORMAL, in_words
from b2bua.people.status import Source
from b2bua.routing.override import Override, OverrideKind, decision, why_impossible

PATH = "/v1/override"
KEYS = ("decision", "for", "until")
WHO = "the API"


def override_routes(office: Office) -> list[BaseRoute]:
    """Return what is served of decisions."""

    async def current(_request: Request) -> Response:
        return JSONResponse(_shown(office))

    async def decide(request: Request) -> Response:
        content = await read_object(request, KEYS)
        kind = _kind(content, office)
        now = office.clock().astimezone(office.zone())
        return await put(decision(office.plan(), kind, now, read_end(content, office)))

    async def take_back(_request: Request) -> Response:
        return await put(NORMAL)

    async def put(decided: Override) -> Response:
        await office.decisions.decide(decided, who=WHO, source=Source.API)
        return JSONResponse(_shown(office))

    return [
        Route(PATH, current),
        Route(PATH, decide, methods=["PUT", "POST"]),
        Route(PATH, take_back, methods=["DELETE"]),
    ]


def _kind(content: dict[str, Any], office: Office) -> OverrideKind:
    written = text(content, "decision")
    if written not in tuple(OverrideKind):
        raise Refusal(400, f"expected one of {', '.join(OverrideKind)}", field="decision")
    kind = OverrideKind(written)
    if why := why_impossible(office.plan(), kind):
        raise Refusal(400, f"cannot be decided: {why}", field="decision")
    return kind


def _shown(office: Office) -> dict[str, Any]:
    current, last = office.decisions.current, office.decisions.last
    made = last if last is not None and current is not NORMAL else None
    return {
        "decision": current.kind.value,
        "since": local(made.since, office) if made else None,
        "until": local(current.until, office) if current.until else None,
        "source": made.source if made else None,
        "who": made.who if made else None,
        "words": in_words(current, office.zone(), office.clock()),
    }
