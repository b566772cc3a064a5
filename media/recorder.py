"""What a far end says, put in its place in time and written while it arrives."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from media.background import Background
from media.commands import QUIETEST_DBFS
from media.encoding import ONE_TICK_A_BYTE, clock_rate_hz
from media.errors import in_words
from media.meter import Loudness
from media.rtp import timestamp_delta
from media.soundfile import TICKS_PER_SECOND, RecordingFile, Spoken, has_come, sync_to_disk

FLUSH_SECONDS = 0.2 - 0.01
"""Often enough, a little less than two checks of the engine."""
SYNC_SECONDS = 1.0
_AT_ONCE_S = 1.0
"""Within which what follows by its timestamp follows by the clock, too."""
_FRAME = TICKS_PER_SECOND // 50
HELD_BACK = 10 * _FRAME
"""Ticks not yet written, in which a late packet can still take its place."""
_MAX_ERROR = 2 * TICKS_PER_SECOND
"""Ticks a timestamp may be off the wall clock before it counts as a new beginning."""

Ended = Callable[[float, Loudness, str], None]
"""Told once: seconds, loudness, and what broke, if anything."""


class Recorder:
    """One recording: packets of any codecs on one time line of 8000 ticks per second.

    Gaps become silence, late packets go where they belong, repeated ones change nothing. Decoding and file
    work are done in the background; when the disk fails the recording ends and the call goes on.
    """

    def __init__(
        self,
        path: Path,
        codec: str,
        *,
        files: Background,
        syncs: Background,
        ended: Ended,
        now: float,
        max_seconds: float | None = None,
        is_resumed: bool = False,
    ) -> None:
        """``max_seconds`` are still to come where it ``is_resumed``, at the end of the file that is there."""
        self.is_over = False
        self._over_at = math.inf if max_seconds is None else now + max_seconds
        self.due_at = min(now + FLUSH_SECONDS, self._over_at)
        """When `flush` has something to do."""
        self._path = path
        self._codec = codec
        self._files = files
        self._syncs = syncs
        self._ended = ended
        self._file: RecordingFile | None = None
        self._loudness = Loudness(QUIETEST_DBFS, is_silent=True)
        self._pending: dict[int, Spoken] = {}
        self._end = self._written = 0
        self._max_seconds = max_seconds
        self._is_resumed = is_resumed
        self._origin = self._origin_tick = 0
        self._next = ("", -1, -1)
        """Codec, SSRC and timestamp of what would follow at the end, were its ticks those of the file."""
        self._stream = (-1, 0)
        """SSRC and clock of what comes."""
        self._ends_at = now
        """When the clock is where the sound that came last ends."""
        self._synced_at = now
        self._is_syncing = False
        self._error = ""
        files.attempt(self._open, self._fail)

    def listen(self, codec: str, payload: bytes, timestamp: int, ssrc: int, now: float) -> None:
        """Take the audio of one packet."""
        is_next = (codec, ssrc, timestamp) == self._next and now - self._ends_at < _AT_ONCE_S
        if is_next and codec in ONE_TICK_A_BYTE:  # nearly always: what `_place` would find costs more
            tick, ticks = self._end, len(payload)
            self._ends_at, self._end = now + ticks / TICKS_PER_SECOND, tick + ticks
            self._pending[tick] = Spoken(tick, codec, payload)
        else:
            ticks = self._write(codec, payload, timestamp, ssrc, now)
        self._next = codec, ssrc, (timestamp + ticks) & 0xFFFF_FFFF

    def _write(self, codec: str, payload: bytes, timestamp: int, ssrc: int, now: float) -> int:
        """Put a packet in its place; return the ticks to the timestamp of one that follows at the end."""
        tick = self._place(timestamp, (ssrc, clock_rate_hz(codec)), now)
        spoken = Spoken(tick, codec, payload)
        self._ends_at = now + (spoken.end - tick) / TICKS_PER_SECOND
        is_repeated = tick < self._end and has_come(spoken, self._pending.values())
        if tick >= self._written and not is_repeated:
            self._pending[tick] = spoken
            self._end = max(self._end, spoken.end)
        return self._end - tick

    def _place(self, timestamp: int, stream: tuple[int, int], now: float) -> int:
        """Return the tick at which a packet belongs."""
        ahead = timestamp_delta(timestamp, self._origin)
        tick = self._origin_tick + ahead * TICKS_PER_SECOND // stream[1]
        silent = max(0, int((now - self._ends_at) * TICKS_PER_SECOND) // _FRAME * _FRAME)
        due = self._end + silent if self._stream[0] >= 0 else 0
        if stream != self._stream or abs(tick - due) > _MAX_ERROR:
            self._stream = stream
            self._origin, self._origin_tick = timestamp, due
            return due
        return tick

    def flush(self, now: float) -> None:
        """Hand over what is settled; end the recording when its time is up."""
        if now < self.due_at:
            return
        is_full = self._max_seconds is not None and self._end >= self._max_seconds * TICKS_PER_SECOND
        if is_full or now >= self._over_at:
            self.finish()
        else:
            self.due_at = min(now + FLUSH_SECONDS, self._over_at)
            self._hand_over(self._end - HELD_BACK)
            self._sync(now)

    def finish(self) -> None:
        """End the recording; what is still pending is written first."""
        if self.is_over:
            return
        self.is_over = True
        self._hand_over(self._end)
        self._files.submit(self._close, self._closed)

    def _hand_over(self, until: int) -> None:
        """Let all packets that begin before ``until`` be written, in their order."""
        settled = [self._pending.pop(tick) for tick in sorted(self._pending) if tick < until]
        if settled and not self._error:
            self._written = max(self._written, until, settled[-1].end)
            self._files.attempt(partial(self._append, settled), self._fail)

    def _sync(self, now: float) -> None:
        is_on_disk = self._file is not None  # a slow disk may not even have opened it yet
        if now - self._synced_at < SYNC_SECONDS or self._is_syncing or not (is_on_disk and self._written):
            return
        self._synced_at, self._is_syncing = now, True
        self._syncs.attempt(self._sync_to_disk, self._fail)

    def _fail(self, error: Exception) -> None:
        if not self._error:
            self._error = in_words(error)
            self.finish()

    def _closed(self, result: Exception | None) -> None:
        if isinstance(result, Exception):
            self._error = self._error or in_words(result)
        seconds = 0.0 if self._file is None else self._file.seconds
        self._ended(seconds, self._loudness, self._error)

    # In the background:

    def _open(self) -> None:
        self._file = RecordingFile(
            self._path, self._codec, max_seconds=self._max_seconds, is_resumed=self._is_resumed
        )

    def _append(self, packets: list[Spoken]) -> None:
        if self._file is not None:
            self._file.append(packets)

    def _sync_to_disk(self) -> None:
        try:
            sync_to_disk(self._path)
        finally:
            self._is_syncing = False

    def _close(self) -> None:
        if self._file is not None:
            self._loudness = self._file.loudness
            self._loudness = self._file.close()
