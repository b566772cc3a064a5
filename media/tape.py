"""A conversation of two far ends, written while it happens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from media.background import Background
from media.commands import QUIETEST_DBFS, Event, Recorded, Tap
from media.errors import in_words
from media.meter import Loudness
from media.recorder import FLUSH_SECONDS, SYNC_SECONDS, Ended
from media.soundfile import TICKS_PER_SECOND, Spoken, sync_to_disk
from media.stereofile import StereoFile
from media.track import Track

HELD_BACK_S = 0.5
"""What came so lately is not written yet: a late packet still takes its place in it."""
Listen = Callable[[str, bytes, int, int, float], None]
"""Takes the audio of a packet: codec, payload, timestamp, SSRC, time."""


class Tape:
    """One recording of two channels on the wall clock's time line, whoever is on them at a time.

    Decoding and file work are done in the background; when the disk fails the tape ends and calls go on.
    """

    def __init__(
        self,
        path: Path,
        *,
        files: Background,
        syncs: Background,
        ended: Ended,
        now: float,
        elapsed_s: float = 0.0,
    ) -> None:
        """``elapsed_s`` ago it was begun, in a worker that died, and the file is gone on with."""
        self.is_over = False
        self._path = path
        self._files = files
        self._syncs = syncs
        self._ended = ended
        self._began = now - elapsed_s
        self._tracks = (Track(), Track())
        self._codecs: set[str] = set()
        """Of those who are, or were, on it."""
        self._file: StereoFile | None = None
        self._loudness = Loudness(QUIETEST_DBFS, is_silent=True)
        self._flushed_at = self._synced_at = now
        self._is_syncing = False
        self._error = ""

    def on(self, channel: int, codec: str) -> Listen:
        """Return what writes to ``channel`` (0 left, 1 right), from a new party or a party that is back."""
        self._codecs.add(codec)
        self._tracks[channel].begin_anew()
        return partial(self._write, self._tracks[channel])

    def _write(self, track: Track, codec: str, payload: bytes, timestamp: int, ssrc: int, now: float) -> None:
        if not self.is_over:  # who is on it may stay there for hours
            track.write(codec, payload, timestamp=timestamp, ssrc=ssrc, arrived=self._tick(now))

    def _tick(self, now: float) -> int:
        return int((now - self._began) * TICKS_PER_SECOND)

    def flush(self, now: float) -> None:
        """Hand over what is settled."""
        if now - self._flushed_at >= FLUSH_SECONDS and not self.is_over:
            self._flushed_at = now
            self._hand_over(self._tick(now - HELD_BACK_S))
            self._sync(now)

    def finish(self, now: float) -> None:
        """End it; what is still pending is written first."""
        if not self.is_over:
            self.is_over = True
            self._hand_over(self._tick(now))
            self._files.submit(self._close, self._closed)

    def _hand_over(self, until: int) -> None:
        left, right = (track.settle(until) for track in self._tracks)
        if until > 0 and not self._error:
            self._files.attempt(partial(self._append, left, right, until), self._fail)

    def _sync(self, now: float) -> None:
        if now - self._synced_at >= SYNC_SECONDS and not self._is_syncing and self._file is not None:
            self._synced_at, self._is_syncing = now, True
            self._syncs.attempt(self._sync_to_disk, self._fail)

    def _fail(self, error: Exception) -> None:
        if not self._error:
            self._error = in_words(error)
            if not self.is_over:
                self.is_over = True
                self._files.submit(self._close, self._closed)

    def _closed(self, result: Exception | None) -> None:
        if isinstance(result, Exception):
            self._error = self._error or in_words(result)
        seconds = 0.0 if self._file is None else self._file.seconds
        self._ended(seconds, self._loudness, self._error)

    # In the background:

    def _append(self, left: list[Spoken], right: list[Spoken], until: int) -> None:
        if self._file is None:
            self._file = StereoFile(self._path, sorted(self._codecs))
        self._file.append(left, right, until=until)

    def _sync_to_disk(self) -> None:
        try:
            sync_to_disk(self._path)
        finally:
            self._is_syncing = False

    def _close(self) -> None:
        if self._file is not None:
            self._loudness = self._file.meter.loudness
            self._file.close()


class Tapes:
    """All tapes of an engine, by number."""

    def __init__(self, emit: Callable[[Event], None], *, files: Background, syncs: Background) -> None:
        self._emit = emit
        self._files = files
        self._syncs = syncs
        self._tapes: dict[int, Tape] = {}

    @property
    def is_busy(self) -> bool:
        """Whether `flush` has to be called."""
        return bool(self._tapes)

    def tape(self, tap: Tap, now: float) -> Tape:
        """Return the tape that a leg is to be on, begun if there is none."""
        if tap.tape not in self._tapes:

            def ended(seconds: float, loudness: Loudness, error: str) -> None:
                self._tapes.pop(tap.tape, None)
                peak, is_silent = loudness.peak_dbfs, loudness.is_silent
                self._emit(Recorded(0, tap.tape, seconds, peak, is_silent=is_silent, error=error))

            self._tapes[tap.tape] = Tape(
                Path(tap.path),
                files=self._files,
                syncs=self._syncs,
                ended=ended,
                now=now,
                elapsed_s=tap.elapsed_s,
            )
        return self._tapes[tap.tape]

    def flush(self, now: float) -> None:
        """Let each hand over what is settled."""
        for tape in self._tapes.values():
            tape.flush(now)

    def stop(self, number: int, now: float) -> None:
        """Finish one; whoever is on it goes on unheard by it."""
        if number in self._tapes:
            self._tapes[number].finish(now)

    def close(self, now: float) -> None:
        """Finish all."""
        for tape in self._tapes.values():
            tape.finish(now)
