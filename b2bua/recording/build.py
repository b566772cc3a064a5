"""What records an office's conversations, as its configuration says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from b2bua.config.models import Config
from b2bua.recording.keeper import RecordingKeeper
from b2bua.recording.studio import Rules, Studio
from b2bua.routing.numbers import normalise
from b2bua.store.store import Store
from media.commands import PlayItem


def build_keeper(config: Config, store: Store, clock: Callable[[], datetime]) -> RecordingKeeper:
    """Return what looks after the files: those of earlier times too, when nothing is recorded any more."""
    return RecordingKeeper(store, clock, config.recording.format, config.recording.keep_s)


def build_studio(
    config: Config, keeper: RecordingKeeper, prompts: Callable[[str], Sequence[PlayItem]]
) -> Studio | None:
    """Return what records; None where nothing shall be recorded."""
    settings, country = config.recording, config.office.country
    if not settings.is_on:
        return None
    return Studio(
        Rules.of(settings, lambda number: normalise(number, country=country)),
        prompts(settings.announcement) if settings.announcement else (),
        keeper.store,
        settings.folder or config.office.data / "recordings",
        keeper.clock,
        keeper.note_complete,
    )
