"""Which prompts a configuration plays, so that a missing one is found before a caller hears silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from b2bua.config.models import Config
from b2bua.config.origin import Fault, KeyPath
from b2bua.config.written import written_destinations
from b2bua.errors import Problem


def missing_prompts(
    config: Config, has_prompt: Callable[[str], bool], has_music: Callable[[str], bool]
) -> tuple[Problem, ...]:
    """Return an error for every prompt that is named but not there, and a warning for music, ours is played.

    ``has_prompt`` and ``has_music`` know those that are.
    """
    folder = config.office.prompts
    prompts = [
        Fault(path, f"there is no prompt {name!r}; {_remedy(folder, config.office.language, name)}")
        for path, name in _prompts(config)
        if not has_prompt(name)
    ]
    music = [
        Fault(
            path,
            f"there is no music {name!r}, so ours is played; {_remedy(folder, 'music', name)}",
            is_warning=True,
        )
        for path, name in _music(config)
        if not has_music(name)
    ]
    return config.origin.problems(prompts + music)


def broken_prompts(config: Config, defects: Iterable[str]) -> tuple[Problem, ...]:
    """Return an error for every file of the office's own sounds that cannot be played."""
    return config.origin.problems(Fault(("office", "prompts"), defect) for defect in defects)


def _remedy(folder: Path | None, place: str, name: str) -> str:
    """Return how to add a prompt or a piece of music; ``place`` is its folder within that of the office."""
    if folder is None:
        return f"name a folder in office.prompts and record it there as {place}/{name}.wav"
    return f"record it as {folder / place / name}.wav"


def _prompts(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield the name of each prompt with the key where it stands."""
    if config.recording.is_on and config.recording.announcement:
        yield ("recording", "announcement"), config.recording.announcement
    for path, destination in written_destinations(config):
        if destination.say:
            yield (*path, "say"), destination.say
        if destination.whisper:
            yield (*path, "whisper"), destination.whisper
    for name, menu in config.menus.items():
        for prompt in menu.greeting:
            yield ("menu", name, "greeting"), prompt
    for name, mailbox in config.mailboxes.items():
        if mailbox.greeting:
            yield ("voicemail", name, "greeting"), mailbox.greeting


def _music(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield the name of each piece of music with the key where it stands."""
    for name, queue in config.queues.items():
        yield ("queue", name, "music"), queue.music
    for path, destination in written_destinations(config):
        if destination.music:
            yield (*path, "music"), destination.music
