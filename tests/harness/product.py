"""The real product as a process of its own: ``b2bua run`` on free ports in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from b2bua.cli.calls import row_of
from b2bua.store.calls import CallStory
from b2bua.store.database import FILE_NAME
from b2bua.store.store import Store
from b2bua.surroundings import ENCODED
from tests.harness.ports import HOST, free_port, media_ports

DEMO = Path(__file__).resolve().parents[2] / "config" / "demo.toml"
START_S = 30.0
STOP_S = 20.0
COMMAND_S = 30.0
POLL_S = 0.1
RTP_PAIRS = 100
ZONE = ZoneInfo("Europe/Warsaw")
MOST_CALLS = 1000


def until(condition: Callable[[], object], *, within: float, what: str, every: float = POLL_S) -> None:
    """Return as soon as ``condition`` holds, which is asked ``every`` so many seconds.

    Raises:
        TimeoutError: it did not in ``within`` seconds; ``what`` says what was awaited.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not in {within:.0f} s")
        time.sleep(every)


@dataclass(frozen=True, slots=True)
class CallLine:
    """One line of ``b2bua calls``."""

    when: str
    """Local time."""
    caller: str
    """Number and name."""
    dialled: str
    """The number that was dialled."""
    outcome: str
    """``talked``, ``message``, ``promise``, ``in progress``…"""
    story: str
    """What happened, in plain words."""


def quick_office(*, sip_port: int, rtp: tuple[int, int], outside_port: int) -> str:
    """Return the demo office on the given ports, with steps of 2 s and a trunk that is patient for 5 s."""
    text = DEMO.read_text()
    for old, new in (
        (r'listen = "127.0.0.1:5060"', f'listen = "{HOST}:{sip_port}"'),
        (r'ports = "20000-29998"', f'ports = "{rtp[0]}-{rtp[1]}"'),
        (r"port = 5090", f"port = {outside_port}"),
        (r'for = "[23]0s"', 'for = "2s"'),
        (r'max-wait = "60s"', 'max-wait = "3s"'),
        (r"\[office\]\n", '[office]\nstop-waits = "0s"\n'),
        (r'(accepts-from = \["127.0.0.0/8"\])', r'\1\nmax-unanswered = "5s"'),
    ):
        text, count = re.subn(old, new, text)
        assert count, f"the demo office has no {old} any more"
    return text


