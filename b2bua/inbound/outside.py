"""The servers outside that an office asks and tells of its calls: webhooks and the CRM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from b2bua.crm.delivery import CrmDelivery
from b2bua.crm.desk import CrmDesk
from b2bua.crm.step import ResponsibleStep
from b2bua.edition import Editions
from b2bua.http.client import HttpClient
from b2bua.inbound.custody import Step
from b2bua.inbound.sounds import Sounds
from b2bua.notify.worker import Worker
from b2bua.routing.destination import Destination, Responsible, Webhook
from b2bua.store.calls import NewCall
from b2bua.store.crm_records import DueRecord
from b2bua.store.store import Store
from b2bua.webhook.form import FormSounds
from b2bua.webhook.step import WebhookStep

Start = Callable[..., asyncio.Task[None]]
"""Runs a coroutine under a name for as long as the office."""


class Outside:
    """Asks and tells. An office that names no server loads nothing and starts nothing."""

    def __init__(
        self, editions: Editions, store: Store, http: HttpClient, clock: Callable[[], datetime]
    ) -> None:
        self._editions = editions
        self._store = store
        self._clock = clock
        self._http = http
        self._desk = CrmDesk(self._http)
        self._is_ready = self._tells = False
        self._crm = editions.current.config.crm
        self.crm_delivery = CrmDelivery(lambda: editions.current.config, self._desk, store, clock)
        self.crm_worker: Worker[DueRecord] = Worker(
            store.crm_records,
            self.crm_delivery,
            what="CRM record",
            about=lambda record: {"call_id": record.call_id},
            now=clock,
        )
        """Tells the CRM of calls."""

    def steps(self) -> Mapping[type[Destination], Step]:
        """Return the steps that ask."""
        return {
            Responsible: ResponsibleStep(lambda: self._editions.own.config, self._desk),
            Webhook: WebhookStep(self._editions.own_plan, self._http, self._clock, self._sounds()),
        }

    def _sounds(self) -> FormSounds:
        sounds = Sounds(lambda: self._editions.own.book)
        return FormSounds(sounds.prompt, sounds.has, sounds.digits, sounds.number)

    def tells_crm(self, call: NewCall) -> bool:
        """Return whether the CRM is told of a call that begins now."""
        crm = self._editions.own.config.crm
        return crm is not None and call.direction != "internal" and bool(crm.makes)

    def over(self) -> None:
        """Note that a call has ended, or that somebody wants calls told again."""
        if self._tells:
            self._store.crm_records.has_new.set()

    def adopt(self, start: Start) -> None:
        """Make ready for what the configuration in force names."""
        config = self._editions.current.config
        if (config.webhooks or config.crm is not None) and not self._is_ready:
            self._is_ready = True
            start(self._http.prepare(), name="http")
        before, self._crm = self._crm, config.crm
        if config.crm is not None and not self._tells:
            self._tells = True
            start(self.crm_worker.run(), name="crm")
        elif config.crm not in (None, before):
            start(self._tell_again(), name="crm again")

    async def _tell_again(self) -> None:
        """Try what was refused as well: the settings may have been the reason."""
        if await self._store.crm_records.try_again(at=self._clock()):
            self._store.crm_records.has_new.set()
