"""What the build does beside copying: compile the fast path of sound where there is a C compiler."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE, LIBRARY = "media/fastpath.c", "media/libfastpath.so"
FLAGS = ("-O2", "-Wall", "-Wextra", "-shared", "-fPIC")


class FastPathHook(BuildHookInterface[BuilderConfig]):
    """Puts the library beside its source and into the wheel; without it all works, and costs more CPU."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; a wheel with the library is one for this kind of machine."""
        library = Path(self.root) / LIBRARY
        library.unlink(missing_ok=True)
        compiler = shutil.which("cc")
        if compiler is None:
            return
        command = [compiler, *FLAGS, "-o", str(library), str(Path(self.root) / SOURCE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.app.display_warning(f"{SOURCE} is not compiled, so that sound costs more: {done.stderr}")
            return
        build_data["artifacts"].append(LIBRARY)
        build_data["pure_python"], build_data["infer_tag"] = False, True
