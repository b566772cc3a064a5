"""What calls to the outside cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from b2bua.config.tables.base import Named, Table
from b2bua.config.values import Amount, Seconds

Increment = Annotated[Seconds, Field(ge=1, le=3600)]
Prefix = Annotated[str, Field(pattern=r"^(\+\d*|\d{1,6})$")]
"""Of E.164; what is short is a short number itself."""


class Rate(Table):
    """What calls to one prefix cost; written as a number, it is the price of a minute."""

    minute: Amount = Field(description="what a minute costs")
    setup: Amount | None = None
    """For each answered call; None: as in the table."""
    increment_s: Increment | None = Field(default=None, validation_alias="increment")
    """A talk is counted in full ones of these; None: as in the table."""


def _whole(rate: Any) -> Any:
    return rate if isinstance(rate, dict | Rate) else {"minute": rate}


class Rates(Named):
    """``[rates.x]``: a provider's price list."""

    currency: str = Field(pattern="^[A-Z]{3}$", description='three letters such as "UAH"')
    prefixes: Mapping[Prefix, Annotated[Rate, BeforeValidator(_whole)]] = Field(
        min_length=1, description="what calls to numbers that begin so cost a minute"
    )
    setup: Amount = Decimal(0)
    """For each answered call."""
    increment_s: Increment = Field(default=1.0, validation_alias="increment")
    """A talk is counted in full ones of these."""
