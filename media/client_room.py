"""A room as signalling knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media.client_leg import MediaLeg


class MediaRoom:
    """Where more than two hear one another, as long as somebody is in it."""

    def __init__(self, number: int) -> None:
        self.number = number
        """Under which workers know it."""
        self.members: list[MediaLeg] = []
        """Who is in it; all are in the worker of the first."""
