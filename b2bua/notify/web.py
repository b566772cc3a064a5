"""News for servers: the outbox's other way out beside mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import structlog

from b2bua.http.client import HttpClient, Request
from b2bua.http.failures import Fault, NoAnswerError
from b2bua.http.signature import signature
from b2bua.notify.delivery import Delivery, NotDeliveredError
from b2bua.store import QueuedMail

log = structlog.get_logger(__name__)

BUDGET_S = 15.0
"""Nobody waits: a server may take its time."""


@dataclass(slots=True)
class WebDelivery:
    """Posts what is for a web address; mail goes its own way."""

    mail: Delivery
    """Takes the mails."""
    http: HttpClient
    """Posts."""
    clock: Callable[[], datetime]
    """Wall-clock time, UTC."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What signs what is posted to an address; others get it unsigned."""

    async def deliver(self, queued: QueuedMail) -> str:
        """Return who has it now.

        Raises:
            NotDeliveredError: nobody has.
        """
        url = queued.mail.recipient
        if not is_web(url):
            return await self.mail.deliver(queued)
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(queued.id)}
        secret = self.secrets.get(url)
        sign = partial(signature, secret, self.clock) if secret else None
        request = Request("POST", url, headers, queued.mail.body.encode(), sign=sign)
        try:
            await self.http.ask(request, budget_s=BUDGET_S)
        except NoAnswerError as error:
            is_permanent = error.fault is Fault.REFUSED
            raise NotDeliveredError(
                f"the server {error.why}", is_permanent=is_permanent, again_after_s=error.again_after_s
            ) from error
        log.info("a server was told", to=place_of(url), subject=queued.mail.subject)
        return place_of(url)


def is_web(recipient: str) -> bool:
    """Return whether the recipient is a server, not a mailbox."""
    return recipient.startswith(("https://", "http://"))


def place_of(recipient: str) -> str:
    """Return the recipient as the log may show it: the path of a web address is often a secret."""
    if not is_web(recipient):
        return recipient
    parts = urlsplit(recipient)
    return f"{parts.scheme}://{parts.hostname}"
