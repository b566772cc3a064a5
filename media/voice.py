"""What we say on one leg: sounds, key presses and what had to be transcoded, a packet at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from media.commands import Event, Play, Played, PlayingItem, Trouble
from media.keypad import Keypad
from media.outgoing import OutgoingStream
from media.player import Player
from media.sdp.agreement import StreamAgreement
from media.sounds import Encoded, SoundLibrary


class Speech(Protocol):
    """What somebody else says, ready when a packet is due."""

    def next_frame(self, now: float) -> bytes | None:
        """Return the payload that is due, None for none."""


class Voice:
    """Sounds and digits toward one far end; digits take the place of sound, and both that of a bridge."""

    # Of hundreds of voices none is in the processor's cache when its turn comes: each object less is felt.
    __slots__ = (
        "_agreement",
        "_emit",
        "_has_digits",
        "_keypad",
        "_out",
        "_pace",
        "_pauses",
        "_payload_type",
        "_player",
        "_sounds",
        "_speech",
        "leg",
        "ptime_ms",
    )

    def __init__(
        self,
        leg: int,
        out: OutgoingStream,
        *,
        emit: Callable[[Event], None],
        sounds: SoundLibrary,
        pace: Callable[[Voice], None],
    ) -> None:
        """Speak into ``out``; ``pace`` is called when there is something to send each `ptime_ms`."""
        self.leg = leg
        self._out = out
        self._emit = emit
        self._sounds = sounds
        self._pace = pace
        self._agreement: StreamAgreement | None = None
        self._payload_type: int | None = None
        """Under which sound goes out; None while none may."""
        self._has_digits = False
        self._player: Player | None = None
        self._speech: Speech | None = None
        self._pauses: Speech | None = None
        self._keypad = Keypad()
        self.ptime_ms = 20
        """Milliseconds between two packets."""

    def connect(self, agreement: StreamAgreement) -> None:
        """Take what offer and answer settled; what plays goes on in the codec of now."""
        was, self._agreement = self._agreement, agreement
        self._payload_type = agreement.payload_type if agreement.sends else None
        if self.ptime_ms != agreement.ptime_ms:
            self.ptime_ms = agreement.ptime_ms
            self._take_turns()
        if self._player is not None and (was is None or was.encoding != agreement.encoding):
            self._player.unload()
            self._load(self._player)

    def hear(self, speech: Speech | None) -> None:
        """Say what somebody else says, when nothing else is to be said; None: nobody does any more."""
        self._speech = speech
        self._take_turns()

    def fill(self, pauses: Speech | None) -> None:
        """Say that when there is nothing else to say at all; None: say nothing then."""
        if pauses is not self._pauses:
            self._pauses = pauses
            self._take_turns()

    def play(self, command: Play) -> None:
        """Replace what plays."""
        self.stop()
        self._player = Player(
            command.playback, command.items, is_looped=command.is_looped, skip_ms=command.skip_ms
        )
        self._player.on_item = partial(self._tell_item, command.playback)
        self._take_turns()
        if self._agreement is not None:
            self._load(self._player)

    def _tell_item(self, playback: int, index: int) -> None:
        self._emit(PlayingItem(self.leg, playback, index))

    def stop(self) -> None:
        """Cut what plays."""
        player, self._player = self._player, None
        if player is not None:
            self._take_turns()
            self._emit(Played(self.leg, player.number, is_complete=False))

    def close(self) -> None:
        """Say nothing any more, whatever is loaded later."""
        self._keypad.clear()
        self.stop()
        self._agreement = self._speech = self._pauses = None

    def press(self, digits: str) -> None:
        """Send ``digits`` after those still to be sent."""
        self._keypad.press(digits)
        self._take_turns()

    def clear_keypad(self) -> None:
        """Forget digits that were not sent."""
        self._keypad.clear()
        self._take_turns()

    @property
    def is_paced(self) -> bool:
        """Whether there is something to send each `ptime_ms`."""
        has_speech = self._speech is not None or self._pauses is not None
        has_sound = self._player.is_loaded if self._player is not None else has_speech
        return self._agreement is not None and (has_sound or not self._keypad.is_idle)

    def tick(self, now: float) -> bool:
        """Send the next packet; return whether that was possible, so that more is to come."""
        if self._has_digits and self._press_on(now):
            return True
        player = self._player
        if player is None:
            return self._speak_on(now)
        if not player.is_loaded or self._agreement is None:
            return False
        frame = player.next_frame()
        if frame is not None:
            if self._payload_type is not None:
                self._out.send_frame(self._payload_type, frame, source=player, now=now)
            return True
        if not player.has_ended:
            return False  # the rest of it is still being encoded
        self._player = None
        self._take_turns()
        self._emit(Played(self.leg, player.number, is_complete=True))
        return self._speak_on(now)

    def _speak_on(self, now: float) -> bool:
        speech = self._speech or self._pauses
        if speech is None:
            return False
        frame = speech.next_frame(now)
        if frame is None:
            self._out.pause(speech)
        elif self._payload_type is not None:
            self._out.send_frame(self._payload_type, frame, source=speech, now=now)
        return True

    def _press_on(self, now: float) -> bool:
        """Spend a packet's time on the digits to be sent; return whether they took the place of audio."""
        agreement = self._agreement
        if agreement is None:
            return False
        event_type = agreement.telephone_event
        if event_type is None or not (agreement.sends and self._out.is_aimed):
            self.clear_keypad()
            self._emit(Trouble(self.leg, "digits not sent: the far end takes no RFC 4733 events"))
            return False
        is_pressing = self._keypad.is_pressing
        self._keypad.tick(self._out, event_type, now, rate_hz=agreement.event_rate_hz)
        self._take_turns()
        return is_pressing

    def _take_turns(self) -> None:
        self._out.settle()
        self._has_digits = not self._keypad.is_idle
        self._out.is_taken = self._player is not None or self._keypad.is_pressing
        if self.is_paced:
            self._pace(self)

    def _load(self, player: Player) -> None:
        assert self._agreement is not None
        encoding = self._agreement.encoding

        def loaded(encoded: Encoded, troubles: list[str]) -> None:
            for trouble in troubles:
                self._emit(Trouble(self.leg, trouble))
            if self._agreement is not None and self._agreement.encoding == encoding:
                player.load(encoded)
                self._take_turns()

        self._sounds.load(player.items, encoding, loaded, place=player.place)
