"""``[callback]``: who may ask on the web to be called back."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from b2bua.config.tables.base import Table
from b2bua.config.tables.outside import WebAddress
from b2bua.config.values import Emails, Network, Origin, Secret, one_or_many


class Callback(Table):
    """``[callback]``: the call-back widget of a web site."""

    origins: Annotated[tuple[Origin, ...], BeforeValidator(one_or_many)] = ()
    """Sites whose pages may ask without a token."""
    emails: Emails = ()
    """Who is told; none: whoever reads the mailbox of the last resort."""
    url: WebAddress | None = None
    """A server that is told, as JSON."""
    secret: Secret | None = Field(default=None, repr=False)
    """Signs what the server gets."""
    per_address: int = Field(default=5, ge=1, le=1000)
    """So many requests an hour from one visitor."""
    per_number: int = Field(default=3, ge=1, le=1000)
    """So many requests an hour for one number."""
    per_hour: int = Field(default=60, ge=1, le=100_000)
    """So many requests an hour of all visitors."""
    ring_now: bool = False
    """Whether they may ask to be called at once: people ring, and who takes it is put through."""
    proxies: Annotated[tuple[Network, ...], BeforeValidator(one_or_many)] = ()
    """Web servers in front, which say by X-Forwarded-For who asks."""

    @model_validator(mode="after")
    def _signs_something(self) -> Self:
        if self.secret and self.url is None:
            raise ValueError("secret belongs to a url")
        return self
