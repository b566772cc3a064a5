"""What can be wrong with the prompts of an office."""

from __future__ import annotations

from pathlib import Path

from b2bua.errors import B2buaError


class UnknownPrompt(B2buaError):
    """There is no audio of this name, neither in the office's language nor in English."""

    def __init__(self, name: str, searched: tuple[Path, ...] = ()) -> None:
        where = f" (looked in {', '.join(map(str, searched))})" if searched else ""
        super().__init__(f"no prompt is called {name!r}{where}")
        self.name = name


class MalformedGrammar(B2buaError):
    """A ``grammar.toml`` that cannot be used; names the file and the key."""

    def __init__(self, path: Path, key: str, why: str) -> None:
        super().__init__(f"{path}: {key}: {why}")
        self.path = path
        self.key = key
