"""``/v1/schemes`` and ``/v1/queues``: what is done with callers, and who changes it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from b2bua.api.bodies import read_object
from b2bua.api.errors import Refusal
from b2bua.api.office import Office
from b2bua.api.tables import Tables, must_edit
from b2bua.config.models import Config
from b2bua.config.readback import readback, scheme_readback
from b2bua.config.rewriting import STEP, Content
from b2bua.routing.facts import Facts


def scheme_routes(office: Office) -> list[BaseRoute]:
    """Return what is served of schemes and queues."""

    def scheme(config: Config, name: str) -> dict[str, Any]:
        facts = Facts(office.clock().astimezone(office.zone()))
        return scheme_readback(config, office.completed(config), name, facts)

    def queue(config: Config, name: str) -> dict[str, Any]:
        return readback(config, "queue", name)

    schemes = Tables(office, "scheme", "schemes", scheme)

    async def order(request: Request) -> Response:
        must_edit(request)
        wanted = (await read_object(request, ("order",))).get("order")
        return await schemes.revised(request, lambda now: _in_order(now, wanted))

    return [
        *_routes(schemes, "/v1/schemes"),
        Route("/v1/schemes/{name}/order", order, methods=["PUT", "POST"]),
        *_routes(Tables(office, "queue", "queues", queue), "/v1/queues"),
    ]


def _routes(tables: Tables, path: str) -> list[BaseRoute]:
    one = f"{path}/{{name}}"
    return [
        Route(path, tables.all),
        Route(path, tables.add, methods=["POST"]),
        Route(one, tables.one),
        Route(one, tables.put, methods=["PUT"]),
        Route(one, tables.change, methods=["PATCH"]),
        Route(one, tables.remove, methods=["DELETE"]),
        Route(f"{one}/name", tables.rename, methods=["PUT", "POST"]),
    ]


def _in_order(scheme: Content, order: object) -> Content:
    """Return the scheme with its steps in another order, which names each by its position from 1."""
    steps = scheme.get(STEP, [])
    wanted: list[Any] = order if isinstance(order, list) else []
    has_numbers = all(type(each) is int for each in wanted)
    if not has_numbers or sorted(wanted) != list(range(1, len(steps) + 1)):
        why = f"expected each of the steps 1 to {len(steps)} once, in the order that they are to have"
        raise Refusal(400, why, field="order")
    return {**scheme, STEP: [steps[position - 1] for position in wanted]}
