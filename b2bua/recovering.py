"""What is done at the start about calls that were up when the program last ended."""

from __future__ import annotations

from datetime import datetime

import structlog

from b2bua.store.recovery import MailsFor
from b2bua.store.store import Store

log = structlog.get_logger("office")


async def recover(store: Store, *, at: datetime, mails_for: MailsFor) -> None:
    """Give every caller whom a crash interrupted a promise to be called back."""
    await store.recordings.recover(at)
    for call in await store.journal.recover(at, mails_for=mails_for):
        log.warning(
            "a call was cut off when the program last ended; the caller is owed a call back",
            caller=call.call.caller or "withheld",
            dialled=call.call.dialled,
        )
