"""Says which prompts are too long or too short for callers, by the real length of their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from b2bua.config.models import Config
from b2bua.config.origin import Fault
from b2bua.errors import Problem

LONGEST_MENU_S = 10.0
LONGEST_SILENT_CALLER_S = 45.0
"""Within that, who presses nothing has to be with somebody (row I8)."""
MAILBOX_GREETING_S = (15.0, 30.0)
"""A colleague who comes free meanwhile can still take the call; longer, callers hang up."""
MOST_TALK = 0.3
"""Share of the time in a queue in which something other than music is heard."""
DEFAULT_GREETINGS = ("voicemail-greeting-working", "voicemail-greeting-off-hours")
CALL_BACK_OFFER = "callback-offer"
"""Follows each announcement of a queue that offers a call back."""
TYPICAL_PLACE, TYPICAL_WAIT_S = 3, 180.0

SecondsOf = Callable[[str], float]
"""How long a prompt is; 0 for one that is not there or cannot be played, which others tell."""
AnnouncementSeconds = Callable[[int, float | None], float]
"""How long it takes to say a place in a queue and, if it is said, the wait."""


def prompt_lengths(
    config: Config, seconds_of: SecondsOf, announcement_s: AnnouncementSeconds
) -> tuple[Problem, ...]:
    """Return a warning for every prompt whose length costs calls."""
    faults = (
        *_menus(config, seconds_of),
        *_mailboxes(config, seconds_of),
        *_queues(config, seconds_of, announcement_s),
    )
    return config.origin.problems(faults)


def _menus(config: Config, seconds_of: SecondsOf) -> Iterator[Fault]:
    for name, menu in config.menus.items():
        seconds = sum(map(seconds_of, menu.greeting))
        if seconds > LONGEST_MENU_S:
            why = f"takes {seconds:.1f} s; callers hang up after {LONGEST_MENU_S:g} s"
            yield Fault(("menu", name, "greeting"), why, is_warning=True)
        unattended = menu.tries * (seconds + menu.input_seconds)
        if unattended > LONGEST_SILENT_CALLER_S:
            why = (
                f"who presses nothing waits {unattended:.0f} s for somebody: at most "
                f"{LONGEST_SILENT_CALLER_S:g} s are recommended"
            )
            yield Fault(("menu", name, "tries"), why, is_warning=True)


def _mailboxes(config: Config, seconds_of: SecondsOf) -> Iterator[Fault]:
    for name, mailbox in config.mailboxes.items():
        if mailbox.greeting and (why := _why_wrong(mailbox.greeting, seconds_of)):
            yield Fault(("voicemail", name, "greeting"), why, is_warning=True)
    for prompt in DEFAULT_GREETINGS:
        if config.mailboxes and (why := _why_wrong(prompt, seconds_of)):
            yield Fault(("office", "prompts"), why, is_warning=True)


def _why_wrong(prompt: str, seconds_of: SecondsOf) -> str | None:
    shortest, longest = MAILBOX_GREETING_S
    seconds = seconds_of(prompt)
    if not seconds or shortest <= seconds <= longest:
        return None
    return (
        f"{prompt!r} takes {seconds:.1f} s; {shortest:g} to {longest:g} s are recommended, "
        "so that a colleague who comes free can still take the call"
    )


def _queues(config: Config, seconds_of: SecondsOf, announcement_s: AnnouncementSeconds) -> Iterator[Fault]:
    for name, queue in config.queues.items():
        seconds = 0.0
        if queue.announce_position:
            seconds = announcement_s(TYPICAL_PLACE, TYPICAL_WAIT_S if queue.announce_wait else None)
        seconds += seconds_of(CALL_BACK_OFFER) if queue.offer_call_back else 0.0
        share = seconds / queue.announce_every_s
        if share > MOST_TALK:
            why = (
                f"announcements of {seconds:.1f} s take {share:.0%} of the waiting time; "
                f"{MOST_TALK:.0%} is enough, callers want music"
            )
            yield Fault(("queue", name, "announce-every"), why, is_warning=True)
        elif queue.messages:
            own = sum(map(seconds_of, queue.messages)) / len(queue.messages)
            share += own / queue.messages_every_s
            if share > MOST_TALK:
                why = (
                    f"messages of {own:.1f} s and announcements of {seconds:.1f} s take {share:.0%} of the "
                    f"waiting time; {MOST_TALK:.0%} is enough, callers want music"
                )
                yield Fault(("queue", name, "messages-every"), why, is_warning=True)
