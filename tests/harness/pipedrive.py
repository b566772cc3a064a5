"""An account at Pipedrive, as its API shows it; what it keeps can be looked at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

TOKEN = "t0ken"


@dataclass
class Pipedrive:
    """Answers as the public API does, for the requests that the office sends."""

    persons: list[dict[str, Any]] = field(default_factory=list)
    deals: list[dict[str, Any]] = field(default_factory=list)
    organizations: dict[str, dict[str, Any]] = field(default_factory=dict)
    leads: list[dict[str, Any]] = field(default_factory=list)
    users: list[dict[str, Any]] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)
    call_logs: list[dict[str, Any]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    delay_s: float = 0.05
    fails: Callable[[httpx.Request], int | None] = lambda _: None
    loses_answers: int = 0
    """So many records are made without the office being told."""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(self.delay_s)
        if request.headers.get("x-api-token") != TOKEN:
            return httpx.Response(401, json={"success": False, "error": "unauthorized access"})
        if status := self.fails(request):
            return httpx.Response(status, json={"success": False})
        answer = self.answer(request)
        if request.method == "POST" and self.loses_answers:
            self.loses_answers -= 1
            raise httpx.ReadError("the connection broke", request=request)
        return answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        match request.method, request.url.path.split("/")[1:]:
            case "GET", ["api", "v2", "persons", "search"]:
                assert query["fields"] == "phone"
                found = [each for each in self.persons if _has_number(each, query["term"])]
                items = [{"result_score": 0.5, "item": _found(each)} for each in found]
                return said({"items": items})
            case "GET", ["api", "v2", "deals"]:
                return said(_of_person(self.deals, query["person_id"], query.get("status")))
            case "GET", ["api", "v2", "organizations", key] if key in self.organizations:
                return said(self.organizations[key])
            case "GET", ["api", "v1", "leads"]:
                return said(_of_person(self.leads, query["person_id"]))
            case "GET", ["api", "v1", "users"]:
                return said(self.users)
            case "GET", ["api", "v2", "activities"]:
                key = query.get("person_id")
                return said([each for each in self.activities if key in (None, str(each["person_id"]))])
            case "GET", ["api", "v1", "callLogs"]:
                return said(self.call_logs)
            case "POST", path:
                return said(self.make("/".join(path), json.loads(request.content)), 201)
            case _:
                return httpx.Response(404, json={"success": False, "error": "not found"})

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keep a record as the API does, which refuses fields of other types."""
        for name in ("owner_id", "person_id", "deal_id", "org_id"):
            assert isinstance(body.get(name, 0), int), (name, body)
        made = {"id": len(self.requests) + 1000, **body}
        match path:
            case "api/v2/persons":
                self.persons.append({"org_id": None, "owner_id": 9, **made})
            case "api/v2/deals":
                self.deals.append({"status": "open", "owner_id": 9, **made})
            case "api/v2/activities":
                [person] = body.get("participants", [{"person_id": None}])
                self.activities.append({**made, "person_id": person["person_id"]})
            case "api/v1/callLogs":
                made["id"] = f"log-{made['id']}"
                self.call_logs.append(made)
        return made

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [request.url.path for request in self.requests]


def said(found: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"success": True, "data": found, "additional_data": {}})


def person(key: int, phone: str, owner: int, company: int | None = None) -> dict[str, Any]:
    """Return a record of a person."""
    return {
        "id": key,
        "name": f"Customer {key}",
        "owner_id": owner,
        "org_id": company,
        "phones": [{"value": phone, "primary": True, "label": "work"}],
    }


def _has_number(record: dict[str, Any], term: str) -> bool:
    digits = ("".join(filter(str.isdigit, phone["value"])) for phone in record["phones"])
    return any(term in each for each in digits)


def _found(record: dict[str, Any]) -> dict[str, Any]:
    """Return a person as a search shows them."""
    company = record["org_id"]
    return {
        "id": record["id"],
        "type": "person",
        "name": record["name"],
        "phones": [phone["value"] for phone in record["phones"]],
        "emails": [],
        "owner": {"id": record["owner_id"]},
        "organization": {"id": company, "name": "Customer Ltd"} if company else None,
    }


def _of_person(
    records: list[dict[str, Any]], person_id: str, status: str | None = None
) -> list[dict[str, Any]]:
    return [
        each
        for each in records
        if str(each["person_id"]) == person_id and status in (None, each.get("status"))
    ]
