"""Nonces that prove their own age, so that no server state is needed to issue one (RFC 7616 §5.4)."""

from __future__ import annotations

import hashlib
import hmac
from itertools import count
from typing import Literal

Freshness = Literal["fresh", "stale", "unknown"]


class NonceIssuer:
    """Issues nonces signed with a secret of this process; remembers only how far each one has been used."""

    def __init__(self, secret: bytes, lifetime_s: float) -> None:
        self._secret = secret
        self._lifetime_s = lifetime_s
        self._serial = count()
        self._used: dict[str, int] = {}

    def issue(self, now: float) -> str:
        """Return a nonce that nobody got before."""
        stamp = f"{int(now * 1000):012x}{next(self._serial) & 0xFFFFFFFF:08x}"
        return stamp + self._sign(stamp)

    def check(self, nonce: str, now: float, *, nc: int | None = None) -> Freshness:
        """Return what the nonce is worth: "unknown" was not issued here, "stale" is too old or replayed.

        ``nc`` of a request whose proof is right counts as used; a client told "stale" simply tries again.
        """
        stamp, signature = nonce[:20], nonce[20:]
        if not nonce.isascii() or not hmac.compare_digest(self._sign(stamp), signature):
            return "unknown"
        if self._age(nonce, now) > self._lifetime_s:
            return "stale"
        return "fresh" if nc is None or self._use(nonce, nc, now) else "stale"

    def _use(self, nonce: str, nc: int, now: float) -> bool:
        """Note the use; return False when the nonce was used that often already (RFC 7616 §3.4)."""
        if nc <= self._used.get(nonce, 0):
            return False
        self._used.pop(nonce, None)
        self._used[nonce] = nc  # moved to the end, so that the longest unused are first
        while self._used:
            oldest = next(iter(self._used))
            if self._age(oldest, now) <= self._lifetime_s:
                break
            del self._used[oldest]
        return True

    def _age(self, nonce: str, now: float) -> float:
        return now - int(nonce[:12], 16) / 1000

    def _sign(self, stamp: str) -> str:
        return hmac.new(self._secret, stamp.encode(), hashlib.sha256).hexdigest()[:32]
