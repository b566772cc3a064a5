"""What all legs of an engine share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from media.background import Background
from media.commands import Event
from media.credential import Credential
from media.shelf import CodecShelf
from media.sounds import SoundLibrary


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Made once by whoever drives the engine."""

    emit: Callable[[Event], None]
    """Tells signalling."""
    sounds: SoundLibrary
    """Prompts, encoded once."""
    shelf: CodecShelf
    """Codecs that can be used at once."""
    credential: Credential
    """The certificate for handshakes."""
    files: Background
    """Writes recordings."""
    syncs: Background
    """Waits for the disk, so that `files` need not."""
    random: Random
    """Where streams begin."""
