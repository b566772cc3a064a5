"""What every table of the configuration has."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from b2bua.config.values import (
    NAME,
)


class Table(BaseModel):
    """What all tables share: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda field: field.replace("_", "-"),
        validate_by_name=True,
        validate_by_alias=False,  # the loader asks for aliases; Python code uses the fields' names
        validate_default=False,
        arbitrary_types_allowed=True,
    )


class Named(Table):
    """A table that knows its key: ``name`` is ``anna`` in ``[person.anna]``."""

    name: str = Field(validation_alias=NAME)
