"""A prompt that is named but not there is found before a caller hears silence."""

from __future__ import annotations

from b2bua.config.prompts import missing_prompts
from tests.config.offices import PEOPLE, Reads

TEXT = (
    PEOPLE.replace("emails", 'greeting = "mailbox"\nemails')
    + """
[menu.m]
greeting = ["welcome", "what-to-press"]
no-input = { say = "nothing" }
invalid = { echo = true }
options = { 1 = { say = "address" } }
[extension."200"]
say = "joke"
[[scheme.main.step]]
menu = "m"
[[scheme.main.step]]
say = "goodbye"
"""
)


def test_every_place_that_names_a_prompt_is_looked_at(read: Reads) -> None:
    problems = missing_prompts(read(TEXT), lambda name: name in ("welcome", "goodbye"), lambda _: True)
    assert [(problem.line, problem.key) for problem in problems] == [
        (12, "voicemail.sales.greeting"),
        (18, "menu.m.greeting"),
        (19, "menu.m.no-input.say"),
        (21, "menu.m.options.1.say"),
        (23, "extension.200.say"),
    ]
    assert problems[0].message == (
        "there is no prompt 'mailbox'; name a folder in office.prompts and record it there as en/mailbox.wav"
    )
    assert missing_prompts(read(TEXT), lambda _: True, lambda _: True) == ()


def test_music_that_is_not_there_is_warned_of(read: Reads) -> None:
    queue = '[queue.q]\nagents = ["101"]\nmusic = "mozart"\n[[scheme.main.step]]\nvoicemail = "sales"\n'
    (problem,) = missing_prompts(read(PEOPLE + queue), lambda _: True, lambda name: name == "calm")
    assert problem.is_warning
    assert (problem.key, problem.message) == (
        "queue.q.music",
        "there is no music 'mozart', so ours is played; "
        "name a folder in office.prompts and record it there as music/mozart.wav",
    )
