"""Pressing on one leg the keys that the other presses and that do not get there with the sound."""

from __future__ import annotations

import asyncio

import structlog

from b2bua.call.digits import DtmfMode, Method
from b2bua.call.leg import Leg
from b2bua.errors import LegEnded
from media.dtmf import format_info, key_tones
from media.playback import Playback

log = structlog.get_logger("call")


class Presser:
    """Presses in the way in which the leg takes keys, one after the other, however fast they come."""

    __slots__ = ("_informing", "_leg", "_sounding", "_waiting")

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._waiting = ""
        """Keys that follow those which are being told, or sound."""
        self._informing: asyncio.Task[None] | None = None
        self._sounding: Playback | None = None

    def take(self, key: str, method: Method) -> None:
        """Take a key press; events go with the sound where they were agreed."""
        leg = self._leg
        if leg.is_held or method is Method.DIALLED:
            return
        if leg.dtmf is DtmfMode.INFO:
            self._waiting += key
            if self._informing is None or self._informing.done():
                self._informing = asyncio.create_task(self._inform(), name=f"keys for {leg.name}")
        elif leg.dtmf is DtmfMode.INBAND or not leg.takes_events:
            self._waiting += key
            if self._sounding is None or self._sounding.is_over:
                self._sound()
        elif method is not Method.RTP:
            leg.media.send_digits(key)

    def stop(self) -> None:
        """Press nothing more: the leg talks with somebody else, or with nobody."""
        self._waiting = ""
        if self._informing is not None:
            self._informing.cancel()

    async def _inform(self) -> None:
        """Tell the keys that wait by SIP INFO, each when the one before it was answered."""
        session = self._leg.session
        while self._waiting and session is not None:
            key, self._waiting = self._waiting[0], self._waiting[1:]
            content_type, body = format_info(key)
            try:
                status = await session.info(body, content_type)
            except LegEnded:
                return
            if status >= 300:
                log.warning("the far end does not take digits as its trunk is said to", who=self._leg.name)

    def _sound(self) -> None:
        """Let the keys that wait be heard: they may come faster than tones can."""
        keys, self._waiting = self._waiting, ""
        self._sounding = self._leg.media.play(key_tones(keys))
        self._sounding.on_end = self._go_on

    def _go_on(self, is_complete: bool) -> None:
        """Go on behind tones that were heard; where something else was to be heard, nobody wants more."""
        self._sounding = None
        if not is_complete:
            self._waiting = ""
        elif self._waiting:
            self._sound()
