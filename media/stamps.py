"""When packets came that were not read at once: the kernel knows, for sockets that asked before they came."""

from __future__ import annotations

import contextlib
import struct
from fcntl import ioctl
from time import time

_SIOCGSTAMPNS = 0x8907
_STAMP = struct.Struct("@ll")
HELD_UP_S = 0.5
"""Without a turn, after which what is read may have waited: mostly the longest wait is a fifth of that."""
_LEEWAY_S = 1.0


def stamp(descriptor: int) -> None:
    """Have the kernel note when packets of a socket come from now on; asking once does that."""
    with contextlib.suppress(OSError):
        ioctl(descriptor, _SIOCGSTAMPNS, bytes(_STAMP.size))


def came(descriptor: int, *, now: float, since: float) -> float:
    """Return when the packet came that was read last of a socket; what came before ``since`` was read then.

    The kernel tells it by the wall clock. Where that says more than can be, it was set meanwhile.
    """
    try:
        seconds, nanoseconds = _STAMP.unpack(ioctl(descriptor, _SIOCGSTAMPNS, bytes(_STAMP.size)))
    except OSError:
        return now
    waited = time() - seconds - nanoseconds / 1e9
    return now - waited if 0 < waited < now - since + _LEEWAY_S else now