class Product:
    """One office, running. Make it by ``with Product.running(folder)``."""

    def __init__(
        self,
        folder: Path,
        extra: str,
        sip: str,
        change: Callable[[str], str],
        environment: Mapping[str, str] = MappingProxyType({}),
        pairs: int = RTP_PAIRS,
    ) -> None:
        self.folder = folder
        self._environment = {**_environment(), **environment}
        self.port = free_port()
        self.outside_port = free_port()
        office = quick_office(sip_port=self.port, rtp=media_ports(pairs), outside_port=self.outside_port)
        self.config = folder / "office.toml"
        self.config.write_text(change(office.replace("[sip]\n", f"[sip]\n{sip}\n")) + extra)
        _share_encoded_sounds(folder)
        self.log_path = folder / "product.log"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(
        cls,
        folder: Path,
        *,
        extra: str = "",
        sip: str = "",
        change: Callable[[str], str] = str,
        environment: Mapping[str, str] = MappingProxyType({}),
        pairs: int = RTP_PAIRS,
    ) -> Iterator[Product]:
        """Run an office for as long as the block runs.

        ``extra`` is TOML to add, ``sip`` to its ``[sip]``; ``change`` returns another TOML for the rest.
        ``environment`` is what its processes have beside ours; ``pairs`` are its RTP and RTCP ports.
        """
        folder.mkdir(parents=True, exist_ok=True)
        product = cls(folder, extra, sip, change, environment, pairs)
        try:
            product.start()
            yield product
        finally:
            product.stop()

    # --- life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it answers an OPTIONS."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "b2bua", "run", str(self.config)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
        until(self._is_up_or_dead, within=START_S, what="the product answers OPTIONS")
        assert self._process.poll() is None, self.log

    def _is_up_or_dead(self) -> bool:
        return self.process.poll() is not None or self.answers_options(within=0.5)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the signalling side."""
        assert self._process is not None, "it was not started"
        return self._process

    @property
    def media_pid(self) -> int | None:
        """The process that plays and records, None when there is none right now."""
        pid = self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return None
        return next((int(child) for child in children if b"media.worker" in _command_line(int(child))), None)

    def stop(self) -> None:
        """Stop it as Ctrl-C does, by force when it does not obey; returns when both processes are gone."""
        if self._process is None or self._process.returncode is not None:
            return
        media = self.media_pid
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)
        self._media_is_gone(media)

    def kill(self) -> None:
        """``kill -9``, as when the power goes; returns when the media process has noticed and ended too."""
        media = self.media_pid
        self.process.kill()
        self.process.wait(STOP_S)
        assert self._media_is_gone(media), "the media process outlived the product"

    @staticmethod
    def _media_is_gone(pid: int | None) -> bool:
        if pid is None:
            return True
        try:
            until(lambda: b"media.worker" not in _command_line(pid), within=STOP_S, what="media ends")
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return False
        return True

    # --- what it says --------------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """All it has printed so far."""
        return self.log_path.read_text(errors="replace")

    def assert_log_is_clean(self) -> None:
        """Check that nothing was logged as an error and no exception came to light."""
        bad = [line for line in self.log.splitlines() if re.search(r"\[error|\[critical|Traceback", line)]
        assert not bad, "\n".join(bad)

    def answers_options(self, *, within: float = 5.0) -> bool:
        """Whether an OPTIONS is answered with 200."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(within)
            probe.bind((HOST, 0))
            try:
                probe.connect((HOST, self.port))
                probe.send(_options(probe.getsockname()[1], self.port))
                return probe.recv(65535).startswith(b"SIP/2.0 200 ")
            except OSError:  # nobody listens yet, or it stays silent
                return False

    def calls(self) -> list[CallLine]:
        """Return what ``b2bua calls`` lists, the newest last; the command takes long to start."""
        with ThreadPoolExecutor(1) as thread:  # in this one a loop may be running
            stories = thread.submit(asyncio.run, _stories(self.folder / "data")).result()
        return [CallLine(*row_of(story, ZONE)) for story in stories[::-1]]

    def finished_calls(self, *, of: str = "", at_least: int = 1, within: float = 30.0) -> list[CallLine]:
        """Return the calls (to the number ``of``) once there are so many and none is in progress any more."""
        calls: list[CallLine] = []

        def is_quiet() -> bool:
            if not self._journal_is_quiet(of.partition(" ")[0], at_least):
                return False
            calls[:] = [call for call in self.calls() if of in ("", call.dialled)]
            return len(calls) >= at_least and all(call.outcome != "in progress" for call in calls)

        until(is_quiet, within=within, what="all calls have an outcome", every=2 * POLL_S)
        return calls

    def _journal_is_quiet(self, dialled: str, at_least: int) -> bool:
        """Whether so many calls have an outcome and no other is in progress, by a look into the database.

        It only spares what is asked in vain while calls go on; what counts is what the office reads there.
        """
        outcomes = self.outcomes(dialled)
        return outcomes is None or (len(outcomes) >= at_least and None not in outcomes)

    def outcomes(self, dialled: str = "") -> list[str | None] | None:
        """Return the outcomes of calls (to ``dialled``), None for one that goes on; None: nobody knows."""
        try:
            rows = self.rows("select outcome from calls where ? in ('', dialled)", dialled)
        except sqlite3.Error:
            return None
        return [outcome for (outcome,) in rows]

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Return what a query of the database finds.

        Raises:
            sqlite3.Error: it cannot be read now.
        """
        path = self.folder / "data" / FILE_NAME
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0)) as database:
            return database.execute(query, values).fetchall()

    def command(self, *arguments: str) -> str:
        """Return what a command of the product prints."""
        done = subprocess.run(
            [sys.executable, "-m", "b2bua", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_S,
            check=False,
            env=self._environment,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode()

    def recordings(self) -> list[Path]:
        """Return the voicemail recordings, the oldest first."""
        return sorted((self.folder / "data" / "voicemail").rglob("*.wav"))


async def _stories(data: Path) -> list[CallStory]:
    """Return the journal, the newest call first."""
    async with await Store.open(data) as store:
        return await store.journal.calls(limit=MOST_CALLS)


def _share_encoded_sounds(folder: Path) -> None:
    """Let all offices of one run of the tests have their sounds encoded but once: it takes seconds."""
    run = next((above for above in folder.parents if re.fullmatch(r"pytest-\d+", above.name)), None)
    encoded = folder / "data" / ENCODED
    if run is not None and not encoded.is_symlink():
        (run / ENCODED).mkdir(mode=0o700, exist_ok=True)
        encoded.parent.mkdir(exist_ok=True)
        encoded.symlink_to(run / ENCODED)


def _environment() -> dict[str, str]:
    """Return an environment in which this checkout's product is found and its output is never styled."""
    root = str(DEMO.parents[1])
    return {**os.environ, "PYTHONPATH": root, "NO_COLOR": "1", "COLUMNS": "1000"}


def _command_line(pid: int) -> bytes:
    """Return the command line of a process, empty when it is gone or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _options(local_port: int, port: int) -> bytes:
    token = secrets.token_hex(6)
    return (
        f"OPTIONS sip:{HOST}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {HOST}:{local_port};branch=z9hG4bK{token};rport\r\n"
        f"From: <sip:probe@{HOST}>;tag={token}\r\nTo: <sip:{HOST}:{port}>\r\n"
        f"Call-ID: {token}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()
