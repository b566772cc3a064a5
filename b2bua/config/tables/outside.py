"""Servers and people outside: who is asked about calls over HTTP, and who is told of them."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from b2bua.config.tables.base import Named, Table
from b2bua.config.values import Emails, Seconds, Secret, Texts, parse_count, parse_weekly


def parse_web_address(text: str) -> str:
    """Return the address of a server on the web as it is written.

    Raises:
        ValueError: it is none.
    """
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or any(letter.isspace() for letter in text) or parts.fragment:
        raise ValueError(f'{text!r} is no web address, expected for example "https://office.example/calls"')
    return text


WebAddress = Annotated[str, AfterValidator(parse_web_address)]


class Webhook(Named):
    """``[webhook.x]``: a server that says where callers go."""

    url: WebAddress = Field(description="the address to ask")
    method: Literal["GET", "POST"] = "POST"
    budget_s: Seconds = Field(default=1.5, validation_alias="budget", ge=0.1, le=10)
    """The caller goes on after that, answer or not."""
    for_seconds: Seconds = Field(default=45.0, validation_alias="for", gt=0, le=3600)
    """How long whoever is named rings."""
    secret: Secret | None = Field(default=None, repr=False)
    """Signs the requests."""
    cache: bool = False
    """Whether the last good answer for a caller counts while the server is down."""
    digits: Annotated[tuple[int, int], BeforeValidator(parse_count)] | None = None
    """How many digits the caller is asked for first, at least and at most; None: they are asked nothing."""
    ask: Texts = ()
    """Prompts that ask for them; none: ours."""
    read_back: bool = True
    """Whether callers hear what they entered, and say whether it is right."""
    tries: int = Field(default=3, ge=1, le=5)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.digits is None and {"ask", "read_back", "tries"} & self.model_fields_set:
            raise ValueError('ask, read-back and tries belong to digits, for example digits = "4-8"')
        return self


class Alert(Table):
    """Who is told of calls of some kind."""

    emails: Emails = ()
    """Each gets a mail."""
    url: WebAddress | None = None
    """A server that gets it as JSON."""
    secret: Secret | None = Field(default=None, repr=False)
    """Signs what the server gets."""

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if not self.emails and self.url is None:
            raise ValueError("nobody is told: give emails, a url or both")
        if self.secret and self.url is None:
            raise ValueError("secret belongs to a url")
        return self


class BackupAlert(Alert):
    """``[backup-alert]``: who is told of each call that reached a backup."""


class WeeklyReport(Alert):
    """``[weekly-report]``: who is told how each week went."""

    at: Annotated[tuple[int, time], BeforeValidator(parse_weekly)] = (0, time(8))
    """Weekday (Monday is 0) and time of the office's clock."""


class MissedAlert(Alert):
    """``[missed-alert]``: who is told of each caller who was not served."""
