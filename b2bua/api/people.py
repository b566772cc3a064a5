"""``/v1/people``: who is registered, who talks, who takes calls; and who shall not from now on."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from b2bua.api.bodies import read_object, text
from b2bua.api.errors import Refusal
from b2bua.api.office import Office
from b2bua.config.models import Person
from b2bua.config.values import parse_duration
from b2bua.people.status import LONGEST_REASON, UNSAID, Availability, Source, Status

KEYS = ("state", "reason", "for", "until")
"""What a status is said with."""
FARTHEST = timedelta(days=36_500)
"""No status ends later."""


def people_routes(office: Office) -> list[BaseRoute]:
    """Return what is served of people."""
    views = _People(office)
    status = "/v1/people/{person}/status"
    return [
        Route("/v1/people", views.everybody),
        Route("/v1/people/{person}", views.one),
        Route(status, views.status),
        Route(status, views.say, methods=["PUT", "POST"]),
        Route(status, views.take_back, methods=["DELETE"]),
    ]


class _People:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def everybody(self, _request: Request) -> Response:
        people = self._office.directory().everybody()
        return JSONResponse({"people": [self._shown(person) for person in people]})

    async def one(self, request: Request) -> Response:
        return JSONResponse(self._shown(self._person(request)))

    async def status(self, request: Request) -> Response:
        return JSONResponse(self._status_of(self._person(request)))

    async def say(self, request: Request) -> Response:
        person = self._person(request)
        content = await read_object(request, KEYS)
        return await self._say(person, read_status(content, self._office))

    async def take_back(self, request: Request) -> Response:
        status = Status(Availability.AVAILABLE, self._office.clock(), source=Source.API)
        return await self._say(self._person(request), status)

    async def _say(self, person: Person, status: Status) -> Response:
        await self._office.presence.say(person.name, status)
        return JSONResponse(self._status_of(person))

    def _person(self, request: Request) -> Person:
        who: str = request.path_params["person"]
        directory = self._office.directory()
        person = directory.person(who) if directory.has(who) else directory.by_extension(who)
        if person is None:
            raise Refusal(404, f"nobody is called {who[:60]}")
        return person

    def _shown(self, person: Person) -> dict[str, Any]:
        now = asyncio.get_running_loop().time()
        engagement = self._office.occupancy.engagement(person.name, now)
        return {
            "name": person.name,
            "display": person.title,
            "extension": person.extension,
            "registered": self._office.bindings.is_online(person.name, now),
            "busy": engagement.value if engagement else None,
            "status": self._status_of(person),
        }

    def _status_of(self, person: Person) -> dict[str, Any]:
        office = self._office
        status = office.presence.status(person.name)
        return {
            "state": status.state.value,
            "reason": status.reason,
            "since": local(status.since, office) if status != UNSAID else None,
            "until": local(status.until, office) if status.until else None,
            "source": status.source.value if status != UNSAID else None,
            "words": status.in_words(office.zone(), office.clock()),
        }


def local(moment: datetime, office: Office) -> str:
    """Return a moment as others read it (RFC 3339), at the clock of the office."""
    return moment.astimezone(office.zone()).isoformat(timespec="seconds")


def read_status(content: dict[str, Any], office: Office) -> Status:
    """Return the status that a request says.

    Raises:
        Refusal: it says none.
    """
    state = text(content, "state")
    if state not in tuple(Availability):
        raise Refusal(400, f"expected one of {', '.join(Availability)}", field="state")
    reason = " ".join(text(content, "reason").split())
    if len(reason) > LONGEST_REASON:
        raise Refusal(400, f"has more than {LONGEST_REASON} letters", field="reason")
    now = office.clock()
    return Status(Availability(state), now, read_end(content, office), reason, Source.API)


def read_end(content: dict[str, Any], office: Office) -> datetime | None:
    """Return when what a request says ends by itself; None: it does not.

    Raises:
        Refusal: that is no moment, or past.
    """
    if content.get("for") is not None and content.get("until") is not None:
        raise Refusal(400, "give either for or until", field="for")
    now = office.clock()
    field = "for" if content.get("for") is not None else "until"
    try:
        if field == "for":
            end = now + timedelta(seconds=parse_duration(content["for"]))
        elif until := text(content, "until"):
            end = datetime.fromisoformat(until)
            end = end if end.tzinfo else end.replace(tzinfo=office.zone())
        else:
            return None
    except OverflowError:
        raise Refusal(400, "is too far away", field=field) from None
    except ValueError as error:
        hint = str(error) if field == "for" else 'expected for example "2026-11-27T15:00:00+01:00"'
        raise Refusal(400, hint, field=field) from None
    if end <= now:
        raise Refusal(400, "is over already", field=field)
    if end - now > FARTHEST:  # no calendar goes on for ever: another zone may have no such day
        raise Refusal(400, "is too far away", field=field)
    return end
