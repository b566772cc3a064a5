"""The CRM: who is responsible for a caller, and what it is told of calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from b2bua.config.tables.api import LinkLifetime
from b2bua.config.tables.base import Table
from b2bua.config.tables.outside import WebAddress
from b2bua.config.values import Seconds, Secret

RecordKind = Literal["deal", "contact", "company", "lead"]
"""Records of a CRM that somebody is responsible for."""
MadeKind = Literal["contact", "deal", "task", "call"]
"""Records that are made in a CRM."""
FIELDS = frozenset(
    (
        *("caller", "digits", "national", "name", "dialled", "source", "direction", "outcome", "story"),
        *("started", "ended", "seconds", "person", "user", "call_id", "title", "due"),
        *("recording", "message", "links"),
        *("contact", "deal", "task"),
    )
)
"""What ``{...}`` in a record may be."""
NUMBER_FORMS = ("number", "digits", "national")
"""What ``{...}`` in the address of a look-up may be: +48600100200, 48600100200, 600100200."""


def placeholders(text: str) -> Iterator[str]:
    """Yield what stands in braces.

    Raises:
        ValueError: the braces do not match, or have more than a name in them.
    """
    for _, name, form, conversion in Formatter().parse(text):
        if form or conversion:
            raise ValueError("only a name may stand in braces")
        if name is not None:
            yield name


def _is_look_up(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f'{path!r} does not begin with "/"; it goes behind the url of [crm]')
    try:
        names = list(placeholders(path))
    except ValueError:
        raise ValueError(f"{path!r} has braces with something else in them than a name") from None
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
    id: str = ""
    """Where in the answer the id of the record is; empty: nowhere."""


def _is_template(template: Any) -> Any:
    for text in _texts(template):
        try:
            unknown = set(placeholders(text)) - FIELDS
        except ValueError:
            raise ValueError(f"{text!r} has braces with something else in them than a name") from None
        if unknown:
            raise ValueError(f"{{{min(unknown)}}} is not known; there are: {', '.join(sorted(FIELDS))}")
    return template


def _texts(template: Any) -> Iterator[str]:
    match template:
        case str():
            yield template
        case list():
            for each in template:
                yield from _texts(each)
        case dict():
            for each in template.values():
                yield from _texts(each)


class CrmCreate(Table):
    """``[crm.create.x]``: how a record of one kind is made."""

    path: Annotated[str, AfterValidator(_is_template)] = Field(
        description='where it is made, for example "/deals"'
    )
    method: Literal["POST", "PUT"] = "POST"
    fields_: Annotated[Mapping[str, Any], AfterValidator(_is_template)] = Field(
        validation_alias="fields", description='what it says, for example { phone = "{caller}" }'
    )
    id: str = ""
    """Where in the answer its id is; empty: nowhere."""

    @field_validator("path")
    @classmethod
    def _begins_with_a_slash(cls, path: str) -> str:
        if not path.startswith("/"):
            raise ValueError(f'{path!r} does not begin with "/"; it goes behind the url of [crm]')
        return path


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
    record_calls: bool = True
    """Whether each call is recorded there."""
    unknown_callers: tuple[Literal["contact", "task", "deal"], ...] = ()
    """What is made for callers whom the CRM does not know."""
    call_back_after_s: Seconds = Field(default=900.0, validation_alias="call-back-after", ge=0, le=7 * 86400)
    """Open time after a missed call at which the caller should have been called back; 0: no such tasks."""
    call_back_hours: str | None = None
    """Opening hours in which that time runs; None: those of the number that was dialled."""
    recording_url: str | None = None
    """Where people open a recording; None: by a link of ``[api]``, else records name its file."""
    link_lifetime_s: Annotated[Seconds, LinkLifetime] | None = Field(
        default=None, validation_alias="link-lifetime"
    )
    """For so long such a link is good; None: as ``[api]`` says."""
    source_field: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    """Key of the custom field of Pipedrive's deals for where the caller found the number."""
    create: Mapping[MadeKind, CrmCreate] = {}
    """How each kind of record is made, of ``kind = "http"``."""

    @property
    def makes(self) -> frozenset[MadeKind]:
        """Return the kinds of records that are made in one case or another."""
        wanted: set[MadeKind] = set(self.unknown_callers)
        wanted |= {"call"} if self.record_calls else set()
        wanted |= {"task"} if self.call_back_after_s else set()
        return frozenset(wanted if self.kind == "pipedrive" else wanted & set(self.create))

    @property
    def looks_in(self) -> tuple[RecordKind, ...]:
        """Return the kinds of records that are asked for, in their order."""
        return self.order if self.kind != "http" else tuple(kind for kind in self.order if kind in self.find)

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.kind == "pipedrive":
            if self.token is None:
                raise ValueError("Pipedrive needs a token: it is in Settings, Personal preferences, API")
            if self.find or self.headers or self.create:
                raise ValueError('find, create and headers belong to kind = "http"')
            return self
        if self.source_field is not None:
            raise ValueError(
                'source-field belongs to kind = "pipedrive"; others have {source} in their fields'
            )
        if self.token is not None:
            raise ValueError('token belongs to kind = "pipedrive"; write headers = {Authorization = "…"}')
        missing = [kind for kind in self.order if kind not in self.find]
        if missing and "order" in self.model_fields_set:
            raise ValueError(f"order names {missing[0]!r}; say how to ask for it in [crm.find.{missing[0]}]")
        unmade = [kind for kind in self.unknown_callers if kind not in self.create]
        if unmade:
            raise ValueError(f"say how a {unmade[0]} is made in [crm.create.{unmade[0]}]")
        if self.unknown_callers and "contact" not in self.find:
            raise ValueError("to know who is unknown, say how to ask for a contact in [crm.find.contact]")
        return self

    @field_validator("recording_url")
    @classmethod
    def _is_a_link(cls, link: str | None) -> str | None:
        if link is None:
            return None
        try:
            names = set(placeholders(link))
        except ValueError:
            names = set()
        if not names or names - {"call_id", "file"}:
            raise ValueError(f"{link!r} needs {{call_id}} or {{file}}, and no other braces")
        return link
