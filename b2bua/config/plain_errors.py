"""From what pydantic says to what an owner of an office understands."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from b2bua.config.models import Config
from b2bua.config.origin import Fault, KeyPath, dotted
from b2bua.config.similar import closest, did_you_mean
from b2bua.config.tables.parties import DEVICE, LOGIN
from b2bua.config.values import EMAIL, NAME, is_duration, parse_duration
from b2bua.routing.words import duration

PLAIN = {
    "string_type": "expected text in quotes",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "tuple_type": "expected a list",
    "model_type": "expected a table",
    "mapping_type": "expected a table",
    "path_type": "expected a path in quotes",
    "too_short": "expected at least one",
}
PATTERNS = {
    r"^\d{2,6}$": "two to six digits",
    r"^[0-9*#]$": "one key of a telephone: 0 to 9, * or #",
    LOGIN: "letters, digits, dots, dashes and underscores",
    DEVICE: "a short name of letters, digits, dashes and underscores, such as desk",
    "^[A-Z]{2}$": 'a country of two capital letters such as "PL"',
    "^[A-Z]{3}$": 'a currency of three capital letters such as "UAH"',
    r"^(\+\d*|\d{1,6})$": 'the beginning of a number such as "+380", or a short number',
    r"^([0-9*#]{2,8})?$": 'two to eight keys of a telephone such as "*97", or ""',
    r"^([*#][0-9*#]{0,7})?$": 'keys of a telephone that begin with * or #, such as "*8", or ""',
    EMAIL: "an e-mail address such as office@office.example",
    "^[0-9a-f]{40}$": "the key of a custom field, 40 of the letters 0-9 and a-f",
}
"""What the patterns of ``tables.py`` ask for."""
BOUNDS = {
    "less_than_equal": "expected at most",
    "less_than": "expected less than",
    "greater_than_equal": "expected at least",
    "greater_than": "expected more than",
}
"""What is said of a duration that is too long or too short."""
SECRET = {"password", "secret", "token", "headers"}
"""Keys whose values are not repeated."""


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """Return a fault for each error, under the key as it is written in the file."""
    details = error.errors(include_url=False)
    return tuple(_fault(detail) for detail in details if not _is_echo(detail))


def _is_echo(detail: ErrorDetails) -> bool:
    """Return whether it only says that nothing is left of a list whose elements have errors of their own."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _fault(detail: ErrorDetails) -> Fault:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    match detail["type"]:
        case "extra_forbidden":
            hint = did_you_mean(str(path[-1]), known_keys(path[:-1]))
            if not hint and len(path) == 1 and not isinstance(detail["input"], dict):
                hint = "; it stands above the first [table]: move it below the one it belongs to"
            return Fault(path, f"unknown key{hint}")
        case "missing":
            field = _field(path)
            return Fault(
                path, f"is missing: {field.description}" if field and field.description else "is missing"
            )
        case "value_error":
            return Fault(path, str(detail["ctx"]["error"]))
        case "enum" | "literal_error":
            return Fault(path, _not_one_of(detail["input"], detail["ctx"]["expected"]))
        case "string_pattern_mismatch":
            return Fault(path, f"expected {PATTERNS[detail['ctx']['pattern']]}, found {detail['input']!r}")
        case kind if kind in BOUNDS and is_duration(detail["input"]):
            [limit] = detail["ctx"].values()
            return Fault(path, f"{BOUNDS[kind]} {duration(limit)}, found {detail['input']!r}")
        case kind if kind in BOUNDS and _is_of_seconds(_field(path)):  # it was read already: "1s" as 1.0
            [limit] = detail["ctx"].values()
            return Fault(path, f"{BOUNDS[kind]} {_hours(limit)}, found {_hours(detail['input'])}")
        case kind:
            return Fault(path, _by_brackets(path, kind, detail["input"]) or _expected(path, kind, detail))


def _hours(seconds: float) -> str:
    """Return a duration in hours where it is so many and nothing else."""
    return f"{seconds / 3600:g} h" if seconds >= 3600 and seconds % 3600 == 0 else duration(seconds)


def _is_of_seconds(field: FieldInfo | None) -> bool:
    """Return whether what is written there is a duration."""
    return field is not None and any(getattr(each, "func", None) is parse_duration for each in field.metadata)


def _not_one_of(written: object, expected: str) -> str:
    """Return what was expected, and what was probably meant."""
    found = str(written).lower() if isinstance(written, bool) else repr(written)
    choices = re.findall(r"'([^']*)'", expected)
    if len(choices) == 1:
        return f'expected "{choices[0]}", found {found}'
    meant = closest(str(written), choices)
    return f"{found} is not one of {expected}{f'; did you mean {meant!r}?' if meant else ''}"


def _by_brackets(path: KeyPath, kind: str, written: object) -> str:
    """Return how many brackets the header of a table wants that has too many or too few."""
    is_list = isinstance(written, list) and all(isinstance(each, dict) for each in written)
    match path:
        case ("scheme", str(name), "step") if isinstance(written, dict):
            return f"there may be several: write {_header('scheme', name, 'step')}, with two brackets"
        case ("scheme", str(name)) if is_list and kind == "model_type":
            return f"its steps are written below {_header('scheme', name, 'step')}"
        case _ if is_list and kind == "model_type":
            return f"there is one only: write [{dotted(path)}], with one bracket"
    return ""


def _header(*path: str) -> str:
    return f"[[{dotted(path)}]]"


def _expected(path: KeyPath, kind: str, detail: ErrorDetails) -> str:
    message = detail["msg"].replace("Input should ", "has to ")
    plain = PLAIN.get(kind, f"{message[0].lower()}{message[1:]}")
    match detail["input"]:
        case _ if SECRET & set(path):
            found = ""
        case dict():
            found = ", found a table"
        case list() if any(isinstance(each, dict) for each in detail["input"]):
            found = ", found tables"
        case written:
            found = f", found {written!r}"
    return f"{plain}{found}"


def known_keys(path: KeyPath) -> list[str]:
    """Return the keys that the table at a path may have."""
    annotation: Any = Config
    for part in path:
        annotation = _below(annotation, part)
    for model in _models(annotation):
        return [key for key in map(_alias, model.model_fields.items()) if key != NAME]
    return []


def _field(path: KeyPath) -> FieldInfo | None:
    """Return the field that the last key of a path stands for; None for an element of a list."""
    annotation: Any = Config
    for part in path[:-1]:
        annotation = _below(annotation, part)
    fields = (item for model in _models(annotation) for item in model.model_fields.items())
    return next((field for name, field in fields if _alias((name, field)) == path[-1]), None)


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


def _alias(item: tuple[str, FieldInfo]) -> str:
    name, field = item
    return str(field.validation_alias or field.alias or name)
