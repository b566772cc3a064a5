"""SIPp with the scenarios of ``sipp-scenarios/``: plays trunk and phones against the started product."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from tests.harness.ports import HOST, free_port
from tests.harness.product import until

SCENARIOS = Path(__file__).resolve().parents[2] / "sipp-scenarios"
LIMIT_S = 45
"""No scenario may take longer."""
START_S = 15.0
WRITTEN_LATE_S = 0.1
"""What SIPp has sent may stand in its log later than what another one was sent for it."""
TIMER_SLACK_NS = 4_000_000


LISTENS = "0A"
"""State of a TCP socket that waits for connections."""


def _sockets(kind: str) -> list[str]:
    return Path("/proc/net", kind).read_text().splitlines()[1:]


_MESSAGE = re.compile(
    r"-{20,} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)\n\w+ message (\w+) [^\n]*:\n\n(.*?)(?=\n-{20,} |\Z)",
    re.DOTALL,
)


@contextmanager
def _children_wake_seldom() -> Iterator[None]:
    """Let timers of a millisecond go off only every five in whatever is started in the block.

    SIPp looks every millisecond whether there is something to do, which costs a minute of CPU time for each
    hour that it waits, and a hundred of them wait. What comes from the network wakes it at once all the same.
    Where that cannot be said (Linux alone knows it), it stays as it is.
    """
    slack = Path(f"/proc/{threading.get_native_id()}/timerslack_ns")  # of this thread, which starts it
    with suppress(OSError):
        slack.write_text(str(TIMER_SLACK_NS))
    try:
        yield
    finally:
        with suppress(OSError):
            slack.write_text("0")  # the default


class SippFailed(AssertionError):
    """A scenario did not go as written."""


class Sipp:
    """One SIPp process playing one scenario."""

    def __init__(
        self,
        scenario: str,
        folder: Path,
        port: int,
        arguments: list[str],
        host: str,
        *,
        limit_s: int = LIMIT_S,
    ) -> None:
        self.scenario = scenario
        self._limit_s = limit_s
        self.port = port
        self._is_ipv6 = ":" in host
        self._errors = folder / f"{Path(scenario).stem}-{port}.errors"
        self._log = self._errors.with_suffix(".log")
        self._messages = self._errors.with_suffix(".messages")
        command = [
            "sipp",
            *arguments,
            "-sf",
            scenario,
            "-i",
            host,
            "-p",
            str(port),
            "-mp",
            str(port + 2),
        ]
        command += ["-nostdin", "-timeout", f"{limit_s}s", "-timeout_error", "-cp", str(port + 1)]
        command += [
            "-trace_err",
            "-error_file",
            str(self._errors),
            "-trace_logs",
            "-log_file",
            str(self._log),
        ]
        command += ["-trace_msg", "-message_file", str(self._messages)]
        with _children_wake_seldom():
            self._process = subprocess.Popen(
                command,
                cwd=SCENARIOS,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "TERM": "dumb"},
            )

    def wait(self, *, within: float | None = None) -> None:
        """Return when the scenario has gone as written, which takes no longer than ``within`` seconds.

        Raises:
            SippFailed: it has not.
        """
        try:
            code = self._process.wait(self._limit_s + 5.0 if within is None else within)
        except subprocess.TimeoutExpired:
            raise SippFailed(f"{self.scenario} still runs\n{self._why()}") from None
        if code:
            raise SippFailed(f"{self.scenario} ended with {code}\n{self._why()}")

    def _why(self) -> str:
        said = [path.read_text(errors="replace") for path in (self._errors, self._messages) if path.exists()]
        return "\n".join(said)[-6000:]

    def received(self, start: str) -> int:
        """Return how many messages have come so far that begin with ``start``, repetitions included."""
        return sum(message.startswith(start) for message in self.messages())

    def messages(self) -> list[str]:
        """Return the messages that have come so far, repetitions included."""
        text = self._messages.read_text(errors="replace") if self._messages.exists() else ""
        return re.findall(r"message received \[\d+\] bytes :\n\n(.*?)(?=\n-{20,} |\Z)", text, re.DOTALL)

    def traced(self, start: str, *, kind: str = "received") -> list[tuple[float, str]]:
        """Return the messages that came, or were ``sent``, and begin with ``start``, each with its time.

        Times are seconds of the clock; repetitions are included.
        """
        text = self._messages.read_text(errors="replace") if self._messages.exists() else ""
        return [
            (datetime.fromisoformat(at).timestamp(), message)
            for at, direction, message in _MESSAGE.findall(text)
            if direction == kind and message.startswith(start)
        ]

    def times(self, start: str, *, kind: str = "received", with_repetitions: bool = False) -> list[float]:
        """Return when such messages came or were sent; repetitions are left out unless they are asked for."""
        found = self.traced(start, kind=kind)
        if with_repetitions:
            return [at for at, _ in found]
        first: dict[str, float] = {}
        for at, message in found:
            first.setdefault(message, at)
        return list(first.values())

    @property
    def dialog(self) -> str:
        """The dialog with the office that called, as a Replaces value; empty until the phone has answered."""
        text = self._messages.read_text(errors="replace") if self._messages.exists() else ""
        answered = re.search(r"message sent .*?\nSIP/2.0 180 .*?\n\n", text, re.DOTALL)
        if answered is None:
            return ""
        parts = (r"Call-ID: *(\S+)", r"From:.*;tag=([^;\s]+)", r"To:.*;tag=([^;\s]+)")
        call_id, ours, theirs = (re.findall(part, answered[0])[0] for part in parts)
        return f"{call_id};to-tag={ours};from-tag={theirs}"

    def logged(self) -> list[str]:
        """Return what the scenario's ``<log>`` actions wrote."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def is_listening(self) -> bool:
        """Whether its port is bound; True also when it has ended, which ``wait`` will tell."""
        wanted = f":{self.port:04X}"
        is_bound = any(
            local.endswith(wanted) and (kind.startswith("udp") or state == LISTENS)
            for kind in (("udp6", "tcp6") if self._is_ipv6 else ("udp", "tcp"))
            for _, local, _, state, *_ in map(str.split, _sockets(kind))
        )
        return is_bound or self._process.poll() is not None

    def freeze(self) -> None:
        """Lose the power: it takes packets and answers none."""
        self._process.send_signal(signal.SIGSTOP)

    def vanish(self) -> None:
        """End at once without a word, as a phone that loses power."""
        self._process.kill()
        self._process.wait(START_S)

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(START_S)


