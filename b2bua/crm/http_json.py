"""Any CRM that answers in JSON over HTTP: the configuration says what is asked and where the answer is."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from b2bua.config.tables import Crm as Settings
from b2bua.config.tables.crm import RecordKind
from b2bua.crm.adapter import IsOurs, first_known
from b2bua.crm.reading import read_json, text_at
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
        self, number: str, order: Sequence[RecordKind], is_ours: IsOurs, *, budget_s: float
    ) -> str | None:
        """Return the user that the first look-up in ``order`` finds."""
        return await first_known([self._user(kind, number, budget_s) for kind in order], is_ours)

    async def email_of(self, user: str, *, budget_s: float) -> str:
        """Return the user itself where the CRM names people by their addresses."""
        del budget_s
        return user if "@" in user else ""

    async def _user(self, kind: RecordKind, number: str, budget_s: float) -> str | None:
        find = self._settings.find[kind]
        forms = {"number": number, "digits": number.lstrip("+"), "national": significant(number)}
        path = find.path.format_map({name: quote(value, safe="") for name, value in forms.items()})
        try:
            answer = await self._http.ask(self._get(path), budget_s=budget_s)
        except NoAnswerError as error:
            if error.status == UNKNOWN:
                return None
            raise
        return text_at(find.user, read_json(answer)) or None

    def _get(self, path: str) -> Request:
        headers = {"Accept": "application/json", **self._settings.headers}
        return Request("GET", self._settings.url.rstrip("/") + path, headers)
