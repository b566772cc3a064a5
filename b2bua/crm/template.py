"""Fills a record's template with what is known of a call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fill(template: Any, values: Mapping[str, str]) -> Any:
    """Return the template with each ``{name}`` replaced. A field that is an empty one is left out.

    Every name in the template is in ``values``: the configuration was checked.
    """
    match template:
        case str():
            return template.format_map(values)
        case list():
            return [fill(each, values) for each in template if not _is_nothing(each, values)]
        case Mapping():
            kept = {key: each for key, each in template.items() if not _is_nothing(each, values)}
            return {key: fill(each, values) for key, each in kept.items()}
        case _:
            return template


def _is_nothing(template: Any, values: Mapping[str, str]) -> bool:
    if not isinstance(template, str) or not (template.startswith("{") and template.endswith("}")):
        return False
    return values.get(template[1:-1]) == ""
