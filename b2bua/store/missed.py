"""What the journal tells of missed calls: which reached a backup, and who did not take theirs (row F20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from b2bua.store.backup import Office, is_missed, is_off
from b2bua.store.calls import CallStory, EventKind


@dataclass(slots=True)
class MissedReport:
    """The calls from outside in a span of time."""

    calls: int = 0
    """All of them."""
    reached_backup: int = 0
    """Those in which the backup was rung: see ``Office.marks_backups`` for who that is."""
    taken_by_backup: int = 0
    """Those of them in which the caller talked with it."""
    missed: Counter[str] = field(default_factory=Counter)
    """In how many calls each person was rung, on whatever phone, and did not talk, by key."""
    off: Counter[str] = field(default_factory=Counter)
    """In how many calls each person could not be rung, and did not talk, by key."""


def report(stories: Iterable[CallStory], office: Office) -> MissedReport:
    """Return what became of the calls of an office."""
    found = MissedReport()
    for story in stories:
        if story.call.direction == "in":
            _add(found, story, office)
    return found


def _add(found: MissedReport, story: CallStory, office: Office) -> None:
    found.calls += 1
    talked = {office.whose(event) for event in story.events if event.kind is EventKind.TALKED}
    rang = {office.whose(event) for event in story.events if is_missed(event)}
    off = {office.whose(event) for event in story.events if is_off(event)}
    found.missed.update(rang - talked - {""})
    found.off.update(off - rang - talked - {""})
    at_backup = office.at_backup(story.events)
    found.reached_backup += bool(at_backup)
    found.taken_by_backup += any(event.kind is EventKind.TALKED for event in at_backup)
