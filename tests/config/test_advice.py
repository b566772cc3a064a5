"""Rows I5, I8, Q13, Q15 and V3: what is said of lengths and lines before the first call."""

from __future__ import annotations

import pytest

from b2bua.config.prompt_lengths import prompt_lengths
from tests.config.offices import PEOPLE, Reads, Says

RING = '[[scheme.main.step]]\nring = ["101"]\n[[scheme.main.step]]\nring = ["+48600999888"]\n'
VOICEMAIL = '[[scheme.main.step]]\nvoicemail = "sales"\n'
MENU = """
[menu.m]
greeting = ["hello", "choices"]
no-input = { ring = ["102"] }
invalid = { ring = ["102"] }
options = { 1 = { ring = ["101"] } }
[[scheme.main.step]]
menu = "m"
"""
QUEUE = '[queue.q]\nagents = ["101", "102"]\n[[scheme.main.step]]\nqueue = "q"\n'


def lengths(read: Reads, text: str, *, announcement_s: float = 4.0, **seconds: float) -> list[str]:
    """Return what is said when prompts have these lengths; the default greetings are right."""
    usual = {"voicemail_greeting_working": 20.0, "voicemail_greeting_off_hours": 20.0, **seconds}
    config = read(PEOPLE + text + VOICEMAIL)
    found = prompt_lengths(
        config,
        lambda name: usual.get(name.replace("-", "_"), 0.0),
        lambda _place, wait: announcement_s if wait is not None else announcement_s / 2,
    )
    assert all(problem.is_warning for problem in found)
    return [f"{problem.key}: {problem.message}" for problem in found]


def test_i5_a_greeting_of_12_s_is_told_with_the_number(read: Reads) -> None:
    assert lengths(read, MENU, hello=4, choices=6) == []
    [found] = lengths(read, MENU, hello=4, choices=8)
    assert found == "menu.m.greeting: takes 12.0 s; callers hang up after 10 s"


def test_i8_who_presses_nothing_is_with_somebody_within_45_s(read: Reads) -> None:
    assert lengths(read, MENU.replace("no-input", "tries = 3\nno-input"), hello=9.9) == []
    [found] = lengths(read, MENU.replace("no-input", "tries = 4\nno-input"), hello=9.9)
    assert found == "menu.m.tries: who presses nothing waits 60 s for somebody: at most 45 s are recommended"


@pytest.mark.parametrize(("seconds", "is_told"), [(14, True), (15, False), (30, False), (31, True)])
def test_v3_a_voicemail_greeting_of_14_or_31_s_is_told(read: Reads, seconds: float, is_told: bool) -> None:
    text = RING + '[voicemail.own]\ngreeting = "hello"\n'
    found = lengths(read, text, hello=seconds)
    assert [line.partition(" takes")[0] for line in found] == ["voicemail.own.greeting: 'hello'"] * is_told
    found = lengths(read, RING, voicemail_greeting_off_hours=seconds)
    assert len(found) == is_told


@pytest.mark.parametrize(("every", "is_told"), [("30s", False), ("15s", False), ("10s", True)])
def test_q15_announcements_that_take_a_third_of_the_wait_are_told(
    read: Reads, every: str, is_told: bool
) -> None:
    text = QUEUE.replace("agents", f'announce-every = "{every}"\nagents')
    found = lengths(read, text, announcement_s=4)
    assert [line.partition(":")[0] for line in found] == ["queue.q.announce-every"] * is_told
    assert lengths(read, text.replace("agents", "announce-wait = false\nagents"), announcement_s=4) == []


@pytest.mark.parametrize(("every", "is_told"), [("60s", False), ("40s", True)])
def test_q15_own_messages_that_leave_too_little_music_are_told(
    read: Reads, every: str, is_told: bool
) -> None:
    text = QUEUE.replace("agents", f'messages = ["ad", "news"]\nmessages-every = "{every}"\nagents')
    found = lengths(read, text, announcement_s=4, ad=5, news=11)
    why = (
        "messages of 8.0 s and announcements of 4.0 s take 33% of the waiting time; 30% is enough, "
        "callers want music"
    )
    assert found == [f"queue.q.messages-every: {why}"] * is_told


@pytest.mark.parametrize(("channels", "is_told"), [(1, True), (2, True), (3, False), (None, False)])
def test_q13_a_queue_in_which_nobody_can_wait_is_told(
    warnings: Says, channels: int | None, is_told: bool
) -> None:
    trunk = f"channels = {channels}\n" if channels else ""
    found = warnings(PEOPLE + trunk + QUEUE + RING.replace("main", "main") + VOICEMAIL)
    assert [line for line in found if "queue.q" in line] == (
        [
            f"queue.q.agents: nobody can wait: the trunks carry {channels} calls, and there are 2 agents; "
            "further callers hear the provider's busy tone"
        ]
        if is_told
        else []
    )
