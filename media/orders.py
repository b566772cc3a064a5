"""What the process that encodes sounds is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from media.commands import Row
from media.encoding import Encoding

Order: TypeAlias = tuple[Row, Encoding]
"""Sounds to be encoded as one, and how."""

PREPARER = "media.preparer"
PATIENCE_S = 600.0
"""How long one sound may take: a quarter of an hour of music takes a Raspberry Pi a minute."""
NOT_KEPT = "not kept: "
"""So the last answer begins when the disk takes nothing more; the reason follows."""


def write_orders(orders: Sequence[Order]) -> bytes:
    """Return the orders as that process reads them."""
    return msgspec.json.encode(orders, enc_hook=str)


def read_orders(written: bytes) -> list[Order]:
    """Return what `write_orders` wrote."""
    return msgspec.json.decode(written, type=list[Order], dec_hook=lambda kind, value: kind(value))
