"""``/callback``: visitors of a web site ask to be called back, beside whatever PBX (row R14)."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from b2bua.api.bodies import read_object, text
from b2bua.api.errors import Refusal, refused
from b2bua.api.office import Office
from b2bua.api.people import local
from b2bua.api.visitors import ALLOWED, Flood, let_in, shared
from b2bua.config.tables import Callback as Settings
from b2bua.routing.numbers import callable_number, normalise
from b2bua.routing.plan import NumberSpec, Plan
from b2bua.store.callbacks import WEB, Callback, NewCallback
from b2bua.store.calls import NewCall

PATHS = ("/v1/callback", "/callback")
TEXTS = ("number", "to", "scheme", "source", "name", "note", "at")
KEYS = (*TEXTS, "now")
LONGEST = {"number": 40, "to": 40, "scheme": 60, "source": 60, "name": 80, "note": 1000}
"""Letters."""
LONGEST_KEY = 255
FARTHEST = timedelta(days=90)
View = Callable[[Request], Awaitable[Response]]


def is_callback(path: str) -> bool:
    """Return whether visitors may ask there."""
    return any(path == known or path.startswith(f"{known}/") for known in PATHS)


def callback_routes(office: Office) -> list[BaseRoute]:
    """Return what is served to them."""
    views = _Callbacks(office)
    routes: list[BaseRoute] = []
    for path in PATHS:
        routes += [
            Route(path, views.shared(views.ask), methods=["POST"]),
            Route(f"{path}/{{id}}", views.shared(views.tell)),
            Route(path, views.shared(views.preflight), methods=["OPTIONS"]),
            Route(f"{path}/{{id}}", views.shared(views.preflight), methods=["OPTIONS"]),
        ]
    return routes


class _Callbacks:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._flood = Flood()
        self._turn = asyncio.Lock()

    @property
    def _settings(self) -> Settings:
        return self._office.config().callback or Settings()

    def shared(self, view: View) -> View:
        """Return the view whose answers, refusals too, the pages of our sites may read."""

        async def answer(request: Request) -> Response:
            try:
                response = await view(request)
            except Refusal as error:
                response = await refused(request, error)
            response.headers.update(shared(request, self._settings))
            return response

        return answer

    async def preflight(self, request: Request) -> Response:
        let_in(request, self._settings)
        return Response(status_code=204, headers=ALLOWED)

    async def tell(self, request: Request) -> Response:
        found = await self._office.callbacks.find(request.path_params["id"][:32])
        if found is None:
            raise Refusal(404, "nobody asked with this id")
        return JSONResponse(self._shown(found))

    async def ask(self, request: Request) -> Response:
        let_in(request, self._settings)
        content = await read_object(request, KEYS)
        new, is_now = self._new(content, _key(request)), self._is_now(content)
        async with self._turn:  # a repeated request waits until the first one is kept
            if new.key is not None and (known := await self._office.callbacks.by_key(new.key)) is not None:
                if known.fingerprint != new.fingerprint:
                    raise Refusal(422, "this Idempotency-Key was that of another request")
                return JSONResponse(self._shown(known))
            self._flood.stop(request, self._settings, new.call.caller)
            is_written = await self._office.promise(new)
        if is_now:
            self._office.call_now(new, _one_line(text(content, "scheme")))
        headers = {"Location": f"{request.url.path}/{new.id}"}
        return JSONResponse(self._shown(new.as_kept), 201 if is_written else 202, headers)

    def _new(self, content: dict[str, Any], key: str | None) -> NewCallback:
        said = {name: _one_line(text(content, name)) for name in TEXTS}
        for name, most in LONGEST.items():
            if len(said[name]) > most:
                raise Refusal(400, f"has more than {most} letters", field=name)
        wished_at = self._wished_at(said["at"])
        number = self._number(said["number"])
        spec, id_ = self._concerned(said["to"], said["scheme"]), secrets.token_urlsafe(16)
        call = NewCall(
            call_id=f"web-{id_[:12]}",
            caller=number,
            caller_name=said["name"],
            dialled=spec.number if spec else "",
            trunk="",
            at=self._office.clock(),
            direction=WEB,
            source=said["source"] or (spec.source if spec and spec.source else ""),
        )
        about = f"scheme {said['scheme']}" if said["scheme"] and spec is None else ""
        fingerprint = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return NewCallback(
            id_, call, self._details(wished_at, about, said["note"]), fingerprint, key, wished_at
        )

    def _is_now(self, content: dict[str, Any]) -> bool:
        """Return whether our people shall ring at once."""
        is_now = content.get("now") or False
        if is_now is not True and is_now is not False:
            raise Refusal(400, "expected true or false", field="now")
        if is_now and not self._settings.ring_now:
            raise Refusal(422, "is not offered: ring-now of [callback] is false", field="now")
        if is_now and content.get("at"):
            raise Refusal(422, "give either now or at", field="now")
        return is_now

    def _number(self, written: str) -> str:
        plan = self._office.plan()
        try:
            number = callable_number(written, country=plan.country)
        except ValueError as error:
            raise Refusal(422, str(error), field="number") from None
        if number in plan.numbers:
            raise Refusal(422, "is a number of this office", field="number")
        if _has_no_price(plan, number):
            raise Refusal(422, "cannot be called from here: the price lists have none for it", field="number")
        return number

    def _concerned(self, to: str, scheme: str) -> NumberSpec | None:
        """Return the number of ours that it is about; None: none in particular."""
        plan = self._office.plan()
        if to:
            spec = plan.numbers.get(normalise(to, country=plan.country))
            if spec is None:
                raise Refusal(422, "is no number of this office", field="to")
            return spec
        if scheme and scheme not in plan.schemes:
            raise Refusal(422, "is no scheme of this office", field="scheme")
        return next((spec for spec in plan.numbers.values() if scheme in spec.schemes), None)

    def _wished_at(self, written: str) -> datetime | None:
        if not written:
            return None
        now = self._office.clock()
        try:
            at = datetime.fromisoformat(written)
        except ValueError:
            why = 'expected for example "2026-11-27T15:00:00+01:00"'
            raise Refusal(422, why, field="at") from None
        at = at if at.tzinfo else at.replace(tzinfo=self._office.zone())
        if not now <= at <= now + FARTHEST:
            raise Refusal(422, f"is past, or more than {FARTHEST.days} days away", field="at")
        return at

    def _details(self, wished_at: datetime | None, *more: str) -> str:
        at = wished_at.astimezone(self._office.zone()) if wished_at else None
        return ": ".join(filter(None, (f"at {at:%Y-%m-%d %H:%M}" if at else "", *more)))

    def _shown(self, callback: Callback) -> dict[str, Any]:
        return {
            "id": callback.id,
            "state": callback.status.value,
            "since": local(callback.since, self._office),
            "at": local(callback.wished_at, self._office) if callback.wished_at else None,
            "closed": local(callback.closed_at, self._office) if callback.closed_at else None,
        }


def _one_line(written: str) -> str:
    """Return a stranger's text without what a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in written).split())


def _has_no_price(plan: Plan, number: str) -> bool:
    """Return whether the owner counts costs on every way out, and has a price for such a number on none."""
    ways = plan.budget.ways_out
    return bool(ways) and all(way.rates is not None and way.rates.rate_of(number) is None for way in ways)


def _key(request: Request) -> str | None:
    """Return what tells a request that is repeated from another one."""
    written = request.headers.get("idempotency-key")
    if written is None:
        return None
    if not written or len(written) > LONGEST_KEY:
        raise Refusal(400, f"Idempotency-Key: expected 1 to {LONGEST_KEY} letters")
    return sha256(written.encode()).hexdigest()
