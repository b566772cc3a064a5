"""The CRM: who is responsible for a caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from b2bua.config.tables.base import Table
from b2bua.config.tables.outside import WebAddress
from b2bua.config.values import Seconds, Secret

RecordKind = Literal["deal", "contact", "company", "lead"]
"""Records of a CRM that somebody is responsible for."""
NUMBER_FORMS = ("number", "digits", "national")
"""What ``{...}`` in the address of a look-up may be: +48600100200, 48600100200, 600100200."""


def placeholders(text: str) -> Iterator[str]:
    """Yield what stands in braces.

    Raises:
        ValueError: the braces do not match.
    """
    yield from (name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _is_look_up(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f'{path!r} does not begin with "/"; it goes behind the url of [crm]')
    try:
        names = list(placeholders(path))
    except ValueError:
        raise ValueError(f"{path!r} has braces that do not match") from None
    if not names or set(names) - set(NUMBER_FORMS):
        forms = ", ".join(f"{{{form}}}" for form in NUMBER_FORMS)
        raise ValueError(f"{path!r} needs one of {forms}, and no other braces")
    return path


class CrmFind(Table):
    """``[crm.find.x]``: how to look a caller up in records of one kind."""

    path: Annotated[str, AfterValidator(_is_look_up)] = Field(
        description='what to ask, for example "/deals?phone={number}"'
    )
    user: str = Field(
        min_length=1, description='where in the answer the user is, for example "items.0.owner.email"'
    )


class Crm(Table):
    """``[crm]``: the system that knows the customers."""

    kind: Literal["http", "pipedrive"] = Field(description='"pipedrive", or "http" for any other')
    url: WebAddress = Field(description="its address")
    token: Secret | None = Field(default=None, repr=False)
    """Of the API of Pipedrive."""
    headers: Mapping[str, Secret] = Field(default={}, repr=False)
    """Of every request."""
    order: tuple[RecordKind, ...] = Field(default=("deal", "contact", "company", "lead"), min_length=1)
    """Where to look for who is responsible, the first that knows wins."""
    budget_s: Seconds = Field(default=1.5, validation_alias="budget", ge=0.1, le=10)
    """The caller goes on after that."""
    find: Mapping[RecordKind, CrmFind] = {}
    """How each kind of record is asked for, of ``kind = "http"``."""

    @property
    def looks_in(self) -> tuple[RecordKind, ...]:
        """Return the kinds of records that are asked for, in their order."""
        return self.order if self.kind != "http" else tuple(kind for kind in self.order if kind in self.find)

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.kind == "pipedrive":
            if self.token is None:
                raise ValueError("Pipedrive needs a token: it is in Settings, Personal preferences, API")
            if self.find or self.headers:
                raise ValueError('find and headers belong to kind = "http"')
            return self
        if self.token is not None:
            raise ValueError('token belongs to kind = "pipedrive"; write headers = {Authorization = "…"}')
        missing = [kind for kind in self.order if kind not in self.find]
        if missing and "order" in self.model_fields_set:
            raise ValueError(f"order names {missing[0]!r}; say how to ask for it in [crm.find.{missing[0]}]")
        return self
