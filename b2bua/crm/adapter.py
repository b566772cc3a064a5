"""What the office asks of a CRM, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from b2bua.config.models import Person
from b2bua.config.tables.crm import MadeKind, RecordKind
from b2bua.crm.record import CallRecord
from b2bua.http.failures import NoAnswerError

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
        self,
        number: str,
        order: Sequence[RecordKind],
        is_ours: IsOurs,
        *,
        budget_s: float,
        late_after_s: float | None,
    ) -> str | None:
        """Return the user who is responsible for who calls from ``number``, as the CRM names them.

        The first kind of record in ``order`` whose user works here counts; when none does, the first that
        names anybody. None: the CRM knows nobody. A kind that cannot be looked up, or not within
        ``late_after_s``, is passed over where another one names somebody of ours; None: none is.

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


class LookUps:
    """All questions at once for who is responsible for a caller; the order says whose word counts."""

    def __init__(self, look_ups: Sequence[Coroutine[Any, Any, str | None]], is_ours: IsOurs) -> None:
        self._tasks = [asyncio.ensure_future(_found(look_up, is_ours)) for look_up in look_ups]
        self._stranger: str | None = None
        self._failure: NoAnswerError | None = None

    async def first(self, *, late_after_s: float | None) -> str | None:
        """Return what the first of them knows that is ours, else what any of them knows.

        One that fails, or has no answer after ``late_after_s``, also to whether that is one of ours, is
        passed over for another that knows somebody of ours; None: each has to answer.

        Raises:
            NoAnswerError: one failed.
        """
        try:
            if late_after_s is not None and (found := await self._known_after(late_after_s)):
                return found
            for task in self._tasks:
                if found := await self._ours(task, is_needed=late_after_s is None):
                    return found
            if self._failure is not None:
                raise self._failure
            return self._stranger
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._failure = None  # whose traceback holds this

    async def _known_after(self, seconds: float) -> str | None:
        """Return whom they know by then; as soon as those before in the order are known, at once."""
        until = asyncio.get_running_loop().time() + seconds
        for task in tuple(self._tasks):
            await asyncio.wait((task,), timeout=max(0.0, until - asyncio.get_running_loop().time()))
            if task.done():
                self._tasks.remove(task)
                if found := await self._ours(task, is_needed=False):
                    return found
        return None

    async def _ours(self, task: asyncio.Future[_Found], *, is_needed: bool) -> str | None:
        try:
            found = await task
        except NoAnswerError as error:
            if is_needed:
                raise
            self._failure = self._failure or error
            return None
        if found.is_ours:
            return found.user
        self._stranger = self._stranger or found.user
        return None


class _Found(NamedTuple):
    """What one of them says."""

    user: str | None
    """Who is responsible; None: nobody known."""
    is_ours: bool
    """Whether that is one of the office's people."""


async def _found(look_up: Coroutine[Any, Any, str | None], is_ours: IsOurs) -> _Found:
    user = await look_up
    return _Found(user, bool(user) and await is_ours(user or ""))
