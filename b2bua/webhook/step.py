"""Ask a handler outside where a caller goes, while the caller hears ringing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from b2bua.call.call import Call
from b2bua.http.client import Answer, HttpClient
from b2bua.http.failures import Fault, NoAnswerError
from b2bua.routing.destination import Chosen, Destination, Outcome, Webhook
from b2bua.routing.plan import Plan, WebhookSpec
from b2bua.store.calls import EventKind
from b2bua.webhook.answer import destination_of, in_words
from b2bua.webhook.memory import LastAnswers
from b2bua.webhook.request import request_for

log = structlog.get_logger("call")


@dataclass(slots=True)
class WebhookStep:
    """The webhook step."""

    plan: Callable[[], Plan]
    """The configuration of the call: it says what an answer means."""
    http: HttpClient
    """Asks."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    last: LastAnswers = field(default_factory=LastAnswers)
    """For handlers that are down."""

    async def __call__(self, call: Call, webhook: Webhook) -> Outcome | Chosen:
        """Return where the handler sends the caller, or ERROR: no good answer came within the budget.

        Raises:
            LegEnded: the caller hung up meanwhile.
        """
        plan = self.plan()
        spec = plan.webhooks[webhook.name]
        call.doing = "while it rang"
        call.caller.ring()
        try:
            async with call.caller.while_up():
                answer = await self.http.ask(
                    request_for(spec, call.identity, self.clock), budget_s=spec.budget_s
                )
            destination = destination_of(answer, plan, for_seconds=spec.for_seconds)
        except NoAnswerError as error:
            return self._without_answer(call, spec, plan, error)
        if spec.caches:
            self.last.keep(_asked(spec, call), answer)
        _note(call, spec, f"named {in_words(plan, destination)}")
        return Chosen(destination)

    def _without_answer(
        self, call: Call, spec: WebhookSpec, plan: Plan, error: NoAnswerError
    ) -> Outcome | Chosen:
        log.warning(
            "a webhook brought nothing; the caller goes on",
            webhook=spec.name,
            why=error.why,
            call_id=call.identity.call_id,
        )
        destination = self._remembered(call, spec, plan) if error.fault is Fault.DOWN else None
        if destination is None:
            _note(call, spec, error.why)
            return Outcome.ERROR
        _note(call, spec, f"{error.why}, but last time it named {in_words(plan, destination)}")
        return Chosen(destination)

    def _remembered(self, call: Call, spec: WebhookSpec, plan: Plan) -> Destination | None:
        answer: Answer | None = self.last.find(_asked(spec, call)) if spec.caches else None
        if answer is None:
            return None
        try:
            return destination_of(answer, plan, for_seconds=spec.for_seconds)
        except NoAnswerError:
            return None  # whom it named has left the office since


def _note(call: Call, spec: WebhookSpec, detail: str) -> None:
    call.ledger.note(EventKind.ASKED, f"the webhook {spec.name}", detail)


def _asked(spec: WebhookSpec, call: Call) -> tuple[str, str, str]:
    return spec.name, call.identity.number, call.identity.dialled
