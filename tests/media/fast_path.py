"""The fast path as it is in the source, whatever was compiled before."""

from __future__ import annotations

import functools
import subprocess
from ctypes import CDLL
from pathlib import Path
from tempfile import TemporaryDirectory

from hatch_build import FLAGS
from media import fastpath

TRAPS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
"""What C does not define ends the test."""


@functools.cache
def library() -> CDLL:
    """Return it, compiled once."""
    with TemporaryDirectory() as folder:
        return CDLL(str(compiled(Path(folder) / "fastpath.so")))


def compiled(path: Path, *, checksum: int = 0) -> Path:
    """Return ``path``, where it is compiled as if its source had that ``checksum``."""
    flags = [*FLAGS, "-Werror", *TRAPS, f"-DSOURCE={checksum}u"]
    subprocess.run(["cc", *flags, "-o", path, fastpath.SOURCE], check=True, timeout=50)
    return path
