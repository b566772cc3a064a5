"""News of a call for a server on the web: JSON, whose ``text`` chats show of an incoming webhook."""

from __future__ import annotations

import json
from typing import Any

from b2bua.store import NewCall, NewMail


def news(url: str, subject: str, fields: dict[str, Any], *, language: str) -> NewMail:
    """Return what the server at ``url`` is told; the log calls it by its ``subject``."""
    return NewMail(url, subject, json.dumps(fields, ensure_ascii=False), language=language)


def call_fields(call: NewCall) -> dict[str, Any]:
    """Return who called whom, by which line, and when (ISO 8601)."""
    return {
        "call_id": call.call_id,
        "caller": call.caller,
        "caller_name": call.caller_name,
        "dialled": call.dialled,
        "source": call.source,
        "trunk": call.trunk,
        "began_at": call.at.isoformat(),
    }
