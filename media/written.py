"""What is written of a leg's sound, whatever becomes of its worker: a file of its own, a tape with others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from media import commands
from media.playback import Recording

if TYPE_CHECKING:
    from media.client_leg import MediaLeg
    from media.conversation_tape import ConversationTape
    from media.slot import WorkerSlot


@dataclass(slots=True)
class _Taking:
    """A file that is written."""

    recording: Recording
    number: int = 0
    """Under which the present worker knows it; 0: not at all."""
    is_begun: bool = False
    """Whether a worker has begun a file."""
    is_stopped: bool = False
    """Whether its end was asked for."""


class Written:
    """Of one leg, which is given each time: it must not be held by what it holds."""

    __slots__ = ("_taking", "_tape")

    def __init__(self) -> None:
        self._taking: _Taking | None = None
        self._tape: tuple[ConversationTape, int] | None = None
        """The tape it is on, and the channel."""

    def is_by(self, slot: WorkerSlot) -> bool:
        """Return whether the worker in ``slot`` writes something of it, which a move would end."""
        return (self._tape is not None and self._tape[0].slot is slot) or self._is_recorded

    @property
    def _is_recorded(self) -> bool:
        return self._taking is not None and not self._taking.recording.is_over

    def record(self, leg: MediaLeg, path: Path, *, max_seconds: float | None) -> Recording:
        """Write what the far end says to a file; a recording under way ends."""
        recording = Recording(path, max_seconds=max_seconds)
        if self._taking is not None and not leg.is_open:
            self._taking.recording.lose("another recording took its place")
        taking = self._taking = _Taking(recording)
        recording.on_stop = lambda: _stop(leg, taking)
        _record(leg, taking)
        return recording

    def tap(self, leg: MediaLeg, tape: ConversationTape, channel: int) -> None:
        """Let what the far end says go onto a channel of ``tape``, as soon as both are in one worker."""
        self._tape = tape, channel
        self._tap_on(leg)

    def untap(self, leg: MediaLeg) -> None:
        """Let it be on no tape any more."""
        if self._tape is not None:
            self._tape = None
            leg.send(commands.Untap(leg.number))

    def _tap_on(self, leg: MediaLeg) -> None:
        if self._tape is not None and leg.is_open and not leg.closed.is_set():
            tape, channel = self._tape
            command = tape.tap_by(leg.number, channel, leg.slot)
            if command is not None:
                leg.send(command)

    def go_on(self, leg: MediaLeg) -> None:
        """Tell a new worker what is to be written."""
        if self._taking is not None and self.is_by(leg.slot):
            _record(leg, self._taking)
        self._tap_on(leg)

    def strand(self, slot: WorkerSlot) -> None:
        """Take that the worker in ``slot`` has died."""
        if self._taking is not None:
            slot.drop_numbers(self._taking.number)
            self._taking.recording.note_interruption()
        if self._tape is not None:
            self._tape[0].strand()

    def part(self) -> None:
        """Leave a file to the worker that writes it and lives on; it ends there."""
        self._taking = None

    def lose(self, why: str) -> None:
        """Take that nothing more is written."""
        if self._taking is not None:
            self._taking.recording.lose(why)


def _record(leg: MediaLeg, taking: _Taking) -> None:
    recording = taking.recording
    if leg.closed.is_set():
        recording.lose("the leg is closed")
    elif leg.is_open:
        taking.number = leg.slot.add_recording(recording)
        command = commands.Record(
            leg.number, taking.number, str(recording.path), recording.remaining_s, is_resumed=taking.is_begun
        )
        taking.is_begun = True
        leg.send(command)
        if taking.is_stopped:
            _stop(leg, taking)


def _stop(leg: MediaLeg, taking: _Taking) -> None:
    taking.is_stopped = True
    leg.send(commands.StopRecording(leg.number, taking.number))
