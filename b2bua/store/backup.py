"""Which calls reached a backup, who had missed them by then, and who took them there (rows F19, F20)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from b2bua.store.calls import CallEvent, CallStory, EventKind

MOBILE_OF = "mobile of "
NOT_MISSED = frozenset(("answered", "somebody else took the call"))
"""How ringing may end without being missed."""
FORWARDED = "forwarded to "
"""Followed by whom the phone sent the call to."""
TAKEN = frozenset((EventKind.ANSWERED, EventKind.TALKED))
"""What happens to whoever takes a call."""
RUNG = frozenset((EventKind.RANG, *TAKEN))
"""What happens to whoever is rung."""


@dataclass(frozen=True, slots=True)
class Office:
    """What has to be known of an office to read its journal."""

    keys: Mapping[str, str]
    """Those of its people, by the names in the journal."""
    marks_backups: bool = False
    """Its steps say themselves which of them is the backup; else that is whoever outside is rung once
    somebody of the office has missed the call."""

    def whose(self, event: CallEvent) -> str:
        """Return the key of the person whose phone or mobile it was; empty: nobody's."""
        return event.party.removeprefix(MOBILE_OF) or self.keys.get(event.who, "")

    def at_backup(self, events: Iterable[CallEvent]) -> list[CallEvent]:
        """Return what happened to whoever is the backup; empty: the call did not come so far."""
        return list(self._after_mark(events) if self.marks_backups else self._outside(events))

    def _after_mark(self, events: Iterable[CallEvent]) -> Iterable[CallEvent]:
        is_there = False
        for event in events:
            is_there = is_there or event.kind is EventKind.BACKUP
            if is_there and event.kind in (*RUNG, EventKind.BACKUP):
                yield event

    def _outside(self, events: Iterable[CallEvent]) -> Iterable[CallEvent]:
        has_missed = False
        for event in events:
            is_outside = not self.whose(event) or event.party.startswith(MOBILE_OF)
            if has_missed and is_outside and event.kind in RUNG:
                yield event
            has_missed = has_missed or (not is_outside and (is_missed(event) or is_off(event)))


def is_missed(event: CallEvent) -> bool:
    """Return whether somebody was rung in vain."""
    is_sent_on = event.detail.startswith(FORWARDED)
    return event.kind is EventKind.RANG and not is_sent_on and event.detail not in NOT_MISSED


def is_off(event: CallEvent) -> bool:
    """Return whether somebody could not be rung."""
    return event.kind is EventKind.OFFLINE


@dataclass(frozen=True, slots=True)
class BackupCall:
    """A call that reached a backup."""

    story: CallStory
    """All of it."""
    rung: tuple[str, ...]
    """Who the backup is, as the journal calls them."""
    missed: tuple[CallEvent, ...]
    """What became of those before who did not take it: the last ringing of each, or that it was off."""
    answered: CallEvent | None = None
    """When the backup took the call; None: it did not."""
    talked_s: float | None = None
    """How long the caller talked with it; None: not known."""

    @property
    def who(self) -> str:
        """Return who took the call there, else who was rung."""
        return self.answered.who if self.answered is not None else ", ".join(self.rung)

    @property
    def waited_s(self) -> float | None:
        """Return how long after the call had come it was answered there."""
        if self.answered is None:
            return None
        return (self.answered.at - self.story.call.at).total_seconds()


def backup_call(story: CallStory, office: Office) -> BackupCall | None:
    """Return what a call from outside came to that reached a backup; None: it is not one of those."""
    at_backup = office.at_backup(story.events) if story.call.direction == "in" else []
    if not at_backup:
        return None
    first = at_backup[0]
    before = takewhile(lambda event: event is not first, story.events)
    missed: dict[str, CallEvent] = {}
    for event in before:
        if is_missed(event) or (is_off(event) and event.who not in missed):
            missed[event.who] = event
    taken = [event for event in at_backup if event.kind in TAKEN]
    talks = [event.seconds for event in taken if event.kind is EventKind.TALKED]
    return BackupCall(
        story=story,
        rung=tuple(dict.fromkeys(event.who for event in at_backup if event.kind in RUNG)),
        missed=tuple(missed.values()),
        answered=taken[0] if talks or _is_up(story, taken) else None,
        talked_s=talks[0] if talks else None,
    )


def _is_up(story: CallStory, taken: list[CallEvent]) -> bool:
    """Return whether the program ended while they talked: then nothing tells how long."""
    was_cut_off = any(event.kind is EventKind.INTERRUPTED for event in story.events)
    return was_cut_off and bool(taken)
