"""What ``b2bua explain`` reckons with beside the configuration: what people said of themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from b2bua.config.models import Config
from b2bua.people.presence import from_row
from b2bua.routing.facts import Absence
from b2bua.store.store import Store


async def absences(config: Config) -> dict[str, Absence]:
    """Return who takes no calls, as far as the office's data knows."""
    folder = await asyncio.to_thread(config.office.data.absolute)
    if not await asyncio.to_thread(folder.is_dir):
        return {}
    async with await Store.open(folder) as store:
        rows = await store.statuses.all()
    zone, now = ZoneInfo(config.office.timezone), datetime.now(UTC)
    said = {row.person: from_row(row) for row in rows if row.person in config.people}
    return {
        person: Absence(status.in_words(zone, now), status.until)
        for person, status in said.items()
        if not status.is_available
    }
