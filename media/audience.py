"""Who takes what a far end says, besides whoever it is sent on to: a recorder, a tape, an ear for keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from media.commands import Record, Recorded
from media.meter import Loudness
from media.recorder import Recorder
from media.surroundings import Surroundings
from media.tape import Listen


class Audience:
    """The listeners of one leg."""

    __slots__ = ("_around", "_changed", "_leg", "_recorder", "listeners")

    def __init__(self, leg: int, around: Surroundings, *, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever somebody comes or goes."""
        self.listeners: dict[str, Listen] = {}
        """By what they are; empty: what comes need not be looked at."""
        self._leg = leg
        self._around = around
        self._changed = changed
        self._recorder: Recorder | None = None

    def listen(self, codec: str, audio: bytes, timestamp: int, ssrc: int, now: float) -> None:
        """Give each of them the audio of one packet."""
        for listen in self.listeners.values():
            listen(codec, audio, timestamp, ssrc, now)

    def listener_of(self, codec: str) -> Callable[[bytes, int, int, float], None] | None:
        """Return what gives them the audio of packets of ``codec``, None while there is nobody."""
        listen = next(iter(self.listeners.values())) if len(self.listeners) == 1 else self.listen
        return partial(listen, codec) if self.listeners else None

    def _seat(self, name: str, listen: Listen | None) -> None:
        self.listeners.pop(name, None)
        if listen is not None:
            self.listeners[name] = listen
        self._changed()

    def record(self, command: Record, codec: str, now: float) -> None:
        """Record what comes, in ``codec`` at first, in place of what is being recorded."""
        self.stop_recording()
        recorder: Recorder | None = None

        def ended(seconds: float, loudness: Loudness, error: str) -> None:
            nonlocal recorder
            if self._recorder is recorder:
                self._set_recorder(None)
            recorder = None  # which holds this function
            peak, is_silent = loudness.peak_dbfs, loudness.is_silent
            self._around.emit(
                Recorded(self._leg, command.recording, seconds, peak, is_silent=is_silent, error=error)
            )

        recorder = Recorder(
            Path(command.path),
            codec,
            files=self._around.files,
            syncs=self._around.syncs,
            ended=ended,
            now=now,
            max_seconds=command.max_seconds,
            is_resumed=command.is_resumed,
        )
        self._set_recorder(recorder)

    def _set_recorder(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._seat("recorder", None if recorder is None else recorder.listen)

    def stop_recording(self) -> None:
        """Finish what is being recorded."""
        recorder = self._recorder
        if recorder is not None:
            self._set_recorder(None)
            recorder.finish()

    def close(self) -> None:
        """Finish what is being recorded, and tell nobody of it any more."""
        self._changed = _nothing
        self.stop_recording()
        self.listeners.clear()

    def is_due(self, now: float) -> bool:
        """Return whether they want to have now what came; a recorder alone takes it when it writes."""
        return self._recorder is None or now >= self._recorder.due_at or len(self.listeners) > 1

    def flush(self, now: float) -> None:
        """Hand over what was recorded."""
        if self._recorder is not None:
            self._recorder.flush(now)
            if self._recorder.is_over:
                self._set_recorder(None)

    def tap(self, tape: Listen | None) -> None:
        """Let what comes go onto a tape; None: onto none any more."""
        self._seat("tape", tape)

    def listen_for_tones(self, listen: Listen | None) -> None:
        """Let what comes be searched for keys; None: no more."""
        self._seat("tones", listen)

    def listen_for_answerer(self, listen: Listen | None) -> None:
        """Let it be found out by what comes who has answered; None: no more."""
        self._seat("answerer", listen)


def _nothing() -> None:
    """Do nothing: nobody is left who wants to know."""
