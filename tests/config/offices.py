"""The shipped offices, and the people that the written ones share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from b2bua.config.models import Config

Reads = Callable[[str], Config]
Says = Callable[[str], list[str]]

CONFIGS = Path(__file__).parents[2] / "config"

PEOPLE = """
[office]
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
host = "192.0.2.1"
"""
