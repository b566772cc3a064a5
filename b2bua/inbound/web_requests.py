"""Somebody asked on the web to be called back: a promise, like that to a caller whom nobody took (R14)."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from b2bua.inbound.mails import Mails
from b2bua.inbound.outside import Outside
from b2bua.store.callbacks import Callbacks, NewCallback

log = structlog.get_logger("call")


@dataclass(frozen=True, slots=True)
class WebRequests:
    """Keeps them, and tells whoever is told of callers."""

    callbacks: Callbacks
    """Where they are kept."""
    mails: Mails
    """Says it to people."""
    outside: Outside
    """Says it to the CRM."""

    async def promise(self, new: NewCallback) -> bool:
        """Promise a call, with mail and CRM; True once that is on disk, False when that takes longer."""
        news, tells_crm = self.mails.for_callback(new), self.outside.tells_crm(new.call)
        is_written = await self.callbacks.add(new, mails=news, tells_crm=tells_crm)
        self.outside.over()
        log.info(
            "somebody asked on the web to be called back",
            caller=new.call.caller,
            source=new.call.source,
            call_id=new.call.call_id,
        )
        return is_written
