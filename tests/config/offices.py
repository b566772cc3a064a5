"""The shipped offices, and the people that the written ones share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from b2bua.config.hours import read_schedule
from b2bua.config.models import Config, Hours
from b2bua.routing.schedule import Schedule

Reads = Callable[[str], Config]
Says = Callable[[str], list[str]]

CONFIGS = Path(__file__).parents[2] / "config"

PEOPLE = """[office]
default-scheme = "main"
[person.anna]
extension = "101"
password = "secret"
mobile = "+48600100200"
[person.piotr]
extension = "102"
password = "secret"
[voicemail.sales]
emails = ["sales@office.example"]
[trunk.out]
accepts-from = ["192.0.2.1"]
host = "192.0.2.1"
"""


def schedule_of(table: Mapping[str, object]) -> Schedule:
    """Return what a table ``[hours.x]`` without mistakes means."""
    found, faults = read_schedule(Hours.model_validate(table, by_alias=True), ("hours", "office"))
    assert faults == ()
    return found
