"""The application: every address it serves, behind the guard."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from b2bua.api.callback import callback_routes, is_callback
from b2bua.api.calls import call_routes
from b2bua.api.errors import Refusal, failed, not_served, refused
from b2bua.api.guard import Guard
from b2bua.api.links import link_routes
from b2bua.api.listening import listening_routes
from b2bua.api.office import Office
from b2bua.api.override import override_routes
from b2bua.api.people import people_routes
from b2bua.api.schemes import scheme_routes


def build_app(
    office: Office, *, tokens: Callable[[], Iterable[str]], edit_tokens: Callable[[], Iterable[str]]
) -> ASGIApp:
    """Return the interface of ``office`` for whoever has one of the tokens that are good then."""
    app = Starlette(
        routes=[
            *people_routes(office),
            *call_routes(office),
            *override_routes(office),
            *link_routes(office),
            *listening_routes(office),
            *scheme_routes(office),
            *callback_routes(office),
        ],
        exception_handlers={Refusal: refused, HTTPException: not_served, Exception: failed},
    )
    app.router.redirect_slashes = False

    def is_open(path: str) -> bool:
        return office.config().callback is not None and is_callback(path)

    return Guard(app, tokens=tokens, edit_tokens=edit_tokens, is_open=is_open)
