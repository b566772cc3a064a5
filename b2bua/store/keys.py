"""Keys of rows: made here, not by the database, so that rows may be queued before they are written."""

from __future__ import annotations

import random
import time

_RANDOM_BITS = 20


class Keys:
    """63-bit keys that grow with time within a process and do not clash with another node's."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Return milliseconds since 1970, then 20 random bits; always above the one before."""
        fresh = (time.time_ns() // 1_000_000) << _RANDOM_BITS | random.getrandbits(_RANDOM_BITS)
        self._last = max(self._last + 1, fresh)
        return self._last
