"""What a far end says, put in its place in time and written while it arrives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from media import codecs
from media.background import Background
from media.commands import QUIETEST_DBFS
from media.outgoing import CLOCK_HZ, FRAME_BYTES
from media.relay import Convert
from media.soundfile import Loudness, RecordingFile, sync_to_disk
from media.transcode import converter

FLUSH_SECONDS = 0.2 - 0.01
"""Often enough, a little less than two checks of the engine."""
SYNC_SECONDS = 1.0
HELD_BACK = 3 * FRAME_BYTES
"""Ticks not yet written, in which a late packet can still take its place."""
_MAX_ERROR = 2 * CLOCK_HZ
"""Ticks a timestamp may be off the wall clock before it counts as a new beginning."""

Ended = Callable[[float, Loudness, str], None]
"""Told once: seconds, loudness, and what broke, if anything."""


class Recorder:
    """One recording: payloads of one codec on one time line, a byte per tick of the 8 kHz RTP clock.

    Gaps become silence, late packets go where they belong, repeated ones change nothing. File work is done in
    the background; when the disk fails the recording ends and the call goes on.
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
    ) -> None:
        self.is_over = False
        self.ends_at = None if max_seconds is None else now + max_seconds
        self._path = path
        self._codec = codec
        self._silence = codecs.by_name(codec).silence(20)
        self._converters: dict[str, Convert | None] = {codec: None}
        self._files = files
        self._syncs = syncs
        self._ended = ended
        self._file: RecordingFile | None = None
        self._loudness = Loudness(QUIETEST_DBFS, is_silent=True)
        self._pending = bytearray()
        self._written = 0
        self._max_ticks = None if max_seconds is None else int(max_seconds * CLOCK_HZ)
        self._origin = 0
        self._ssrc = -1
        self._last_at = now
        self._flushed_at = self._synced_at = now
        self._is_syncing = False
        self._error = ""
        files.submit(self._open, self._wrote)

    @property
    def ticks(self) -> int:
        """Length so far, 8000 per second."""
        return self._written + len(self._pending)

    def write(self, codec: str, payload: bytes, *, timestamp: int, ssrc: int, now: float) -> None:
        """Take the audio of one packet."""
        if codec not in self._converters:
            self._converters[codec] = converter(codec, self._codec)
        convert = self._converters[codec]
        audio = payload if convert is None else convert(payload)
        start = self._place(timestamp, ssrc, now) - self._written
        self._last_at = now
        if start < 0:
            return
        pending = self._pending
        if start > len(pending):
            gap = start - len(pending)
            pending += (self._silence * (gap // FRAME_BYTES + 1))[:gap]
        pending[start : start + len(audio)] = audio

    def _place(self, timestamp: int, ssrc: int, now: float) -> int:
        """Return the tick at which a packet belongs."""
        tick = ((timestamp - self._origin + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
        elapsed = int((now - self._last_at) * CLOCK_HZ) // FRAME_BYTES * FRAME_BYTES
        due = self.ticks + max(0, elapsed - FRAME_BYTES) if self._ssrc >= 0 else 0
        if ssrc != self._ssrc or abs(tick - due) > _MAX_ERROR:
            self._ssrc = ssrc
            self._origin = (timestamp - due) & 0xFFFF_FFFF
            return due
        return tick

    def flush(self, now: float) -> None:
        """Hand over what is settled; end the recording when its time is up."""
        if self._max_ticks is not None and self.ticks >= self._max_ticks:
            del self._pending[self._max_ticks - self._written :]
            self.finish()
        elif self.ends_at is not None and now >= self.ends_at:
            self.finish()
        elif now - self._flushed_at >= FLUSH_SECONDS:
            self._flushed_at = now
            self._hand_over(len(self._pending) - HELD_BACK)
            self._sync(now)

    def finish(self) -> None:
        """End the recording; what is still pending is written first."""
        if self.is_over:
            return
        self.is_over = True
        self._hand_over(len(self._pending))
        self._files.submit(self._close, self._closed)

    def _hand_over(self, count: int) -> None:
        if count <= 0 or self._error:
            return
        settled = bytes(self._pending[:count])
        del self._pending[:count]
        self._written += count
        self._files.submit(partial(self._append, settled), self._wrote)

    def _sync(self, now: float) -> None:
        is_on_disk = self._file is not None  # a slow disk may not even have opened it yet
        if now - self._synced_at < SYNC_SECONDS or self._is_syncing or not (is_on_disk and self._written):
            return
        self._synced_at, self._is_syncing = now, True
        self._syncs.submit(partial(sync_to_disk, self._path), self._synced)

    def _synced(self, result: Exception | None) -> None:
        self._is_syncing = False
        self._wrote(result)

    def _wrote(self, result: Exception | None) -> None:
        if isinstance(result, Exception) and not self._error:
            self._error = str(result) or type(result).__name__
            self.finish()

    def _closed(self, result: Exception | None) -> None:
        if isinstance(result, Exception):
            self._error = self._error or str(result)
        self._ended(self.ticks / CLOCK_HZ, self._loudness, self._error)

    # In the background:

    def _open(self) -> None:
        self._file = RecordingFile(self._path, self._codec)

    def _append(self, payload: bytes) -> None:
        if self._file is not None:
            self._file.append(payload)

    def _close(self) -> None:
        if self._file is not None:
            self._loudness = self._file.loudness
            self._loudness = self._file.close()
