"""Pipedrive, by its public API.

Shapes of requests and answers are those of Pipedrive's API reference (developers.pipedrive.com/docs/api/v1)
and of its official client: persons, deals and organizations of version 2, leads and users of version 1.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from b2bua.config.models import Person
from b2bua.config.tables import Crm as Settings
from b2bua.config.tables.crm import MadeKind, RecordKind
from b2bua.crm.adapter import IsOurs, Known, LookUps
from b2bua.crm.pipedrive_shapes import Shape, shape_of
from b2bua.crm.reading import at, list_at, new_id, read_json, text_at
from b2bua.crm.record import CallRecord
from b2bua.http.client import HttpClient, Request
from b2bua.http.failures import NoAnswerError
from b2bua.routing.numbers import normalise, significant

MOST_CONTACTS = "10"
"""Of one number; more share a switchboard."""
JSON = {"Content-Type": "application/json"}
NOT_THERE = (403, 404)
"""There is no such record, or this account has no records of that kind."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person in the CRM."""

    id: str
    """Its id."""
    owner: str
    """The user who is responsible for them."""
    company: str
    """Id of their organization; empty: none."""


class PipedriveCrm:
    """The adapter for Pipedrive."""

    def __init__(self, settings: Settings, http: HttpClient, *, country: str) -> None:
        """``country`` is the one whose national numbers are understood (ISO 3166)."""
        self._url = settings.url.rstrip("/")
        self._headers = {"Accept": "application/json", "x-api-token": settings.token or ""}
        self._source_field = settings.source_field
        self._http = http
        self._country = country
        self._emails: Mapping[str, str] = {}

    async def responsible(
        self,
        number: str,
        order: Sequence[RecordKind],
        is_ours: IsOurs,
        *,
        budget_s: float,
        late_after_s: float | None,
    ) -> str | None:
        """Return the id of the user who owns the caller's open deal, contact, company or lead."""
        began = asyncio.get_running_loop().time()
        contact = await self.contact(number, budget_s=budget_s)
        if contact is None:
            return None
        look_ups = LookUps([self._owner(kind, contact, budget_s) for kind in order], is_ours)
        if late_after_s is not None:
            late_after_s = max(0.0, late_after_s - (asyncio.get_running_loop().time() - began))
        return await look_ups.first(late_after_s=late_after_s)

    async def email_of(self, user: str, *, budget_s: float) -> str:
        """Return the address by which a user logs in; the users are read once, and again for new ones."""
        if user not in self._emails:
            await self._read_users(budget_s)
        return self._emails.get(user, "")

    async def user_of(self, person: Person, *, budget_s: float) -> str:
        """Return the id of a user: as configured, or of who logs in by the person's address."""
        if person.crm_user or not person.email:
            return person.crm_user or ""
        if not self._emails:
            await self._read_users(budget_s)
        wanted = person.email.lower()
        return next((user for user, email in self._emails.items() if email.lower() == wanted), "")

    async def _read_users(self, budget_s: float) -> None:
        users = list_at("data", await self._get("/api/v1/users", budget_s=budget_s))
        self._emails = {text_at("id", each): text_at("email", each) for each in users}

    async def contact_of(self, number: str, *, budget_s: float) -> Known | None:
        """Return the person who has ``number``."""
        contact = await self.contact(number, budget_s=budget_s)
        return Known(contact.id, contact.owner) if contact is not None else None

    async def make(
        self, kind: MadeKind, record: CallRecord, made: Mapping[str, str], *, is_again: bool, budget_s: float
    ) -> str:
        """Make a person, a deal, an activity or a call log, unless an earlier try made it."""
        shape = shape_of(kind, record, made, source_field=self._source_field)
        if is_again and (found := await self._made_before(kind, record, shape, budget_s)):
            return found
        body = json.dumps(shape.body, ensure_ascii=False).encode()
        request = Request("POST", self._url + shape.path, {**self._headers, **JSON}, body)
        answer = await self._http.ask(request, budget_s=budget_s)
        return new_id("data.id", answer)

    async def _made_before(
        self, kind: MadeKind, record: CallRecord, shape: Shape, budget_s: float
    ) -> str | None:
        """Return the id of what an earlier try made whose answer was lost: there are no idempotency keys."""
        if kind == "contact":
            contact = await self.contact(record.number, budget_s=budget_s)
            return contact.id if contact is not None else None
        found = await self._get(shape.path, shape.earlier, budget_s=budget_s)
        same = (each for each in list_at("data", found) if shape.proof in text_at(shape.mark, each))
        return next((text_at("id", each) for each in same), None)

    async def contact(self, number: str, *, budget_s: float) -> Contact | None:
        """Return the person who has ``number``; the search also finds numbers that only contain it."""
        query = {"term": significant(number), "fields": "phone", "limit": MOST_CONTACTS}
        found = await self._get("/api/v2/persons/search", query, budget_s=budget_s)
        for result in list_at("data.items", found):
            person = at("item", result)
            if number in self._numbers(person):
                company = text_at("organization.id", person)
                return Contact(text_at("id", person), text_at("owner.id", person), company)
        return None

    def _numbers(self, person: Any) -> set[str]:
        """Return the numbers of a person, which a search tells as texts and a record as objects."""
        phones = list_at("phones", person)
        written = (each if isinstance(each, str) else text_at("value", each) for each in phones)
        return {normalise(number, country=self._country) for number in written}

    async def _owner(self, kind: RecordKind, contact: Contact, budget_s: float) -> str | None:
        match kind:
            case "contact":
                return contact.owner
            case "company" if contact.company:
                found = await self._get(f"/api/v2/organizations/{contact.company}", budget_s=budget_s)
                return text_at("data.owner_id", found)
            case "deal":
                query = {"person_id": contact.id, "status": "open", "sort_by": "update_time"}
                query |= {"sort_direction": "desc", "limit": "1"}
                return text_at("data.0.owner_id", await self._get("/api/v2/deals", query, budget_s=budget_s))
            case "lead":
                query = {"person_id": contact.id, "sort": "update_time DESC", "limit": "1"}
                return text_at("data.0.owner_id", await self._get("/api/v1/leads", query, budget_s=budget_s))
        return None

    async def _get(self, path: str, query: Mapping[str, str] | None = None, *, budget_s: float) -> Any:
        url = f"{self._url}{path}?{urlencode(query)}" if query else f"{self._url}{path}"
        try:
            return read_json(await self._http.ask(Request("GET", url, self._headers), budget_s=budget_s))
        except NoAnswerError as error:
            if error.status in NOT_THERE:
                return None
            raise
