"""Where an office's log goes: neither a full disk nor a reader that is gone or asleep holds up a call."""

from __future__ import annotations

import io
import threading
import time
from queue import SimpleQueue
from typing import TextIO

MOST_WAITING = 20_000
"""Lines that are kept for a reader that takes none, a terminal at Ctrl-S: some five megabytes."""
LINGER_S = 0.1
"""So long a line waits for others: to wake this thread and to write cost as much for ten as for one."""
PATIENCE_S = 1.0
"""How long the last lines may take when the program ends."""


class Logbook(io.TextIOBase):
    """A stream that takes each line at once; a thread writes them to ``target``.

    Lines that cannot be written are left out, and how many is said as soon as one can be written again.
    """

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._left_out = 0
        self._taken = self._done = 0
        # Nothing may wait for who reads the log, the end of the process neither.
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    @property
    def is_behind(self) -> bool:
        """Whether there are lines that were taken and not tried yet."""
        return self._done < self._taken

    def isatty(self) -> bool:
        """Return whether a person reads it at a terminal."""
        return self._target.isatty()

    def write(self, line: str) -> int:
        """Take ``line``."""
        if self._lines.qsize() < MOST_WAITING:
            self._taken += 1
            self._lines.put(line)
        else:
            self._left_out += 1
        return len(line)

    def finish(self) -> None:
        """Write what was taken, if that is possible soon."""
        self._lines.put(None)
        self._thread.join(PATIENCE_S)

    def _work(self) -> None:
        is_last = False
        while not is_last:
            lines, is_last = self._gathered()
            if self._left_out and self._has_written(
                f"{self._left_out} lines of this log could not be written\n"
            ):
                self._left_out = 0
            if not self._has_written("".join(lines)):
                self._left_out += len(lines)
            self._done += len(lines)

    def _gathered(self) -> tuple[list[str], bool]:
        """Return the next lines, those that come a moment later among them, and whether they are the last."""
        lines: list[str] = []
        while (line := self._lines.get()) is not None:
            if not lines:
                time.sleep(LINGER_S)
            lines.append(line)
            if self._lines.empty():
                return lines, False
        return lines, True

    def _has_written(self, line: str) -> bool:
        try:
            self._target.write(line)
            self._target.flush()
        except (OSError, ValueError):  # the disk is full, the reader is gone, the stream was closed
            return False
        return True
