"""``[return-call.x]``: missed callers are called back by the office itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from b2bua.config.tables.base import Named
from b2bua.config.values import Seconds, one_or_many

SOONEST_S, LATEST_S = 30, 24 * 3600
AFTER_S = 60.0
Offset = Annotated[Seconds, Field(gt=0, le=LATEST_S)]


class ReturnCall(Named):
    """``[return-call.x]``: when, how often and how."""

    after_seconds: Seconds = Field(default=AFTER_S, validation_alias="after", ge=SOONEST_S, le=LATEST_S)
    """How long after the end of the call that nobody took."""
    again: Annotated[tuple[Offset, ...], BeforeValidator(one_or_many)] = (300.0, 900.0)
    """How long after the first attempt the next ones follow, while the customer is not reached."""
    hours: str | None = None
    """Hours in which the office calls back; what is due outside of them waits for their beginning."""
    greeting: str = ""
    """Prompt that the customer hears; empty: ours."""
    confirm: bool = False
    """Whether the customer presses 1 before anybody is rung for them."""
    scheme: str | None = None
    """What is done with the customer then; None: what is done with callers of the number at that time."""
    ring_seconds: Seconds = Field(default=45.0, validation_alias="ring-for", gt=0, le=300)
    """How long the customer's phone rings."""
    abroad: bool = False
    """Whether numbers of other countries are called too."""
    ignore_seconds: Seconds = Field(default=0.0, validation_alias="ignore-under", ge=0, le=60)
    """Callers who hung up sooner than that are not called back."""
