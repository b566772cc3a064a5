"""Ask a handler outside where a caller goes, while the caller hears ringing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from b2bua.call.beside import beside
from b2bua.call.call import Call
from b2bua.http.client import Answer, HttpClient
from b2bua.http.failures import Fault, NoAnswerError
from b2bua.routing.destination import Chosen, Destination, Outcome, Webhook
from b2bua.routing.plan import Plan, WebhookSpec
from b2bua.store.calls import EventKind
from b2bua.webhook.answer import destination_of, in_words, names_somebody
from b2bua.webhook.form import FormSounds, entered
from b2bua.webhook.memory import LastAnswers
from b2bua.webhook.request import request_for
from b2bua.webhook.spoken import said, sound_of
from media.commands import PlayItem

SOON_S = 1.0
"""A server that answers within this needs no excuse."""
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
    sounds: FormSounds
    """What callers hear who are asked for digits, or told something."""
    last: LastAnswers = field(default_factory=LastAnswers)
    """For handlers that are down."""

    async def __call__(self, call: Call, webhook: Webhook) -> Outcome | Chosen:
        """Return where the handler sends the caller, or ERROR: no good answer came within the budget.

        DONE comes when all was said that the handler had to say; NO_INPUT and INVALID when a caller who was
        asked for digits entered none.

        Raises:
            LegEnded: the caller hung up meanwhile.
        """
        plan = self.plan()
        spec = plan.webhooks[webhook.name]
        digits: str | Outcome = ""
        if spec.form is not None:
            digits = await entered(call, spec.form, self.sounds)
            if isinstance(digits, Outcome):
                _note(call, spec, "was not asked: no digits were entered")
                return digits
        return await self._ask(call, spec, plan, digits)

    async def _ask(self, call: Call, spec: WebhookSpec, plan: Plan, digits: str) -> Outcome | Chosen:
        call.doing = "while it rang" if spec.form is None else "while they were asked"
        try:
            async with call.caller.while_up(), beside(self._let_wait(call, spec), name="one moment"):
                request = request_for(spec, call.identity, self.clock, digits=digits)
                answer = await self.http.ask(request, budget_s=spec.budget_s)
            items = said(answer, has=self.sounds.has)
            sound = sound_of(items, self.sounds)
            is_well = spec.form is not None and answer.body.strip().lower() in (b"", b"ok", b'"ok"')
            if is_well or ((items or spec.form) and not names_somebody(answer)):
                _note(call, spec, _told(items, digits))
                return await self._say_all(call, sound)
            destination = destination_of(answer, plan, for_seconds=spec.for_seconds)
        except NoAnswerError as error:
            return self._without_answer(call, spec, plan, error, digits)
        if spec.caches and spec.form is None:
            self.last.keep(_asked(spec, call), answer)
        _note(call, spec, f"named {in_words(plan, destination)}{_with(digits)}")
        if sound:
            call.caller.answer()
            await call.caller.play(sound)
        return Chosen(destination)

    async def _let_wait(self, call: Call, spec: WebhookSpec) -> None:
        """Let the caller hear that something happens meanwhile."""
        if spec.form is None:
            call.caller.ring()
        else:
            await asyncio.sleep(SOON_S)
            await call.caller.play(self.sounds.prompt("one-moment"))

    async def _say_all(self, call: Call, sound: Sequence[PlayItem]) -> Outcome:
        """Say it, or thanks where there is nothing to say, and goodbye."""
        call.doing = "while listening"
        call.caller.answer()
        call.is_self_served = True
        prompt = self.sounds.prompt
        await call.caller.play([*(sound or prompt("form-thanks")), *prompt("goodbye")])
        return Outcome.DONE

    def _without_answer(
        self, call: Call, spec: WebhookSpec, plan: Plan, error: NoAnswerError, digits: str
    ) -> Outcome | Chosen:
        log.warning(
            "a webhook brought nothing; the caller goes on",
            webhook=spec.name,
            why=error.why,
            call_id=call.identity.call_id,
        )
        destination = self._remembered(call, spec, plan) if error.fault is Fault.DOWN else None
        if destination is None:
            _note(call, spec, f"{error.why}{_with(digits)}")
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


def _with(digits: str) -> str:
    return f" (entered: {digits})" if digits else ""


def _told(items: Sequence[str | int], digits: str) -> str:
    words = f"said {' '.join(map(str, items))}" if items else "took it"
    return f"{words}{_with(digits)}"


def _note(call: Call, spec: WebhookSpec, detail: str) -> None:
    call.ledger.note(EventKind.ASKED, f"the webhook {spec.name}", detail)


def _asked(spec: WebhookSpec, call: Call) -> tuple[str, str, str]:
    return spec.name, call.identity.number, call.identity.dialled
