"""``[calendar.x]``: calendars that others keep."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from b2bua.config.tables.base import Named
from b2bua.config.values import Seconds, Secret

REFRESH_URL_S = 900.0
REFRESH_FILE_S = 60.0


class Calendar(Named):
    """An iCalendar file, here or at an address."""

    url: Secret | None = Field(default=None, repr=False)
    """``https:``, ``http:`` or ``webcal:``; private addresses of calendars are secrets."""
    file: Path | None = None
    """A file of this machine."""
    refresh_seconds: Seconds | None = Field(default=None, validation_alias="refresh", ge=30, le=86400)
    """How often it is read again; None: a file every minute, an address every quarter of an hour."""

    @property
    def every_s(self) -> float:
        """Return the seconds after which it is read again."""
        return self.refresh_seconds or (REFRESH_URL_S if self.url else REFRESH_FILE_S)

    @property
    def address(self) -> str:
        """Return what to ask for; ``webcal:`` is a calendar over HTTPS."""
        address = self.url or ""
        return f"https:{address[7:]}" if address.lower().startswith("webcal:") else address

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.url is None) == (self.file is None):
            raise ValueError("a calendar needs either url or file")
        if self.url and not self.url.startswith("env:"):
            parts = urlsplit(self.address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("url: expected an address such as https://calendar.example/office.ics")
        return self
