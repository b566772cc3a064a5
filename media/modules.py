"""How modules of this very package are run as programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import media


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs ``module``."""
    return sys.executable, "-m", module, *arguments


def module_environment() -> dict[str, str]:
    """Return an environment in which it is found, also when tests or a checkout put it on the path."""
    root = str(Path(media.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}
