"""Long sounds that somebody waits for, encoded outside of the process whose packets must not wait."""

from __future__ import annotations

from pathlib import Path

from media.commands import Clip
from media.encoding import Encoding
from media.modules import module_command, module_environment
from media.orders import PATIENCE_S, PREPARER, write_orders


def encode_aside(folder: Path, clip: Clip, encoding: Encoding) -> None:
    """Have ``clip`` in ``folder`` as it is sent, if that can be; whoever looks for it there finds out.

    Blocks until it is there.
    """
    import subprocess  # most workers never need it

    try:
        subprocess.run(  # noqa: S603 - it is a module of ours
            module_command(PREPARER, str(folder)),
            input=write_orders([(clip, encoding)]),
            stdout=subprocess.DEVNULL,
            env=module_environment(),
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return
