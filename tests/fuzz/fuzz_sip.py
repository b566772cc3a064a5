"""Coverage-guided fuzzing of everything that reads bytes of strangers; ``strangers.py`` says what that is.

Atheris is not among the development tools (it exists for x86 only): ``make fuzz`` installs and runs it. The
corpus to start from is ``tests/data``. An input that breaks a promise is written to ``crash-…``; give it
as the argument to run it again.
"""

from __future__ import annotations

import sys
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
SEEDS = tuple(DATA / folder for folder in ("rfc4475", "rfc5118", "sdp", "fuzz"))


def main() -> None:
    """Fuzz until stopped, or for ``-max_total_time=SECONDS``; the first folder named collects what is new."""
    import atheris

    with atheris.instrument_imports(include=["b2bua", "media", "tests.fuzz"]):
        from tests.fuzz.strangers import read_any

    atheris.Setup([*sys.argv, *map(str, SEEDS)], read_any)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
