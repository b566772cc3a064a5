"""What the build does beside copying: compile the fast path of sound where there is a C compiler."""

from __future__ import annotations

import subprocess
import sysconfig
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE, LIBRARY = "media/fastpath.c", "media/libfastpath.so"
FLAGS = ("-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-shared", "-fPIC")
"""ARM multiplies and adds at once, which rounds once; Python rounds twice, and both are to count the same."""


class FastPathHook(BuildHookInterface[BuilderConfig]):
    """Puts the library beside its source and into the wheel; without it all works, and costs more CPU."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; a wheel with the library is one for this kind of machine, and for any Python on it."""
        source, library = (Path(self.root) / name for name in (SOURCE, LIBRARY))
        new = library.with_suffix(".new")  # who starts meanwhile finds no half of it
        checksum = f"-DSOURCE={zlib.crc32(source.read_bytes())}u"
        try:
            command = ["cc", *FLAGS, checksum, "-o", str(new), str(source)]
            subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            why = getattr(error, "stderr", None) or error
            self.app.display_warning(f"{SOURCE} is not compiled, so that sound costs more: {why}")
            return
        new.replace(library)
        build_data["artifacts"].append(LIBRARY)
        machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"], build_data["tag"] = False, f"py3-none-{machine}"
