"""What a leg is given to hear, whatever becomes of its worker: sounds, key presses, silence between them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from media import commands
from media.commands import PlayItem
from media.playback import Playback, Playing

if TYPE_CHECKING:
    from media.client_leg import MediaLeg


class Spoken:
    """To one leg, which is given each time: it must not be held by what it holds."""

    __slots__ = ("_fills_pauses", "_has_spoken", "_playing", "_unsent_digits")

    def __init__(self) -> None:
        self._playing: Playing | None = None
        self._unsent_digits = ""
        self._has_spoken = False
        """Whether there was something to play or to press since it was stopped."""
        self._fills_pauses = False

    def play(self, leg: MediaLeg, items: Sequence[PlayItem], *, is_looped: bool, start_s: float) -> Playback:
        """Play ``items`` in the place of what plays."""
        self._cut(leg)
        self._has_spoken = True
        playing = self._playing = Playing(Playback(), tuple(items), is_looped, heard_s=start_s)
        self._play_on(leg, playing)
        return playing.playback

    def _play_on(self, leg: MediaLeg, playing: Playing) -> None:
        if leg.closed.is_set():
            playing.playback.end(is_complete=False)
        elif leg.is_open:
            playing.number = leg.slot.add_playback(playing.playback)
            playing.began = _now()
            skip_ms = int(playing.heard_s * 1000)
            leg.send(commands.Play(leg.number, playing.number, playing.items, playing.is_looped, skip_ms))

    def press(self, leg: MediaLeg, digits: str) -> None:
        """Press keys, as soon as a worker knows the leg."""
        self._has_spoken = True
        self._unsent_digits += digits
        self.press_on(leg)

    def press_on(self, leg: MediaLeg) -> None:
        """Press those that no worker has pressed."""
        if self._unsent_digits and leg.is_open:
            leg.send(commands.SendDigits(leg.number, self._unsent_digits))
            self._unsent_digits = ""

    def stop(self, leg: MediaLeg) -> None:
        """Cut what plays, and digits not yet sent."""
        if not self._has_spoken:
            return
        self._has_spoken = False
        self._cut(leg)
        self._unsent_digits = ""
        leg.send(commands.StopPlaying(leg.number))

    def _cut(self, leg: MediaLeg) -> None:
        playing, self._playing = self._playing, None
        if playing is not None and not leg.is_open:
            playing.playback.end(is_complete=False)

    def fill_pauses(self, leg: MediaLeg) -> None:
        """Send silence from now on whenever there is nothing else to send."""
        if not self._fills_pauses:
            self._fills_pauses = True
            self._send_silence(leg)

    def _send_silence(self, leg: MediaLeg) -> None:
        """Have pauses filled, if they are to be, as soon as there is somewhere to send to."""
        if self._fills_pauses and leg.agreement is not None:
            leg.send(commands.FillPauses(leg.number))

    def begin(self, leg: MediaLeg) -> None:
        """Take that it is heard from now on: it was not known before where to send to."""
        if self._playing is not None:
            self._playing.began = _now()
        self._send_silence(leg)

    def leave(self, leg: MediaLeg) -> None:
        """Take that the worker has died, or has to do with the leg no more."""
        playing = self._playing
        if playing is not None and playing.number:
            leg.slot.drop_numbers(playing.number)
            playing.number = 0
            if leg.agreement is not None:
                playing.heard_s += _now() - playing.began

    def go_on(self, leg: MediaLeg) -> None:
        """Tell a new worker what is to be heard."""
        self._send_silence(leg)
        if self._playing is not None and not self._playing.playback.is_over:
            self._play_on(leg, self._playing)

    def lose(self) -> None:
        """Take that nothing more is heard."""
        if self._playing is not None:
            self._playing.playback.end(is_complete=False)


def _now() -> float:
    return asyncio.get_running_loop().time()
