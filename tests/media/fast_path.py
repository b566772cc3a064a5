"""The fast path as it is in the source, whatever was compiled before."""

from __future__ import annotations

import functools
import subprocess
from ctypes import CDLL
from pathlib import Path
from tempfile import TemporaryDirectory

from media import fastpath

TRAPS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
"""What C does not define ends the test."""


@functools.cache
def library() -> CDLL:
    """Return it, compiled once."""
    source = Path(fastpath.__file__).with_suffix(".c")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fastpath.so"
        command = ["cc", "-O1", "-Wall", "-Wextra", "-Werror", *TRAPS, "-shared", "-fPIC", "-o", path, source]
        subprocess.run(command, check=True, timeout=50)
        return CDLL(str(path))
