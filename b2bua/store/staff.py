"""What each person did on the telephone: calls taken, placed and missed, and for how long (row O2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from b2bua.store.backup import Office, is_missed, is_off
from b2bua.store.calls import CallStory, EventKind


@dataclass(slots=True)
class Work:
    """One person's calls with the outside."""

    taken: int = 0
    """Calls in which they talked with somebody who called, or was called back."""
    taken_s: float = 0.0
    """How long, together."""
    placed: int = 0
    """Calls that they placed and in which they talked."""
    placed_s: float = 0.0
    """How long, together."""
    missed: int = 0
    """Calls in which they were rung, on whatever phone, and did not talk."""
    off: int = 0
    """Calls in which they could not be rung, and did not talk."""


def staff_report(
    stories: Iterable[CallStory], office: Office, *, extensions: Mapping[str, str]
) -> dict[str, Work]:
    """Return what each person did, by key; ``extensions`` are those of the people, and whose each is."""
    found: dict[str, Work] = {}
    for story in stories:
        if story.call.direction == "in":
            _add_received(found, story, office)
        elif story.call.direction == "out":
            _add_placed(found, story, office, extensions.get(story.call.caller, ""))
    return found


def _add_received(found: dict[str, Work], story: CallStory, office: Office) -> None:
    talked = _add_talks(found, story, office)
    rang = {office.whose(event) for event in story.events if is_missed(event)} - talked - {""}
    off = {office.whose(event) for event in story.events if is_off(event)} - rang - talked - {""}
    for person in rang:
        found.setdefault(person, Work()).missed += 1
    for person in off:
        found.setdefault(person, Work()).off += 1


def _add_talks(found: dict[str, Work], story: CallStory, office: Office) -> set[str]:
    """Add who talked with the caller, and return them."""
    talked = set[str]()
    for event in story.events:
        if event.kind is EventKind.TALKED and (person := office.whose(event)):
            work = found.setdefault(person, Work())
            work.taken += person not in talked
            work.taken_s += event.seconds or 0.0
            talked.add(person)
    return talked


def _add_placed(found: dict[str, Work], story: CallStory, office: Office, person: str) -> None:
    if not person:  # the office itself called a customer back
        _add_talks(found, story, office)
        return
    talks = [event.seconds or 0.0 for event in story.events if event.kind is EventKind.TALKED]
    if talks:
        work = found.setdefault(person, Work())
        work.placed += 1
        work.placed_s += sum(talks)
