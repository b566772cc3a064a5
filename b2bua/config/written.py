"""Everything that a configuration says to do with callers, with the key where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.config import tables
from b2bua.config.models import Config
from b2bua.config.origin import KeyPath


def written_destinations(config: Config) -> Iterator[tuple[KeyPath, tables.Destination]]:
    """Yield the steps of all schemes, the ways out of all menus, and what extensions lead to."""
    for name, scheme in config.schemes.items():
        for index, step in enumerate(scheme.steps):
            yield ("scheme", name, "step", index), step
    for name, menu in config.menus.items():
        yield ("menu", name, "no-input"), menu.no_input
        yield ("menu", name, "invalid"), menu.invalid
        for digit, option in menu.options.items():
            yield ("menu", name, "options", digit), option
    for extension, destination in config.extensions.items():
        yield ("extension", extension), destination
