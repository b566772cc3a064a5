"""A wall clock that a test sets, for a started product alone: it shows any day, and jumps to another."""

from __future__ import annotations

import struct
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.harness.product import until

SOURCE = Path(__file__).with_suffix(".c")
COMPILES_S = 60
NS = 1_000_000_000
LOOKS_EVERY_S = 0.01


class MovedClock:
    """What a process of its ``environment``, and whatever it starts, takes for the time of day.

    How long something takes (``time.monotonic``, the loop's time, timeouts) is measured as ever. Debian's
    libfaketime (0.9.10) is no choice: where it leaves that clock alone, ``time.sleep`` of Python 3.11 fails.
    """

    def __init__(self, folder: Path, moment: datetime) -> None:
        """Show ``moment`` from now on; ``folder`` has what is needed for it."""
        folder.mkdir(parents=True, exist_ok=True)
        library, self._ahead = folder / "moved-clock.so", folder / "clock"
        command = ["cc", "-O2", "-Wall", "-shared", "-fPIC", str(SOURCE), "-o", str(library), "-ldl"]
        subprocess.run(command, check=True, timeout=COMPILES_S)
        self._ahead.touch()
        self.set(moment)
        self.environment = {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(self._ahead)}

    def set(self, moment: datetime) -> None:
        """Jump there, also in processes that run already."""
        self._ahead_ns = round(moment.timestamp() * NS) - time.time_ns()
        with self._ahead.open("r+b") as file:
            file.write(struct.pack("q", self._ahead_ns))  # one write of eight bytes: nobody reads half of it

    def now(self) -> datetime:
        """Return what it shows."""
        return datetime.fromtimestamp((time.time_ns() + self._ahead_ns) / NS, UTC)

    def wait(self, moment: datetime, *, within: float) -> None:
        """Return when it shows ``moment``, which is not long ahead: so a day ends as days do.

        Raises:
            TimeoutError: it does not in ``within`` seconds.
        """
        what = f"the clock shows {moment}"
        until(lambda: self.now() >= moment, within=within, what=what, every=LOOKS_EVERY_S)
