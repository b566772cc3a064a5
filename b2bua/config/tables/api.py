"""``[api]``: who may ask and change the office by HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from b2bua.config.tables.base import Table
from b2bua.config.tables.outside import WebAddress
from b2bua.config.values import Seconds, Secret, one_or_many, split_address

DEFAULT_PORT = 8080
LEAST_TOKEN = 16
"""Characters."""
LISTENING = "/listen/"
"""Links to recordings lead there."""
DAY_S = 86400.0
LinkLifetime = Field(ge=60, le=3660 * DAY_S)


def _is_address(text: str) -> str:
    split_address(text, default_port=DEFAULT_PORT)
    return text


def _is_hard_to_guess(token: str) -> str:
    if len(token) < LEAST_TOKEN and not token.startswith("env:"):  # whose variable is not looked at now
        why = f"is easy to guess: it needs {LEAST_TOKEN} characters, as `openssl rand -hex 24` makes them"
        raise ValueError(why)
    return token


Token = Annotated[Secret, AfterValidator(_is_hard_to_guess)]


class Api(Table):
    """``[api]``: the HTTP interface; without this table there is none."""

    listen: Annotated[str, AfterValidator(_is_address)] = "127.0.0.1:8080"
    url: WebAddress | None = None
    """Where people reach it: mails and the CRM get links to recordings; None: they get none."""
    edit_tokens: Annotated[tuple[Token, ...], BeforeValidator(one_or_many)] = Field(default=(), repr=False)
    """Those of programs that may change the configuration, too."""
    tokens: Annotated[tuple[Token, ...], BeforeValidator(one_or_many)] = Field(
        default=(), repr=False, validate_default=True
    )
    """Each is somebody's password."""
    link_lifetime_s: Annotated[Seconds, LinkLifetime] = Field(
        default=30 * DAY_S, validation_alias="link-lifetime"
    )
    """For so long a link is good."""
    tls_certificate: Path | None = None
    """Ours and those between it and its authority, PEM."""
    tls_key: Path | None = None
    """Its private key; None: in the same file."""

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port of ``listen``."""
        return split_address(self.listen, default_port=DEFAULT_PORT)

    @property
    def is_private(self) -> bool:
        """Return whether nobody on the way can read what is said."""
        host = self.address[0]
        return self.tls_certificate is not None or host.startswith("127.") or host in ("localhost", "::1")

    def link(self, ticket: str) -> str:
        """Return the address at which a recording is heard, empty where nobody outside comes."""
        return f"{self.url.rstrip('/')}{LISTENING}{ticket}" if self.url is not None else ""

    @field_validator("tokens")
    @classmethod
    def _serves_somebody(cls, tokens: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not (tokens or info.data.get("edit_tokens") or info.data.get("url")):
            raise ValueError("is missing: what programs prove by that they may ask")
        return tokens

    @model_validator(mode="after")
    def _has_a_certificate_for_its_key(self) -> Self:
        if self.tls_key is not None and self.tls_certificate is None:
            raise ValueError("tls-key belongs to a tls-certificate")
        return self
