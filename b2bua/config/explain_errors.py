"""From what pydantic says to what an owner of an office understands."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from b2bua.config.compile import did_you_mean
from b2bua.config.models import Config
from b2bua.config.origin import Fault, KeyPath
from b2bua.config.values import NAME


def faults_of(error: ValidationError, tables: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Return a fault for each error, under the key as it is written in the file."""
    return tuple(_fault(detail, tables) for detail in error.errors(include_url=False))


def _fault(detail: ErrorDetails, tables: Mapping[str, Any]) -> Fault:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    match detail["type"]:
        case "extra_forbidden":
            return Fault(path, f"unknown key{did_you_mean(str(path[-1]), known_keys(path[:-1]))}")
        case "missing":
            return Fault(path, "is missing")
        case "value_error":
            return Fault(path, str(detail["ctx"]["error"]))
    return Fault(_existing(path, tables), _plain(detail))


def _plain(detail: ErrorDetails) -> str:
    message = detail["msg"]
    if detail["type"] in ("enum", "literal_error"):
        return f"{detail['input']!r} is not one of {detail['ctx']['expected']}"
    if detail["type"] == "string_pattern_mismatch":
        return f"{detail['input']!r} does not look like what is expected here ({detail['ctx']['pattern']})"
    return f"{message[0].lower()}{message[1:]}, found {detail['input']!r}"


def _existing(path: KeyPath, tables: Mapping[str, Any]) -> KeyPath:
    """Return the path without what pydantic appends for the branches of a union."""
    found: Any = tables
    for length, part in enumerate(path):
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return path[:length]
    return path


def known_keys(path: KeyPath) -> list[str]:
    """Return the keys that the table at a path may have."""
    annotation: Any = Config
    for part in path:
        annotation = _below(annotation, part)
    for model in _models(annotation):
        return [key for key in map(_alias, model.model_fields.items()) if key != NAME]
    return []


def _below(annotation: Any, part: str | int) -> Any:
    for model in _models(annotation):
        for item in model.model_fields.items():
            if _alias(item) == part:
                return item[1].annotation
        return None
    arguments = [argument for argument in get_args(_bare(annotation)) if argument is not Ellipsis]
    return arguments[-1] if arguments else None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the model that an annotation is, or has as its only alternative to None."""
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        yield bare
    elif get_origin(bare) in (Union, types.UnionType):
        for argument in get_args(bare):
            yield from _models(argument)


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _alias(item: tuple[str, Any]) -> str:
    name, field = item
    return str(field.validation_alias or field.alias or name)
