"""What the benchmarks of media share: programs in C to compare with, far ends of many calls."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HOST = "127.0.0.77"
"""An address of the loopback that nobody else uses, so that fixed ports are free; also in the C programs."""


def compiled(name: str) -> Path | None:
    """Return the program made from ``name``.c beside this file, None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    program = Path(tempfile.mkdtemp()) / name
    subprocess.run([compiler, "-O2", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    return program


def open_far_ends(count: int, first_port: int) -> list[socket.socket]:
    """Return bound sockets at every second port. Nobody reads them: what comes is counted at the sender."""
    raise_file_limit()
    sockets = []
    for index in range(count):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        udp.bind((HOST, first_port + 2 * index))
        sockets.append(udp)
    return sockets


def raise_file_limit() -> None:
    """Allow as many sockets as the system does."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
