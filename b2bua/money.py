"""Amounts of money in words."""

from __future__ import annotations

from decimal import Decimal

CENT = Decimal("0.01")


def money(amount: Decimal, currency: str) -> str:
    """Return ``0.60 UAH``: two decimals, more where there are more."""
    rounded = amount.quantize(CENT)
    exact = rounded if rounded == amount else amount.normalize()
    return f"{exact:f} {currency}"
