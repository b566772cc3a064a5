"""What Pipedrive is sent to make a record. Pure.

Shapes are those of its API reference (developers.pipedrive.com/docs/api/v1) and of its official client:
persons, deals and activities of version 2, call logs of version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from b2bua.config.tables.crm import MadeKind
from b2bua.crm.record import CallRecord
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story

OUTCOMES = {CallOutcome.TALKED: "connected", CallOutcome.MESSAGE: "left_voicemail"}
"""All others are no_answer."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A request that makes something."""

    path: str
    """Where."""
    body: Mapping[str, Any]
    """What."""
    mark: str = ""
    """Field by which it is known again…"""
    proof: str = ""
    """…for it contains this."""
    earlier: Mapping[str, str] | None = None
    """Query that finds it, were it made before."""


def shape_of(
    kind: MadeKind, record: CallRecord, made: Mapping[str, str], *, source_field: str | None
) -> Shape:
    """Return the request for a record; ``made`` are the ids of what was made before."""
    match kind:
        case "contact":
            return _person(record, made)
        case "deal":
            return _deal(record, made, source_field)
        case "task":
            return _activity(record, made)
        case "call":
            return _call_log(record, made)


def _person(record: CallRecord, made: Mapping[str, str]) -> Shape:
    phones = [{"value": record.number, "primary": True, "label": "work"}]
    return Shape("/api/v2/persons", {"name": record.name, "phones": phones, **_id("owner_id", _owner(made))})


def _deal(record: CallRecord, made: Mapping[str, str], source_field: str | None) -> Shape:
    source = record.call.call.source
    body = {
        "title": record.title,
        **_id("person_id", made.get("contact", "")),
        **_id("owner_id", _owner(made)),
        **({"custom_fields": {source_field: source}} if source_field and source else {}),
    }
    person = made.get("contact")
    earlier = {"person_id": person} if person else {"limit": "100"}
    return Shape("/api/v2/deals", body, "title", record.title, earlier)


def _activity(record: CallRecord, made: Mapping[str, str]) -> Shape:
    person, deal = made.get("contact", ""), made.get("deal", "")
    due = (record.due_at or record.ended_at).astimezone(UTC)
    body = {
        "subject": record.task,
        "type": "call",
        "due_date": f"{due:%Y-%m-%d}",
        "due_time": f"{due:%H:%M}",
        "note": _note(record),
        **_id("owner_id", _owner(made)),
        **_id("deal_id", deal),
        **({"participants": [{**_id("person_id", person), "primary": True}]} if person else {}),
    }
    earlier = {"person_id": person} if person else {"limit": "100"}
    return Shape("/api/v2/activities", body, "note", _tag(record), earlier)


def _call_log(record: CallRecord, made: Mapping[str, str]) -> Shape:
    call = record.call.call
    ours = call.dialled if record.is_incoming else call.caller
    numbers = (record.number, ours) if record.is_incoming else (ours, record.number)
    body = {
        "subject": f"{record.title} {_tag(record)}",
        "outcome": OUTCOMES.get(record.call.outcome or CallOutcome.PROMISE, "no_answer"),
        "from_phone_number": numbers[0],
        "to_phone_number": numbers[1],
        "start_time": _utc(call.at),
        "end_time": _utc(record.ended_at),
        "duration": str(record.seconds),
        "note": _note(record),
        **_id("person_id", made.get("contact", "")),
        **_id("deal_id", made.get("deal", "")),
    }
    return Shape("/api/v1/callLogs", body, "subject", _tag(record), {"limit": "50"})


def _note(record: CallRecord) -> str:
    """Return what happened, in HTML."""
    sounds = map(_heard_at, (*record.recordings, *record.messages))
    return "<br>".join((escape(story(record.call)), *sounds, _tag(record)))


def _heard_at(where: str) -> str:
    link = escape(where, quote=True)
    return f'<a href="{link}">{link}</a>' if where.startswith(("http:", "https:")) else link


def _tag(record: CallRecord) -> str:
    """Return what makes its records unlike any other's."""
    return f"[{record.call.call.call_id}]"


def _owner(made: Mapping[str, str]) -> str:
    return made.get("user") or made.get("owner", "")


def _id(field: str, key: str) -> dict[str, int]:
    return {field: int(key)} if key.isdecimal() else {}


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
