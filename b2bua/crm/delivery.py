"""Tells the CRM of one call: contact, deal, task, and the call itself, each of them once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

import structlog

from b2bua.config.models import Config
from b2bua.config.tables import Crm as Settings
from b2bua.config.tables.crm import MadeKind
from b2bua.crm.adapter import Crm
from b2bua.crm.desk import CrmDesk
from b2bua.crm.due import due_at
from b2bua.crm.record import CallRecord, call_back_hours, describe
from b2bua.crm.sounds import Sounds
from b2bua.crm.step import Found, named
from b2bua.http.failures import Fault, NoAnswerError
from b2bua.notify.delivery import NotDeliveredError
from b2bua.notify.links import Links
from b2bua.store.crm_records import DueRecord
from b2bua.store.store import Store

log = structlog.get_logger(__name__)

REQUEST_S = 15.0
"""Nobody waits: a CRM may take its time to keep something."""
TRYING = "trying"
"""Notes what is being made: should no answer come, it may be there all the same."""
IS_NEW = "is-new"
"""Notes that the CRM did not know the caller before this call."""
OWNER = "owner"
"""Notes the user who is responsible for the caller."""
IS_ASKED = "is-asked"
"""Notes that the CRM has said whose the caller is, by the order of the configuration."""


@dataclass(slots=True)
class CrmDelivery:
    """The way of calls into the CRM."""

    config: Callable[[], Config]
    """The configuration in force."""
    desk: CrmDesk
    """The way to the CRM."""
    store: Store
    """Where calls are journaled."""
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def deliver(self, queued: DueRecord) -> str:
        """Return who knows of the call now.

        Raises:
            NotDeliveredError: the CRM does not know all of it.
        """
        config = self.config()
        crm, settings = self.desk.of(config), config.crm
        call = await self.store.journal.call(queued.call_id)
        if crm is None or settings is None:
            raise NotDeliveredError("there is no [crm] any more", is_permanent=True)
        if call is None:
            return "nobody: the call is no longer in the journal"
        record = describe(call, config, await self._sounds(queued.call_id))
        if settings.call_back_after_s and record.is_missed:
            record = replace(record, due_at=await self._due_at(record, config, settings))
        # who calls twice while the CRM is down is still one new customer
        lock = self._locks.setdefault(record.number, asyncio.Lock())
        async with lock:
            try:
                await _Telling(crm, config, record, dict(queued.made), queued.id, self.store).tell()
            except NoAnswerError as error:
                why = f"the CRM {error.why}"
                raise NotDeliveredError(why, is_permanent=error.fault is Fault.REFUSED) from error
        log.info("the CRM knows of the call", call_id=queued.call_id)
        return settings.url

    async def _sounds(self, call_id: str) -> Sounds:
        recordings = await self.store.recordings.of_call(call_id)
        messages = await self.store.messages.of_call(call_id)
        return Sounds(recordings, messages, Links(self.config, self.store.signer))

    @staticmethod
    async def _due_at(record: CallRecord, config: Config, settings: Settings) -> datetime:
        hours = call_back_hours(record.call, config)
        zone = ZoneInfo(config.office.timezone)
        return await asyncio.to_thread(due_at, record.ended_at, settings.call_back_after_s, hours, zone)


@dataclass(slots=True)
class _Telling:
    """One try."""

    crm: Crm
    config: Config
    record: CallRecord
    made: dict[str, str]
    row: int
    store: Store

    @property
    def settings(self) -> Settings:
        """Return what is told, and how."""
        assert self.config.crm is not None
        return self.config.crm

    async def tell(self) -> None:
        """Make what is not made yet, one after the other; each knows of those before."""
        if self.record.number and "contact" not in self.made and IS_NEW not in self.made:
            await self._look_up()
        if self.record.person is not None and "user" not in self.made:
            self.made["user"] = await self.crm.user_of(self.record.person, budget_s=REQUEST_S)
        if self.record.is_missed and IS_ASKED not in self.made:
            await self._ask_whose()
        for kind in self._wanted():
            if kind not in self.made:
                await self._make(kind)

    async def _look_up(self) -> None:
        known = await self.crm.contact_of(self.record.number, budget_s=REQUEST_S)
        if known is None:
            self.made[IS_NEW] = "yes"
        else:
            self.made |= {"contact": known.id, OWNER: known.owner}
        await self._note()

    async def _ask_whose(self) -> None:
        """Find out who has to call back: whom a step would ring, be it not who has the contact (row R7)."""
        if set(self.settings.looks_in) - {"contact"}:
            try:
                found = await named(self.crm, self.config, self.record.number, budget_s=REQUEST_S)
            except NoAnswerError as error:
                if error.fault is not Fault.REFUSED:
                    raise
            else:
                self.made[OWNER] = await self._user(found) or self.made.get(OWNER, "")
        self.made[IS_ASKED] = "yes"
        await self._note()

    async def _user(self, found: Found) -> str:
        """Return how the CRM names whoever it named, as it does for who talked."""
        if found.person is None:
            return found.user
        person = self.config.people[found.person]
        return await self.crm.user_of(person, budget_s=REQUEST_S) or found.user

    def _wanted(self) -> Iterator[MadeKind]:
        is_new = IS_NEW in self.made and self.record.is_incoming
        ticked = self.settings.unknown_callers if is_new else ()
        wanted: dict[MadeKind, bool] = {
            "contact": "contact" in ticked,
            "deal": "deal" in ticked,
            "task": "task" in ticked or self.record.due_at is not None,
            "call": self.settings.record_calls,
        }
        yield from (kind for kind, is_wanted in wanted.items() if is_wanted and kind in self.settings.makes)

    async def _make(self, kind: MadeKind) -> None:
        is_again = self.made.get(TRYING) == kind
        self.made[TRYING] = kind
        await self._note()
        made = await self.crm.make(kind, self.record, self.made, is_again=is_again, budget_s=REQUEST_S)
        self.made[kind] = made
        del self.made[TRYING]
        await self._note()

    async def _note(self) -> None:
        await self.store.crm_records.note(self.row, self.made)
