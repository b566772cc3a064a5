"""``b2bua call-backs``: what became of those whom nobody had served."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import typer

from b2bua.cli.telling import begin_of, journal_folder
from b2bua.config.models import Config
from b2bua.store.promised import (
    Fate,
    PromisedReport,
    fate_of,
    promised_report,
    seconds_to_contact,
)
from b2bua.store.promises import Promise
from b2bua.store.store import Store
from b2bua.store.story import duration


async def show_call_backs(config: Config, *, days: int, for_programs: bool) -> None:
    """Print the report of the latest days, or each of the callers as JSON, the oldest first."""
    folder = await journal_folder(config)
    if folder is None:
        return
    zone, now = ZoneInfo(config.office.timezone), datetime.now(UTC)
    async with await Store.open(folder) as store:
        found = await store.promises.since(begin_of(days, zone))
    if for_programs:
        typer.echo(
            json.dumps([_fields(promise, zone, now) for promise in found], indent=2, ensure_ascii=False)
        )
        return
    for line in lines(promised_report(found)):
        typer.echo(line)


def lines(found: PromisedReport) -> list[str]:
    """Return the report in words."""
    if not found.count:
        return ["Nobody was missed."]
    told = [
        f"{_callers(found.count)} missed",
        f"{found.fates[Fate.CALLED_BACK]} called back{_share(found)}",
        f"{found.fates[Fate.CALLED_AGAIN]} called again themselves",
        f"{found.fates[Fate.NEEDS_NONE]} needed no call",
        f"{found.fates[Fate.OWED]} still owed a call",
    ]
    if found.median_s is not None:
        told.append(f"half of those who were called back waited {duration(found.median_s)} or less")
    if found.attempts:
        how_often = "once" if found.attempts == 1 else f"{found.attempts} times"
        told.append(f"the office itself has called {how_often}")
    return told


def _share(found: PromisedReport) -> str:
    share = found.share_called_back
    return f", {share:.0%} of those who had to be" if share is not None else ""


def _callers(count: int) -> str:
    return "1 caller was" if count == 1 else f"{count} callers were"


def _fields(promise: Promise, zone: tzinfo, now: datetime) -> dict[str, Any]:
    return {
        "call": promise.call_id,
        "caller": promise.caller,
        "caller_name": promise.caller_name,
        "dialled": promise.dialled,
        "since": _local(promise.since, zone),
        "why": promise.why,
        "fate": fate_of(promise).value,
        "closed_at": _local(promise.closed_at, zone),
        "remark": promise.closed_why,
        "seconds_to_contact": seconds_to_contact(promise),
        "seconds_owed": round(((promise.closed_at or now) - promise.since).total_seconds()),
        "attempts": promise.attempts,
        "next_attempt_at": _local(promise.call_at if fate_of(promise) is Fate.OWED else None, zone),
    }


def _local(moment: datetime | None, zone: tzinfo) -> str | None:
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment is not None else None
