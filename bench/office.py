"""The product as its user starts it, ``b2bua run``, with a small office of phones; and its load generator."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from bench.generator import FIRST_EXTENSION, FIRST_NUMBER, HOST
from bench.processes import commands, tree, tree_cpu_seconds, tree_held_bytes, written_bytes
from media.orders import PREPARER

ROOT = Path(__file__).parent.parent
PEOPLE = 20
START_S, STOP_S = 60.0, 20.0
PREPARED_S = 120.0
SEEN_S = 3.0
"""By then what encodes prompts has begun, if there is anything to do."""
POLL_S = 0.05

OFFICE = """
[office]
country = "PL"
timezone = "Europe/Warsaw"
language = "en"
data = "{data}"
default-scheme = "default"

[sip]
listen = "{host}:{port}"

[rtp]
address = "{host}"
ports = "10000-29998"

[trunk.carrier]
accepts-from = ["127.0.0.0/8"]

[voicemail.box]
emails = ["box@office.example"]

[[scheme.default.step]]
voicemail = "box"
"""

PERSON = """
[person.p{extension}]
name = "Person {extension}"
extension = "{extension}"
password = "secret-{extension}"

[number."{number}"]
scheme = "to-{extension}"

[[scheme.to-{extension}.step]]
ring = ["{extension}"]
for = "60s"

[[scheme.to-{extension}.step]]
voicemail = "box"
"""


def settings(folder: Path, port: int) -> str:
    """Return a configuration in which each of ``PEOPLE`` has a number of their own."""
    people = (
        PERSON.format(extension=FIRST_EXTENSION + index, number=FIRST_NUMBER.format(index))
        for index in range(PEOPLE)
    )
    return OFFICE.format(data=folder / "data", host=HOST, port=port) + "".join(people)


def free_port() -> int:
    """Return a port that is free over UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(type=2) as udp:
            tcp.bind((HOST, 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind((HOST, port))
            except OSError:
                continue
            return port


class Office:
    """The product, running, with phones registered. Make it by ``with Office.running()``."""

    def __init__(self, product: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.pid = product.pid
        self.port = port
        self._product = product
        self._log = log
        self._generator: subprocess.Popen[str] | None = None

    @classmethod
    @contextmanager
    def running(cls, *, under: Sequence[str] = ()) -> Iterator[Self]:
        """Run an office for as long as the block runs.

        ``under``: what is put between Python and ``-m b2bua``, e.g. ``-m cProfile -o FILE``.
        """
        with tempfile.TemporaryDirectory(prefix="b2bua-bench-") as name:
            folder, port = Path(name), free_port()
            (folder / "office.toml").write_text(settings(folder, port))
            log = folder / "product.log"
            with log.open("wb") as output:
                product = subprocess.Popen(
                    [sys.executable, *under, "-m", "b2bua", "run", str(folder / "office.toml")],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
                )
            office = cls(product, port, log)
            try:
                office._wait_until_up()
                office._wait_until_prepared()
                yield office
            finally:
                office._stop()

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_S
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 0))
            probe.settimeout(0.2)
            while time.monotonic() < deadline and self._product.poll() is None:
                probe.sendto(_options(probe.getsockname()[1]), (HOST, self.port))
                try:
                    probe.recv(4096)
                except (TimeoutError, ConnectionError):
                    continue
                return
        raise RuntimeError(f"the product does not start (exit code {self._product.poll()}):\n{self.log}")

    def _wait_until_prepared(self) -> None:
        """Wait until prompts are encoded, which another process does; its time is no part of any call's."""
        started, was_seen = time.monotonic(), False
        while time.monotonic() < started + PREPARED_S:
            is_seen = PREPARER in commands(tree(self.pid))
            if not is_seen and (was_seen or time.monotonic() > started + SEEN_S):
                return
            was_seen = is_seen
            time.sleep(POLL_S)
        raise RuntimeError(f"prompts are not encoded in {PREPARED_S:.0f} s:\n{self.log}")

    @property
    def log(self) -> str:
        """All that the product has printed."""
        return self._log.read_text(errors="replace")

    @property
    def cpu_seconds(self) -> float:
        """CPU time that the product has used, the media worker included."""
        return tree_cpu_seconds(self.pid)

    @property
    def held_bytes(self) -> int:
        """Memory of the product, the media worker included; what both share counts once."""
        return tree_held_bytes(self.pid)

    @property
    def written_bytes(self) -> tuple[int, int]:
        """What the product has in memory without files: all of it, and the media workers' part."""
        signalling, *media = map(written_bytes, tree(self.pid))
        return signalling + sum(media), sum(media)

    def register_phones(self) -> None:
        """Start the load generator, which registers the phones."""
        self._generator = subprocess.Popen(
            [sys.executable, "-m", "bench.generator", "--port", str(self.port), "--people", str(PEOPLE)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._generator.stdout is not None
        if self._generator.stdout.readline() != "ready\n":
            raise RuntimeError(f"the phones cannot register:\n{self.log}")

    def calls(self, calls: int, *, rate: float, phase: str = "over") -> dict[str, Any]:
        """Let the generator place calls and return how they went."""
        return self._order({"calls": calls, "rate": rate, "phase": phase})

    def end_calls(self) -> None:
        """Let the generator hang up."""
        self._order("end")

    def _order(self, order: object) -> dict[str, Any]:
        assert self._generator is not None
        assert self._generator.stdin is not None
        assert self._generator.stdout is not None
        self._generator.stdin.write(json.dumps(order) + "\n")
        self._generator.stdin.flush()
        answer: dict[str, Any] = json.loads(self._generator.stdout.readline())
        return answer

    def _stop(self) -> None:
        if self._generator is not None:
            self._generator.communicate(timeout=STOP_S)
        self._product.send_signal(signal.SIGINT)
        try:
            self._product.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._product.kill()
            self._product.wait(STOP_S)


def _options(port: int) -> bytes:
    return (
        f"OPTIONS sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bK-up;rport\r\n"
        f"From: <sip:bench@{HOST}>;tag=up\r\nTo: <sip:{HOST}>\r\nCall-ID: up-{time.monotonic_ns()}\r\n"
        "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()
