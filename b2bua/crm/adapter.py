"""What the office asks of a CRM, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from b2bua.config.models import Person
from b2bua.config.tables.crm import MadeKind, RecordKind
from b2bua.crm.record import CallRecord

IsOurs = Callable[[str], Awaitable[bool]]
"""Tells whether a user of the CRM is one of the office's people."""


@dataclass(frozen=True, slots=True)
class Known:
    """A contact that the CRM has."""

    id: str
    """Its id, empty when the CRM does not tell."""
    owner: str
    """The user who is responsible; empty: nobody, or not told."""


class Crm(Protocol):
    """A CRM. Every question ends with an answer or with ``NoAnswerError``, within the budget it was given."""

    async def responsible(
        self, number: str, order: Sequence[RecordKind], is_ours: IsOurs, *, budget_s: float
    ) -> str | None:
        """Return the user who is responsible for who calls from ``number``, as the CRM names them.

        The first kind of record in ``order`` whose user works here counts; when none does, the first that
        names anybody. None: the CRM knows nobody.

        Raises:
            NoAnswerError: it cannot be asked.
        """

    async def contact_of(self, number: str, *, budget_s: float) -> Known | None:
        """Return the contact who has that number; None: the CRM does not know it.

        Raises:
            NoAnswerError: it cannot be asked.
        """

    async def user_of(self, person: Person, *, budget_s: float) -> str:
        """Return how the CRM names one of our people, empty when it does not.

        Raises:
            NoAnswerError: it cannot be asked.
        """

    async def make(
        self, kind: MadeKind, record: CallRecord, made: Mapping[str, str], *, is_again: bool, budget_s: float
    ) -> str:
        """Make a record of one kind and return its id, empty when the CRM tells none.

        ``made`` are the ids of what was made of the call before. ``is_again``: it was tried before and may be
        there, though no answer came.

        Raises:
            NoAnswerError: it was not made, or no answer came.
        """

    async def email_of(self, user: str, *, budget_s: float) -> str:
        """Return the e-mail address of a user, empty when the CRM does not tell.

        Raises:
            NoAnswerError: it cannot be asked.
        """


async def first_known(look_ups: Sequence[Coroutine[Any, Any, str | None]], is_ours: IsOurs) -> str | None:
    """Ask all at once and return what the first of them knows that is ours, else what any of them knows."""
    tasks = [asyncio.ensure_future(look_up) for look_up in look_ups]
    stranger: str | None = None
    try:
        for task in tasks:
            found = await task
            if found and await is_ours(found):
                return found
            stranger = stranger or found
        return stranger
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
