"""Asks the servers outside for ``b2bua explain --ask``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from b2bua import __version__
from b2bua.call.call import CallerIdentity
from b2bua.http.client import HttpClient
from b2bua.http.failures import NoAnswerError
from b2bua.routing.destination import Destination
from b2bua.routing.explain import Ask
from b2bua.routing.numbers import normalise
from b2bua.routing.plan import Plan
from b2bua.routing.scheme import number_spec
from b2bua.webhook.answer import destination_of
from b2bua.webhook.request import request_for


def asker(plan: Plan, *, dialled: str, caller: str) -> Ask:
    """Return what asks a webhook where that caller goes, as a call would."""
    spec = number_spec(plan, dialled)
    identity = CallerIdentity(
        call_id="explain",
        number=normalise(caller, country=plan.country),
        name="",
        dialled=normalise(dialled, country=plan.country),
        trunk=None,
        label=spec.source or "" if spec else "",
    )

    def ask(name: str) -> Destination | str:
        return asyncio.run(_ask(plan, name, identity))

    return ask


async def _ask(plan: Plan, name: str, identity: CallerIdentity) -> Destination | str:
    spec = plan.webhooks[name]
    client = HttpClient(f"b2bua/{__version__}")
    await client.prepare()
    try:
        request = request_for(spec, identity, lambda: datetime.now(UTC))
        answer = await client.ask(request, budget_s=spec.budget_s)
        return destination_of(answer, plan, for_seconds=spec.for_seconds)
    except NoAnswerError as error:
        return error.why
    finally:
        await client.close()
