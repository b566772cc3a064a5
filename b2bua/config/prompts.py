"""Which prompts a configuration plays, so that a missing one is found before a caller hears silence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from b2bua.config.models import Config, Office
from b2bua.config.origin import Fault, KeyPath
from b2bua.config.similar import closest
from b2bua.config.written import written_destinations
from b2bua.errors import Problem


class Sounds(Protocol):
    """What can be played."""

    def has(self, name: str) -> bool:
        """Return whether there is a prompt of that name."""

    def has_music(self, name: str) -> bool:
        """Return whether there is music of that name."""

    def names(self) -> Collection[str]:
        """Return the names of all prompts; reads folders."""

    def music_names(self) -> Collection[str]:
        """Return the names of all music; reads folders."""


def missing_prompts(config: Config, sounds: Sounds) -> tuple[Problem, ...]:
    """Return an error for every prompt that is named but not there; music is a warning, ours is played."""
    office = config.office
    prompts = [
        Fault(path, f"there is no prompt {name!r}; {_remedy(office, office.language, name, sounds.names())}")
        for path, name in _prompts(config)
        if not sounds.has(name)
    ]
    music = [
        Fault(
            path,
            f"there is no music {name!r}, so ours is played; "
            f"{_remedy(office, 'music', name, sounds.music_names())}",
            is_warning=True,
        )
        for path, name in named_music(config)
        if not sounds.has_music(name)
    ]
    return config.origin.problems(prompts + music)


def broken_prompts(config: Config, defects: Iterable[str]) -> tuple[Problem, ...]:
    """Return an error for every file of the office's own sounds that cannot be played."""
    return config.origin.problems(Fault(("office", "prompts"), defect) for defect in defects)


def _remedy(office: Office, place: str, name: str, known: Collection[str]) -> str:
    """Return what was meant, and how to add it; ``place`` is its folder within that of the office."""
    meant = closest(name, known)
    instead = f"did you mean {meant!r}? Else " if meant else ""
    if office.prompts is None:
        return f"{instead}name a folder in office.prompts and record it there as {place}/{name}.wav"
    return f"{instead}record it as {office.prompts / place / name}.wav"


def _prompts(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield the name of each prompt with the key where it stands."""
    if config.recording.is_on and config.recording.announcement:
        yield ("recording", "announcement"), config.recording.announcement
    for path, destination in written_destinations(config):
        if destination.say:
            yield (*path, "say"), destination.say
        if destination.whisper:
            yield (*path, "whisper"), destination.whisper
    for kind, name, key, prompts in _of_tables(config):
        for prompt in prompts:
            yield (kind, name, key), prompt


def _of_tables(config: Config) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield kind, name and key of what menus, queues and mailboxes play, and the prompts."""
    for name, menu in config.menus.items():
        yield "menu", name, "greeting", tuple(menu.greeting)
    for name, queue in config.queues.items():
        yield "queue", name, "greeting", (queue.greeting,) if queue.greeting else ()
        yield "queue", name, "messages", tuple(queue.messages)
    for name, mailbox in config.mailboxes.items():
        yield "voicemail", name, "greeting", (mailbox.greeting,) if mailbox.greeting else ()
    for name, webhook in config.webhooks.items():
        yield "webhook", name, "ask", tuple(webhook.ask)
    for name, returned in config.return_calls.items():
        yield "return-call", name, "greeting", (returned.greeting,) if returned.greeting else ()


def named_music(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield the name of each piece of music with the key where it stands."""
    for name, queue in config.queues.items():
        yield ("queue", name, "music"), queue.music
    for path, destination in written_destinations(config):
        if destination.music:
            yield (*path, "music"), destination.music
