"""``/v1/links``: links for web pages that dial an extension, and how often each was called (row I10)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from b2bua.api.errors import Refusal
from b2bua.api.office import Office
from b2bua.config.tel_links import NoLink, TelLink, links_of, tel_link


def link_routes(office: Office) -> list[BaseRoute]:
    """Return what is served of links."""

    async def links(_request: Request) -> Response:
        return JSONResponse({"links": await _shown(list(links_of(office.plan())), office)})

    async def link(request: Request) -> Response:
        try:
            found = tel_link(office.plan(), request.path_params["number"], request.path_params["extension"])
        except NoLink as why:
            raise Refusal(422, str(why)) from why
        [shown] = await _shown([found], office)
        return JSONResponse(shown)

    return [Route("/v1/links", links), Route("/v1/links/{number}/{extension}", link)]


async def _shown(links: list[TelLink], office: Office) -> list[dict[str, Any]]:
    calls = await office.extensions_dialled()
    return [{**link.fields, "calls": calls.get((link.number, link.extension), 0)} for link in links]
