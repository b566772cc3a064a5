"""Ring whoever the CRM says is responsible for the caller; new customers cost no ring time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from b2bua.call.call import Call
from b2bua.config.models import Config
from b2bua.crm.adapter import Crm
from b2bua.crm.desk import CrmDesk
from b2bua.http.failures import NoAnswerError
from b2bua.routing.destination import Chosen, Mobile, Outcome, Person, Responsible, Ring
from b2bua.store.calls import EventKind

log = structlog.get_logger("call")

LATE = 0.8
"""So much of the budget has a look-up before those behind it in the order are heard without it."""


@dataclass(slots=True)
class ResponsibleStep:
    """The step that asks the CRM."""

    config: Callable[[], Config]
    """The configuration of the call."""
    desk: CrmDesk
    """The way to the CRM."""

    async def __call__(self, call: Call, responsible: Responsible) -> Outcome | Chosen:
        """Return the person to be rung; OFFLINE: the CRM knows nobody; ERROR: it did not say in time.

        Raises:
            LegEnded: the caller hung up meanwhile.
        """
        config, number = self.config(), call.identity.number
        crm = self.desk.of(config)
        call.doing = "while it rang"
        call.caller.ring()
        if crm is None or not number or call.identity.is_internal:
            return Outcome.OFFLINE
        try:
            async with call.caller.while_up():
                found = await named(crm, config, number)
        except NoAnswerError as error:
            log.warning("the CRM brought nothing", why=error.why, call_id=call.identity.call_id)
            call.ledger.note(EventKind.ASKED, "the CRM", error.why)
            return Outcome.ERROR
        call.ledger.note(EventKind.ASKED, "the CRM", in_words(config, found))
        if found.person is None:
            return Outcome.OFFLINE
        target = target_of(config, found.person, responsible)
        if target is None:
            call.ledger.note("offline", config.people[found.person].title, "has no mobile")
            return Outcome.OFFLINE
        return Chosen(Ring((target,), for_seconds=responsible.for_seconds))


def target_of(config: Config, name: str, responsible: Responsible) -> Person | Mobile | None:
    """Return what rings for whom the CRM named; None: they have no mobile."""
    if not responsible.on_mobile:
        return Person(name)
    person = config.people[name]
    return Mobile(name, confirm=person.mobile_confirm or None) if person.mobile else None


@dataclass(frozen=True, slots=True)
class Found:
    """Whom the CRM named."""

    user: str
    """As the CRM says it; empty: nobody."""
    person: str | None
    """Key of the person; None: nobody of this office."""


async def named(crm: Crm, config: Config, number: str, *, budget_s: float | None = None) -> Found:
    """Return who is responsible for the caller, within ``budget_s``.

    None: they wait, so the budget of the configuration holds, and of what cannot be looked up at least the
    rest counts.

    Raises:
        NoAnswerError: the CRM did not say in time.
    """
    settings = config.crm
    assert settings is not None
    late_after_s = settings.budget_s * LATE if budget_s is None else None
    budget_s = settings.budget_s if budget_s is None else budget_s
    people: dict[str, str] = {}
    one_by_one = asyncio.Lock()  # what is read to tell one user's address tells the others'

    async def is_ours(user: str) -> bool:
        person = person_of(config, user)
        if person is None:
            async with one_by_one:
                person = person_of(config, await crm.email_of(user, budget_s=budget_s))
        if person is not None:
            people[user] = person
        return person is not None

    try:
        async with asyncio.timeout(budget_s):
            user = await crm.responsible(
                number, settings.looks_in, is_ours, budget_s=budget_s, late_after_s=late_after_s
            )
            return Found(user or "", people.get(user or ""))
    except TimeoutError:
        raise NoAnswerError(f"did not answer within {budget_s:g} s") from None


def person_of(config: Config, user: str) -> str | None:
    """Return whose ``crm-user`` or ``email`` it is."""
    for person in config.people.values():
        if user and (person.crm_user == user or (person.email or "").lower() == user.lower()):
            return person.name
    return None


def in_words(config: Config, found: Found) -> str:
    """Return what the CRM said, behind its name."""
    if found.person is not None:
        return f"named {config.people[found.person].title}"
    return f"named {found.user}, who is nobody here" if found.user else "knows nobody who is responsible"
