"""Codes that phones dial: none may be mistaken for another."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.origin import Fault
from b2bua.config.tables import Office

CODES = (
    *("voicemail-number", "group-pickup-code", "directed-pickup-code"),
    *("status-code", "override-code", "call-back-code"),
)
"""Keys of what phones dial; the last ones begin what is dialled."""
BEGINNINGS = ("status-code", "override-code", "call-back-code")


def mistaken_codes(office: Office) -> Iterator[Fault]:
    """Yield a fault for each code that begins with another one, or that another one begins with."""
    for key in BEGINNINGS:
        for other in CODES[: CODES.index(key)]:
            mine, theirs = _code(office, key), _code(office, other)
            if mine and theirs and (mine.startswith(theirs) or theirs.startswith(mine)):
                yield Fault(("office", key), f"{mine} is mistaken for {other} {theirs}")


def _code(office: Office, key: str) -> str:
    code: str = getattr(office, key.replace("-", "_"))
    return code
