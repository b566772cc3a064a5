"""Asks the servers outside for ``b2bua explain --ask``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from b2bua import __version__
from b2bua.call.call import CallerIdentity
from b2bua.config.models import Config
from b2bua.crm.desk import CrmDesk
from b2bua.crm.step import in_words, named, target_of
from b2bua.http.client import HttpClient
from b2bua.http.failures import NoAnswerError
from b2bua.phrases.phrasebook import Phrasebook
from b2bua.routing.destination import Destination, Responsible, Ring, Webhook
from b2bua.routing.numbers import normalise
from b2bua.routing.scheme import number_spec
from b2bua.routing.told import Ask, Served
from b2bua.webhook.answer import destination_of, names_somebody
from b2bua.webhook.request import request_for
from b2bua.webhook.spoken import said


def asker(config: Config, *, dialled: str, caller: str) -> Ask:
    """Return what asks a webhook or the CRM where that caller goes, as a call would."""
    plan = config.plan()
    spec = number_spec(plan, dialled)
    identity = CallerIdentity(
        call_id="explain",
        number=normalise(caller, country=plan.country),
        name="",
        dialled=normalise(dialled, country=plan.country),
        trunk=None,
        source=spec.source or "" if spec else "",
    )
    return lambda asked: asyncio.run(_ask(config, asked, identity))


async def _ask(
    config: Config, asked: Webhook | Responsible, caller: CallerIdentity
) -> Destination | Served | str:
    client = HttpClient(f"b2bua/{__version__}")
    await client.prepare()
    try:
        if isinstance(asked, Webhook):
            return await _ask_webhook(config, asked, caller, client)
        return await _ask_crm(config, asked, caller, client)
    except NoAnswerError as error:
        return error.why
    finally:
        await client.close()


async def _ask_webhook(
    config: Config, asked: Webhook, caller: CallerIdentity, client: HttpClient
) -> Destination | Served | str:
    plan = config.plan()
    spec = plan.webhooks[asked.name]
    if spec.form is not None:
        return "cannot be asked without what the caller enters"
    request = request_for(spec, caller, lambda: datetime.now(UTC))
    answer = await client.ask(request, budget_s=spec.budget_s)
    book = Phrasebook(Phrasebook.found(), config.office.language, config.office.prompts)
    if (items := said(answer, has=book.has)) and not names_somebody(answer):
        return Served(" ".join(map(str, items)))
    return destination_of(answer, plan, for_seconds=spec.for_seconds)


async def _ask_crm(
    config: Config, asked: Responsible, caller: CallerIdentity, client: HttpClient
) -> Destination | str:
    crm = CrmDesk(client).of(config)
    if crm is None or not caller.number:
        return "cannot be asked without a caller: add --from"
    found = await named(crm, config, caller.number)
    if found.person is None:
        return in_words(config, found)
    target = target_of(config, found.person, asked)
    if target is None:
        return f"{in_words(config, found)}, who has no mobile"
    return Ring((target,), for_seconds=asked.for_seconds)
