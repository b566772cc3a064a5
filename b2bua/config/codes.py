"""Codes that phones dial: none may be mistaken for another."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config.origin import Fault
from b2bua.config.tables import Office

CODES = ("voicemail-number", "group-pickup-code", "directed-pickup-code")
"""Keys of what phones dial besides."""


def mistaken_codes(office: Office) -> Iterator[Fault]:
    """Yield a fault for each code that begins with another one, or that another one begins with."""
    for key in CODES:
        other: str = getattr(office, key.replace("-", "_"))
        if _begins_with(office.status_code, other):
            yield Fault(("office", "status-code"), f"{office.status_code} is mistaken for {key} {other}")


def _begins_with(one: str, other: str) -> bool:
    return bool(one and other) and (one.startswith(other) or other.startswith(one))
