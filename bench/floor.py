"""The least that a whole call can cost: its datagrams, its journal and its ports, and no SIP at all.

A process with the product's loop takes the six datagrams of a call and sends seven, of the same sizes, over
one socket; has the same number of rows committed to SQLite by a thread, those of 0.1 s together, with fsync;
and lets a second process open and close the four ports of the two legs, by four messages. It reads nothing of
what comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop

from bench.generator import HOST
from bench.processes import tree_cpu_seconds
from bench.sip_text import typical_invite
from bench.table import Row

RATES = (20, 50, 100)
SECONDS = 6
INTERVAL_S = 0.1
LAST_WRITES_S = 0.5
SHORT = b"x" * 400
"""A response, an ACK, a BYE."""
ANSWERS = (2, 1, 1, 1, 1, 1)
"""How many datagrams go out for each of the six that come in."""
ROWS_AT_FIRST, ROWS_AT_LAST = 1, 8
ORDER = b"o" * 60
"""A message to the process that has the ports, and its answer."""


def rows() -> Iterator[Row]:
    """Measure at each rate."""
    with tempfile.TemporaryDirectory(prefix="b2bua-floor-") as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.floor", str(Path(folder) / "journal.sqlite")],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            address = (HOST, int(server.stdout.readline()))
            _calls(address, 40, rate=20)
            for rate in RATES:
                used = -tree_cpu_seconds(server.pid)
                _calls(address, rate * SECONDS, rate=rate)
                time.sleep(LAST_WRITES_S)
                used += tree_cpu_seconds(server.pid)
                yield Row(
                    f"datagrams, journal, ports alone, {rate}/s", used * 1000 / (rate * SECONDS), "CPU-ms"
                )
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(10)


def _calls(address: tuple[str, int], calls: int, *, rate: float) -> None:
    """Send the datagrams of so many calls, each when the one before is answered, as peers do."""
    invite, started = typical_invite(), time.monotonic()
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.bind((HOST, 0))
        peer.settimeout(5)
        for call in range(calls):
            time.sleep(max(0.0, started + call / rate - time.monotonic()))
            for step, answers in enumerate(ANSWERS):
                peer.sendto(b"%d%s" % (step, invite if step == 0 else SHORT), address)
                for _ in range(answers):
                    peer.recv(2048)


class Server:
    """Takes datagrams, sends datagrams, gives rows to the thread and orders to the other process."""

    def __init__(self, path: str, line: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        self._line = line
        self._rows: list[tuple[int, str, str, str]] = []
        self._is_due = False
        self._thread = ThreadPoolExecutor(1)
        self._path = path
        self._database: sqlite3.Connection | None = None
        self._invite = typical_invite()
        self._loop.add_reader(self._socket.fileno(), self._read)
        self._loop.add_reader(line.fileno(), lambda: line.recv(4096))
        print(self._socket.getsockname()[1], flush=True)

    def _read(self) -> None:
        while True:
            try:
                received, source = self._socket.recvfrom(65535)
            except BlockingIOError:
                return
            step = received[0] - ord("0")
            for _ in range(ANSWERS[step]):
                self._socket.sendto(self._invite if step == 0 else SHORT, source)
            if step in (0, 1, 4, 5):
                self._line.send(ORDER)
            if step in (0, 5):
                self._journal(ROWS_AT_LAST if step else ROWS_AT_FIRST)

    def _journal(self, count: int) -> None:
        row = (time.time_ns(), "2026-11-27 14:00:00.000000", "+48601000001", "+48221230001")
        self._rows += [row] * count
        if not self._is_due:
            self._is_due = True
            self._loop.call_later(INTERVAL_S, self._commit)

    def _commit(self) -> None:
        self._is_due = False
        rows, self._rows = self._rows, []
        self._loop.run_in_executor(self._thread, self._write, rows)

    def _write(self, rows: list[tuple[int, str, str, str]]) -> None:
        if self._database is None:
            self._database = sqlite3.connect(self._path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("CREATE TABLE journal (id INTEGER, at TEXT, caller TEXT, dialled TEXT)")
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("INSERT INTO journal VALUES (?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")


def _have_ports(line: socket.socket) -> None:
    """Open two pairs of ports at the first two orders of a call, close them at the last two."""
    pairs: list[list[socket.socket]] = []
    count = 0
    while received := line.recv(4096):
        for _ in range(len(received) // len(ORDER)):
            if count % 4 < 2:
                pairs.append([socket.socket(type=socket.SOCK_DGRAM) for _ in range(2)])
                for each in pairs[-1]:
                    each.bind((HOST, 0))
            else:
                for each in pairs.pop():
                    each.close()
            count += 1
            line.send(ORDER)


async def _serve(path: str, line: socket.socket) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    _server = Server(path, line)
    await stop.wait()


def main() -> None:
    """Serve until SIGTERM; the journal goes into the file of the command line."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        with contextlib.suppress(KeyboardInterrupt):
            _have_ports(theirs)
        return
    theirs.close()
    ours.setblocking(False)
    uvloop.run(_serve(sys.argv[1], ours))


if __name__ == "__main__":
    main()
