"""Values that are made as fast as other objects, in an office that runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, fields, make_dataclass
from typing import Any

BUSY = ("call", "inbound", "people", "registrar", "routing", "sip", "store", "trunk")
PACKAGES = ("media.", *(f"b2bua.{name}." for name in BUSY))
"""Where values are made for each call; elsewhere it would take longer than it ever saves."""


def thaw(kinds: Iterable[type]) -> None:
    """Let values of these frozen classes be made in a third of the time; else a detour sets each field.

    Nobody changes them. The type checker would tell, and so would the tests, in which they stay frozen.
    """
    for kind in kinds:
        members = [_member(one) for one in fields(kind)]
        plain = make_dataclass(kind.__name__, members, eq=False, repr=False, slots=True)
        del kind.__setattr__, kind.__delattr__
        kind.__init__ = plain.__init__  # type: ignore[misc]


def _member(one: Any) -> tuple[str, str, Any]:
    """Return what makes the same field of another class."""
    made = field(default=one.default, default_factory=one.default_factory, init=one.init, kw_only=one.kw_only)
    return one.name, "Any", made


def frozen_values() -> list[type]:
    """Return the frozen classes of ours that are loaded and have nothing to do with one another."""
    return [kind for kind in object.__subclasses__() if _is_plain_value(kind)]


def _is_plain_value(kind: Any) -> bool:
    return bool(
        kind.__module__.startswith(PACKAGES)
        and {"__dataclass_fields__", "__setattr__", "__slots__"} <= vars(kind).keys()
        and not hasattr(kind, "__post_init__")
        and not kind.__subclasses__()
    )
