"""A prompt that is named but not there is found before a caller hears silence."""

from __future__ import annotations

from dataclasses import dataclass

from b2bua.config.prompts import missing_prompts
from b2bua.phrases import Phrasebook
from tests.config.offices import PEOPLE, Reads

TEXT = (
    PEOPLE.replace("emails", 'greeting = "mailbox"\nemails')
    + """
[queue.q]
agents = ["101"]
greeting = "hello"
messages = ["advertisement"]
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


@dataclass(frozen=True)
class Shelf:
    """Sounds of these names."""

    prompts: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        return name in self.prompts

    def has_music(self, name: str) -> bool:
        return name in self.pieces

    def names(self) -> tuple[str, ...]:
        return self.prompts

    def music_names(self) -> tuple[str, ...]:
        return self.pieces


def test_every_place_that_names_a_prompt_is_looked_at(read: Reads) -> None:
    problems = missing_prompts(read(TEXT), Shelf(("welcome", "goodbye"), ("calm",)))
    assert [(problem.line, problem.key) for problem in problems] == [
        (11, "voicemail.sales.greeting"),
        (19, "queue.q.greeting"),
        (20, "queue.q.messages"),
        (22, "menu.m.greeting"),
        (23, "menu.m.no-input.say"),
        (25, "menu.m.options.1.say"),
        (27, "extension.200.say"),
    ]
    assert problems[0].message == (
        "there is no prompt 'mailbox'; name a folder in office.prompts and record it there as en/mailbox.wav"
    )
    words = "welcome goodbye mailbox what-to-press nothing address joke hello advertisement"
    everything = Shelf(tuple(words.split()), ("calm",))
    assert missing_prompts(read(TEXT), everything) == ()


def test_a_prompt_or_music_of_nearly_that_name_is_what_was_meant(read: Reads) -> None:
    queue = '[queue.q]\nagents = ["101"]\nmusic = "clam"\n[[scheme.main.step]]\nsay = "goodbyee"\n'
    book = Phrasebook(Phrasebook.found(), "en")
    told = {problem.key: problem.message for problem in missing_prompts(read(PEOPLE + queue), book)}
    assert told["scheme.main.step.1.say"].startswith(
        "there is no prompt 'goodbyee'; did you mean 'goodbye'? Else name a folder in office.prompts"
    )
    assert "; did you mean 'calm'? Else name a folder" in told["queue.q.music"]


def test_music_that_is_not_there_is_warned_of(read: Reads) -> None:
    queue = '[queue.q]\nagents = ["101"]\nmusic = "mozart"\n[[scheme.main.step]]\nvoicemail = "sales"\n'
    (problem,) = missing_prompts(read(PEOPLE + queue), Shelf(("queue-welcome",), ("calm",)))
    assert problem.is_warning
    assert (problem.key, problem.message) == (
        "queue.q.music",
        "there is no music 'mozart', so ours is played; "
        "name a folder in office.prompts and record it there as music/mozart.wav",
    )
