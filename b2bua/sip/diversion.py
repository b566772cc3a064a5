"""Whom a call was for before it came here: Diversion (RFC 5806), or History-Info (RFC 7044) read as that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from b2bua.errors import MalformedMessage
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Request
from b2bua.sip.uri import SipUri, TelUri, Uri

MOST = 5
"""Of more, those between the latest ones and the first are left out."""
REASONS = frozenset(
    (
        *("unknown", "user-busy", "no-answer", "unavailable", "unconditional", "time-of-day"),
        *("do-not-disturb", "deflection", "follow-me", "out-of-service", "away"),
    )
)
CAUSES = {
    "user-busy": "486",
    "no-answer": "408",
    "unavailable": "503",
    "unconditional": "302",
    "deflection": "480",
}
"""What these are called in History-Info (RFC 4458 §2, RFC 7544 §7)."""
_REASON_OF = {cause: reason for reason, cause in CAUSES.items()}
_HIDES_HISTORY = frozenset(("history", "header", "session"))
_CAUSE = re.compile(r"cause(?:=|%3d)([0-9]{3})(?![0-9])", re.IGNORECASE)
_PRIVATE = re.compile(r"\bprivacy=[^&=]*history", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Diversion:
    """Somebody who was called, and from whom the call was sent on."""

    user: str
    """Their number or name; empty: it is not to be shown."""
    reason: str = "unknown"
    """Why, in the words of RFC 5806."""


def diversions_of(request: Request) -> tuple[Diversion, ...]:
    """Return who sent the call on, the latest first. What cannot be read says nothing."""
    try:
        found = _by_diversion(request) or _by_history(request)
    except MalformedMessage:
        return ()
    return found if len(found) <= MOST else (*found[: MOST - 1], found[-1])


def _by_diversion(request: Request) -> tuple[Diversion, ...]:
    return tuple(map(_diversion, request.addresses("Diversion")))


def _diversion(entry: NameAddr) -> Diversion:
    reason = (entry.parameter("reason") or "").strip('"').lower()
    is_shown = (entry.parameter("privacy") or "off").strip('"').lower() == "off"
    return Diversion(_user(entry.uri) if is_shown else "", reason if reason in REASONS else "unknown")


def _by_history(request: Request) -> tuple[Diversion, ...]:
    """Return those whose entry has a reason, or is followed by one with a cause."""
    entries = [entry.uri for entry in request.addresses("History-Info")]
    if not entries:
        return ()
    privacy = {value.strip().lower() for value in ";".join(request.headers.all("Privacy")).split(";")}
    found = []
    for entry, following in pairwise(entries):
        cause = _cause_of(entry, following)
        if cause is not None:
            is_shown = privacy.isdisjoint(_HIDES_HISTORY) and not _PRIVATE.search(_headers(entry))
            found.append(Diversion(_user(entry) if is_shown else "", _REASON_OF.get(cause, "unknown")))
    return tuple(reversed(found))


def _cause_of(entry: Uri, following: Uri) -> str | None:
    said = following.parameter("cause") if isinstance(following, SipUri) else None
    if said is not None:
        return said
    match = _CAUSE.search(_headers(entry))
    return match[1] if match else None


def _headers(uri: Uri) -> str:
    return uri.headers if isinstance(uri, SipUri) else ""


def _user(uri: Uri) -> str:
    telephone = uri.telephone if isinstance(uri, SipUri) else uri if isinstance(uri, TelUri) else None
    if telephone is not None:
        return telephone.number
    return uri.user_text if isinstance(uri, SipUri) else ""