class Cast:
    """All the SIPp processes around one product."""

    def __init__(self, folder: Path, product_port: int, host: str, limit_s: int) -> None:
        self._limit_s = limit_s
        self._folder = folder
        self._host = host
        self._product = f"[{host}]:{product_port}" if ":" in host else f"{host}:{product_port}"
        self._members: list[Sipp] = []

    @classmethod
    @contextmanager
    def around(
        cls, folder: Path, product_port: int, *, host: str = HOST, limit_s: int = LIMIT_S
    ) -> Iterator[Cast]:
        """Return a cast that leaves the stage with the block; it and the office are at ``host``.

        No scenario may take longer than ``limit_s``.
        """
        folder.mkdir(parents=True, exist_ok=True)
        cast = cls(folder, product_port, host, limit_s)
        try:
            yield cast
        finally:
            for member in cast._members:
                member.stop()

    def trunk(self, scenario: str, number: str, *arguments: str, over: str = "u1") -> Sipp:
        """Start a call that comes in for ``number``; ``over`` is ``u1`` (UDP) or ``t1`` (TCP)."""
        options = [self._product, "-s", number, "-m", "1", "-t", over, *arguments]
        return self._start(scenario, free_port(), options)

    def many_callers(self, calls: Iterable[tuple[str, str]], *, per_second: int = 10) -> Sipp:
        """Start calls, so many a second, each from one number to another; answered, they are hung up."""
        lines = [f"{caller};{number}\n" for caller, number in calls]
        path = self._folder / f"callers-{free_port()}.csv"
        path.write_text("".join(("SEQUENTIAL\n", *lines)))
        options = [self._product, "-m", str(len(lines)), "-r", str(per_second), "-inf", str(path)]
        return self._start("trunk-calls-from-many-numbers.xml", free_port(), options)

    def phone(
        self,
        scenario: str,
        extension: str,
        *arguments: str,
        calls: int = 1,
        over: str = "u1",
        also: Iterable[str] = (),
    ) -> Sipp:
        """Return a phone that takes ``calls`` calls as the scenario says.

        It is registered as ``extension``, and ``also`` as others: the request-URI tells who is meant.
        """
        port = self.register(extension, over=over)
        for other in also:
            self.register(other, over=over, port=port)
        phone = self._start(scenario, port, ["-m", str(calls), "-t", over, "-aa", *arguments])
        until(phone.is_listening, within=START_S, what=f"SIPp listens on {port}")
        return phone

    def calling_phone(
        self, scenario: str, extension: str, number: str, *arguments: str, over: str = "u1"
    ) -> Sipp:
        """Start a registered phone that calls ``number`` as the scenario says."""
        port = self.register(extension, over=over)
        options = [self._product, "-s", number, "-m", "1", "-t", over, "-key", "extension", extension]
        return self._start(
            scenario, port, [*options, "-au", extension, "-ap", f"demo-{extension}", "-aa", *arguments]
        )

    def carrier(self, scenario: str, port: int, *arguments: str, over: str = "u1") -> Sipp:
        """Return a carrier that waits for the office at ``port``."""
        carrier = self._start(scenario, port, ["-m", "1", "-t", over, "-aa", *arguments])
        until(carrier.is_listening, within=START_S, what=f"SIPp listens on {port}")
        return carrier

    def watcher(self, scenario: str, extension: str, *arguments: str, over: str = "u1") -> Sipp:
        """Start a phone of ``extension`` that subscribes as the scenario says."""
        options = [self._product, *_account(extension), "-m", "1", "-t", over, *arguments]
        return self._start(scenario, free_port(), options)

    def register(self, extension: str, *, over: str = "u1", port: int | None = None) -> int:
        """Register a phone by the scenario, and return the port where it will be called."""
        port = port or free_port()
        options = [self._product, *_account(extension), "-m", "1", "-t", over]
        self._start("phone-registers-digest.xml", port, options).wait(within=START_S)
        return port

    def _start(self, scenario: str, port: int, arguments: list[str]) -> Sipp:
        sipp = Sipp(scenario, self._folder, port, arguments, self._host, limit_s=self._limit_s)
        self._members.append(sipp)
        return sipp


def _account(extension: str) -> list[str]:
    return ["-s", extension, "-au", extension, "-ap", f"demo-{extension}"]
