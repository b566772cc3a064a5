"""What the journal tells of missed calls: which reached a backup, and who did not take theirs (row F20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from b2bua.store.calls import CallEvent, CallStory, EventKind

MOBILE_OF = "mobile of "
NOT_MISSED = frozenset(("answered", "somebody else took the call"))
"""How ringing may end without being missed."""
OUTSIDE = frozenset((EventKind.RANG, EventKind.TALKED))
"""What happens to somebody who is called outside."""


@dataclass(slots=True)
class MissedReport:
    """The calls from outside in a span of time."""

    calls: int = 0
    """All of them."""
    reached_backup: int = 0
    """Those in which somebody outside was rung after somebody of the office had not taken the call."""
    taken_by_backup: int = 0
    """Those of them in which the caller talked with somebody outside."""
    missed: Counter[str] = field(default_factory=Counter)
    """In how many calls each person was rung, on whatever phone, and did not talk, by key."""
    off: Counter[str] = field(default_factory=Counter)
    """In how many calls each person could not be rung, and did not talk, by key."""


def report(stories: Iterable[CallStory], keys: Mapping[str, str]) -> MissedReport:
    """Return what became of the calls; ``keys`` are those of the people, by the names in the journal."""
    found = MissedReport()
    for story in stories:
        if story.call.direction == "in":
            _add(found, story, keys)
    return found


def _add(found: MissedReport, story: CallStory, keys: Mapping[str, str]) -> None:
    found.calls += 1
    talked = {_whose(event, keys) for event in story.events if event.kind is EventKind.TALKED}
    rang = {_whose(event, keys) for event in story.events if _is_missed(event)}
    off = {_whose(event, keys) for event in story.events if event.kind is EventKind.OFFLINE}
    found.missed.update(rang - talked - {""})
    found.off.update(off - rang - talked - {""})
    backups = list(_backups(story.events, keys))
    found.reached_backup += bool(backups)
    found.taken_by_backup += any(event.kind is EventKind.TALKED for event in backups)


def _backups(events: Iterable[CallEvent], keys: Mapping[str, str]) -> Iterable[CallEvent]:
    """Yield what happened outside once somebody of the office had missed the call."""
    is_missed = False
    for event in events:
        is_outside = not _whose(event, keys) or event.party.startswith(MOBILE_OF)
        if is_missed and is_outside and event.kind in OUTSIDE:
            yield event
        is_missed = is_missed or (not is_outside and (_is_missed(event) or event.kind is EventKind.OFFLINE))


def _is_missed(event: CallEvent) -> bool:
    return event.kind is EventKind.RANG and event.detail not in NOT_MISSED


def _whose(event: CallEvent, keys: Mapping[str, str]) -> str:
    """Return the key of the person whose phone it was; empty: nobody's."""
    return event.party.removeprefix(MOBILE_OF) or keys.get(event.who, "")
