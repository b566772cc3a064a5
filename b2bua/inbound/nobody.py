"""Who stands where a caller would, while the office itself calls somebody."""

from __future__ import annotations

from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from media.client import MediaLeg

HERE = "127.0.0.1"


class Nobody(Leg):
    """A leg that no far end has."""

    __slots__ = ()

    def __init__(self, name: str, media: MediaLeg, *, profile: SoundProfile, number: str) -> None:
        super().__init__(name, media, peer=HERE, profile=profile, number=number)

    def ring(self) -> None:
        """Nobody hears it."""
