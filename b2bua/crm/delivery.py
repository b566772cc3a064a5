"""Tells the CRM of one call: contact, deal, task, and the call itself, each of them once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
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
from b2bua.notify.worker import LONGEST_REFUSED_RETRY_S as LONGEST_PAUSE_S
from b2bua.store.calls import NewCall
from b2bua.store.crm_records import DueRecord
from b2bua.store.outbox import NewMail
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
MAY_CHANGE = frozenset({401, 402, 403, 407, 409, 423})
"""Refusals that are about the login, the licence or the moment; any other 4xx is about what was sent."""
MEANINGS = {
    400: "it does not understand the record",
    401: "it does not accept our login",
    403: "our login may not do that",
    404: "it knows no such address, or not what the record is about",
    413: "the record is too long for it",
    422: "it does not accept what the record says",
    429: "it gets too many requests",
}
"""What a status says, in plain words."""


@dataclass(slots=True)
class CrmDelivery:
    """The way of calls into the CRM."""

    config: Callable[[], Config]
    """The configuration in force."""
    desk: CrmDesk
    """The way to the CRM."""
    store: Store
    """Where calls are journaled."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    mails: Callable[[NewCall, str], Sequence[NewMail]] = field(default=lambda _call, _why: ())
    """Returns those about a call whose record was refused, and why."""
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _posting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _pause: tuple[Settings, float] | None = None
    """Until when, by the loop's clock, a CRM wants to be left alone."""

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
        self._look_for_pause(settings)
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
                raise await self._not_delivered(error, config, call.call) from error
        log.info("the CRM knows of the call", call_id=queued.call_id)
        return settings.url

    def _look_for_pause(self, settings: Settings) -> None:
        """Do not even ask a CRM that wants to be left alone: other records would only get the same answer.

        Raises:
            NotDeliveredError: it does.
        """
        if self._pause is None or self._pause[0] != settings:
            return
        left_s = self._pause[1] - asyncio.get_running_loop().time()
        if left_s > 0:
            raise NotDeliveredError("the CRM wants to be left alone for a while", again_after_s=left_s)
        self._pause = None

    async def _not_delivered(self, error: NoAnswerError, config: Config, call: NewCall) -> NotDeliveredError:
        """Return what became of it; whoever looks after the office is told once a day of what is final."""
        assert config.crm is not None
        wait_s = min(error.again_after_s, LONGEST_PAUSE_S)
        if wait_s:
            self._pause = config.crm, asyncio.get_running_loop().time() + wait_s
        meaning = MEANINGS.get(error.status or 0)
        why = f"the CRM {error.why}" + (f": {meaning}" if meaning else "")
        is_permanent = error.fault is Fault.REFUSED
        is_final = is_permanent and 400 <= (error.status or 0) < 500 and error.status not in MAY_CHANGE
        if is_final:
            await self._mail(call, why, ZoneInfo(config.office.timezone))
        return NotDeliveredError(why, is_permanent=is_permanent, is_final=is_final, again_after_s=wait_s)

    async def _mail(self, call: NewCall, why: str, zone: ZoneInfo) -> None:
        now = self.clock()
        midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._posting:
            await self.store.outbox.post_once(self.mails(call, why), at=now, since=midnight)

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
