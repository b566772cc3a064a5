"""Long sounds that somebody waits for, encoded outside of the process whose packets must not wait."""

from __future__ import annotations

from pathlib import Path

from media.commands import Clip
from media.encoding import Encoding
from media.errors import MediaError
from media.modules import module_command, module_environment
from media.orders import PATIENCE_S, PREPARER, write_orders


def encode_aside(folder: Path, clip: Clip, encoding: Encoding) -> None:
    """Have ``clip`` in ``folder`` as it is sent, if that can be; whoever looks for it there finds out.

    Blocks until it is there.

    Raises:
        MediaError: what reads it breaks down, and would do so here, or it takes too long.
    """
    import subprocess  # most workers never need it

    try:
        done = subprocess.run(  # noqa: S603 - it is a module of ours
            module_command(PREPARER, str(folder)),
            input=write_orders([((clip,), encoding)]),
            stdout=subprocess.DEVNULL,
            env=module_environment(),
            timeout=PATIENCE_S,
            check=False,
        )
    except OSError:
        return
    except subprocess.TimeoutExpired:
        raise MediaError(f"{clip.path}: takes too long to be read") from None
    if done.returncode < 0:
        raise MediaError(f"{clip.path}: whatever reads it breaks down")
