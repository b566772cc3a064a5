"""Paths of recordings in the database: relative to the data folder, which may be moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Turns paths into what is stored, and back."""

    root: Path
    """The data folder, absolute."""

    def stored(self, path: Path) -> str:
        """Return ``path`` relative to the data folder if it lies there, else absolute."""
        absolute = path.absolute()
        return str(absolute.relative_to(self.root) if absolute.is_relative_to(self.root) else absolute)

    def restored(self, stored: str) -> Path:
        """Return the absolute path for what :meth:`stored` gave."""
        return self.root / stored
