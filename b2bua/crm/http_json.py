"""Any CRM that answers in JSON over HTTP: the configuration says what is asked and where the answer is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from b2bua.config.models import Person
from b2bua.config.tables import Crm as Settings
from b2bua.config.tables import CrmFind
from b2bua.config.tables.crm import MadeKind, RecordKind
from b2bua.crm.adapter import IsOurs, Known, LookUps
from b2bua.crm.reading import new_id, read_json, text_at
from b2bua.crm.record import CallRecord
from b2bua.crm.template import fill
from b2bua.http.client import HttpClient, Request
from b2bua.http.failures import NoAnswerError
from b2bua.routing.numbers import significant

UNKNOWN = 404
"""How many servers say that there is no such record."""


class HttpJsonCrm:
    """The generic adapter."""

    def __init__(self, settings: Settings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http

    async def responsible(
        self,
        number: str,
        order: Sequence[RecordKind],
        is_ours: IsOurs,
        *,
        budget_s: float,
        late_after_s: float | None,
    ) -> str | None:
        """Return the user that the first look-up in ``order`` finds."""
        look_ups = LookUps([self._user(kind, number, budget_s) for kind in order], is_ours)
        return await look_ups.first(late_after_s=late_after_s)

    async def email_of(self, user: str, *, budget_s: float) -> str:
        """Return the user itself where the CRM names people by their addresses."""
        del budget_s
        return user if "@" in user else ""

    async def contact_of(self, number: str, *, budget_s: float) -> Known | None:
        """Return the contact that its look-up finds: there is an id or a user in the answer."""
        find = self._settings.find.get("contact")
        if find is None:
            return None
        found = await self._look_up(find, number, budget_s)
        known = Known(text_at(find.id, found), text_at(find.user, found))
        return known if known.id or known.owner else None

    async def user_of(self, person: Person, *, budget_s: float) -> str:
        """Return what the configuration says, or the e-mail address."""
        del budget_s
        return person.crm_user or person.email or ""

    async def make(
        self, kind: MadeKind, record: CallRecord, made: Mapping[str, str], *, is_again: bool, budget_s: float
    ) -> str:
        """Send the record as its template says; repeated ones have the same ``Idempotency-Key``."""
        del is_again
        create = self._settings.create[kind]
        values = {
            **record.fields(),
            "title": record.task if kind == "task" else record.title,
            "user": made.get("user") or made.get("owner", ""),
            **{earlier: made.get(earlier, "") for earlier in ("contact", "deal", "task")},
        }
        path = create.path.format_map({name: quote(value, safe="") for name, value in values.items()})
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Idempotency-Key": record.key(kind),
            **self._settings.headers,
        }
        body = json.dumps(fill(create.fields_, values), ensure_ascii=False).encode()
        request = Request(create.method, self._settings.url.rstrip("/") + path, headers, body)
        answer = await self._http.ask(request, budget_s=budget_s)
        return new_id(create.id, answer) if create.id else ""

    async def _user(self, kind: RecordKind, number: str, budget_s: float) -> str | None:
        find = self._settings.find[kind]
        return text_at(find.user, await self._look_up(find, number, budget_s)) or None

    async def _look_up(self, find: CrmFind, number: str, budget_s: float) -> Any:
        """Return what the CRM has on the number, None when that is nothing."""
        forms = {"number": number, "digits": number.lstrip("+"), "national": significant(number)}
        path = find.path.format_map({name: quote(value, safe="") for name, value in forms.items()})
        try:
            return read_json(await self._http.ask(self._get(path), budget_s=budget_s))
        except NoAnswerError as error:
            if error.status == UNKNOWN:
                return None
            raise

    def _get(self, path: str) -> Request:
        headers = {"Accept": "application/json", **self._settings.headers}
        return Request("GET", self._settings.url.rstrip("/") + path, headers)
