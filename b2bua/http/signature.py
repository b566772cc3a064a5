"""Proof that a request is ours: a signature over what is asked, and when. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime

TIMESTAMP = "X-B2bua-Timestamp"
SIGNATURE = "X-B2bua-Signature"


def signature(
    secret: str, clock: Callable[[], datetime], method: str, target: str, body: bytes
) -> Mapping[str, str]:
    """Return the headers that prove that a request is ours and of now.

    Signed is ``<timestamp>.<method>.<path with query>.<body>`` by HMAC-SHA256 (RFC 2104), written in hex.
    """
    timestamp = str(int(clock().timestamp()))
    text = b".".join((timestamp.encode(), method.encode(), target.encode(), body))
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {TIMESTAMP: timestamp, SIGNATURE: f"sha256={digest}"}
