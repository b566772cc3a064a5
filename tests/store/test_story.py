"""A call in plain words."""

from __future__ import annotations

from datetime import datetime

import pytest

from b2bua.store import CallEvent, CallOutcome, CallStory, EventKind, story
from b2bua.store.story import duration
from tests.store.conftest import NOON, after, new_call


def told(*events: CallEvent, outcome: CallOutcome | None, why: str = "") -> str:
    return story(CallStory(new_call(), events, after(100), outcome, why))


def rang(who: str, detail: str = "no answer", seconds: float = 20.0, at: datetime = NOON) -> CallEvent:
    return CallEvent(at, EventKind.RANG, who, detail, seconds)


def test_rung_in_turn_then_voicemail() -> None:
    line = told(
        rang("Anna", at=after(20)),
        CallEvent(after(20), EventKind.OFFLINE, "Piotr"),
        rang("mobile +48600100200", "busy", at=after(40)),
        CallEvent(after(41), EventKind.VOICEMAIL, "sales"),
        CallEvent(after(41), EventKind.PROMPT, detail="vm-greeting"),
        CallEvent(after(60), EventKind.MESSAGE, "sales", seconds=14.2),
        outcome=CallOutcome.MESSAGE,
        why="left a message",
    )
    assert line == (
        "rang Anna 20 s, no answer; Piotr's phone was off; rang mobile +48600100200 20 s, busy; "
        "left a message of 14 s"
    )


def test_rung_together_is_one_ring_and_in_turn_is_two() -> None:
    together = told(rang("Anna", at=after(20)), rang("Piotr", at=after(20.1)), outcome=CallOutcome.PROMISE)
    assert together == "rang Anna and Piotr 20 s, no answer; call back"
    in_turn = told(rang("Anna", at=after(20)), rang("Piotr", at=after(40)), outcome=CallOutcome.PROMISE)
    assert in_turn == "rang Anna 20 s, no answer; rang Piotr 20 s, no answer; call back"


def test_o4_who_declines_again_and_again_in_a_queue_is_told_of_once() -> None:
    events = [
        rang(who, detail, seconds, at=after(10 * turn))
        for turn in range(3)
        for who, detail, seconds in (("Anna", "declined", 0.1), ("Piotr", "no answer", 20.0))
    ]
    told_once = "rang Anna 3 times, declined; rang Piotr 3 times, 1 min in all, no answer"
    assert told(*events, outcome=CallOutcome.MESSAGE) == told_once
    assert told(*events[:4], outcome=CallOutcome.MESSAGE).count("rang Anna") == 2


def test_talked() -> None:
    line = told(
        rang("Anna", "answered", 6.0),
        CallEvent(NOON, EventKind.ANSWERED, "Anna"),
        CallEvent(NOON, EventKind.TALKED, "Anna", seconds=125),
        CallEvent(NOON, EventKind.HUNG_UP),
        outcome=CallOutcome.TALKED,
    )
    assert line == "talked with Anna for 2 min 5 s; hung up"


def test_hung_up_in_the_queue() -> None:
    line = told(
        CallEvent(NOON, EventKind.QUEUED, "sales"),
        CallEvent(NOON, EventKind.HUNG_UP, detail="while waiting (position 2)", seconds=35),
        outcome=CallOutcome.PROMISE,
    )
    assert line == "waited in the queue sales; hung up while waiting (position 2) after 35 s; call back"


def test_the_queue_gave_up_and_the_menu_was_used() -> None:
    line = told(
        CallEvent(NOON, EventKind.MENU, "main", "2"),
        CallEvent(NOON, EventKind.EXTENSION, "main", "103"),
        CallEvent(NOON, EventKind.QUEUED, "sales"),
        CallEvent(NOON, EventKind.LEFT_QUEUE, "sales", "nobody came", 60),
        outcome=CallOutcome.SELF_SERVED,
    )
    assert line == (
        "pressed 2 in the menu main; dialled the extension 103 in the menu main; "
        "waited 1 min in the queue sales, nobody came"
    )


def test_every_kind_of_event_has_words() -> None:
    for kind in EventKind:
        assert isinstance(told(CallEvent(NOON, kind, "Anna", "x", 1.0), outcome=CallOutcome.TALKED), str)


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (CallOutcome.REFUSED, "blocked number; refused"),
        (CallOutcome.PROMISE, "blocked number; call back"),
        (None, "blocked number; not ended yet"),
    ],
)
def test_without_events_the_reason_is_told(outcome: CallOutcome | None, line: str) -> None:
    assert told(outcome=outcome, why="blocked number") == line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "under 1 s"),
        (14.4, "14 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
        (7200, "2 h"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
