"""The engine's own process, as signalling sees it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from media.commands import Command, Event, Ping, Pong, Started
from media.errors import MediaError
from media.processes import start_module
from media.wire import encode, events_framer

log = logging.getLogger("media")

START_SECONDS = 10.0
EXIT_SECONDS = 0.5
"""How long a process may take to be gone after its line."""
END_SECONDS = 10.0
"""More than the worker gives a slow disk."""
PING_EVERY_S = 1.0
MOST_UNANSWERED = 4
"""A worker that leaves so many in a row unanswered hangs. No ping counts a suspended machine."""
MOST_STARVED = 15
"""How many are forgiven a worker that gets no processor: a new one would get none either, and start anew."""
_CHUNK = 65536


class WorkerProcess:
    """A worker and the line to it."""

    def __init__(
        self, line: socket.socket, deliver: Callable[[Event], None], lose: Callable[[str], None]
    ) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._loop = asyncio.get_running_loop()
        self._line = line
        self._deliver = deliver
        self._lose = lose
        self._framer = events_framer()
        self._unsent = bytearray()
        self._is_crowded = False
        self._is_closing = False
        self._unanswered = 0
        self._waited_s = 0.0
        self._pinging: asyncio.TimerHandle | None = None
        self._dying: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._ended = asyncio.Event()
        line.setblocking(False)
        self._loop.add_reader(line.fileno(), self._read)

    @classmethod
    async def start(
        cls,
        deliver: Callable[[Event], None],
        lose: Callable[[str], None],
        *,
        hosts: Sequence[str],
        ports: tuple[int, int],
        whole: tuple[int, int],
        encoded: Path | None = None,
    ) -> Self:
        """Return a worker that takes commands, and keeps encoded sounds in the folder ``encoded``.

        Raises:
            MediaError: it did not start in time.
        """
        ours, theirs = socket.socketpair()
        worker = cls(ours, deliver, lose)
        try:
            with theirs:
                arguments = (*map(str, (*ports, *whole)), str(encoded or ""), *hosts)
                worker._process = await start_module(
                    "media.worker", str(theirs.fileno()), *arguments, pass_fds=[theirs.fileno()]
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_SECONDS):
                    await worker._started.wait()
        except BaseException:
            worker._is_closing = True
            worker._end()
            if worker._process is not None:
                with contextlib.suppress(ProcessLookupError):
                    worker._process.kill()
                await worker._process.wait()
            raise
        if worker._ended.is_set() or not worker._started.is_set():
            await worker.close()
            raise MediaError("the media worker does not start")
        worker._ping()
        return worker

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def _ping(self) -> None:
        """Ask again and again whether it works; kill one that does not answer, so that another can begin."""
        self._pinging = None
        if self._ended.is_set() or self._is_closing:
            return
        if self._unanswered == 0:
            self._waited_s = waited_for_a_processor(self.pid)
        if self._unanswered >= MOST_UNANSWERED and not self._is_starved():
            assert self._process is not None
            log.error("the media worker hangs; it is killed")
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            return
        self._unanswered += 1
        self.send(Ping())
        self._pinging = self._loop.call_later(PING_EVERY_S, self._ping)

    def _is_starved(self) -> bool:
        """Whether it is silent because other programs have the processors, which may soon be over."""
        starved_s = waited_for_a_processor(self.pid) - self._waited_s
        if self._unanswered >= MOST_STARVED or starved_s < self._unanswered * PING_EVERY_S / 2:
            return False
        if self._unanswered == MOST_UNANSWERED:
            log.warning(
                "the media worker waited %.1f s for a processor: this machine has too much to do", starved_s
            )
        return True

    def send(self, command: Command) -> None:
        """Pass on ``command``; while the worker is busy it waits here."""
        if self._ended.is_set():
            return
        if not self._unsent:
            self._loop.call_soon(self._write)  # what one step of a call orders wakes the worker once
        self._unsent += encode(command)

    def _write(self) -> None:
        if self._ended.is_set():
            return
        try:
            del self._unsent[: self._line.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # the worker is gone; reading will tell
        if self._unsent:
            self._loop.add_writer(self._line.fileno(), self._write)
            self._is_crowded = True
        elif self._is_crowded:
            self._loop.remove_writer(self._line.fileno())
            self._is_crowded = False

    def _read(self) -> None:
        try:
            received = self._line.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._end()
        for event in self._framer.feed(received):
            if isinstance(event, Started):
                self._started.set()
            elif isinstance(event, Pong):
                self._unanswered = 0
            else:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        """Deliver an event; what that raises is told, and does not swallow the next one."""
        try:
            self._deliver(event)
        except Exception as error:  # noqa: BLE001 - as the loop does with what its callbacks raise
            self._loop.call_exception_handler({"message": "an event of the media worker", "exception": error})

    def _end(self) -> None:
        if self._ended.is_set():
            return
        if self._pinging is not None:
            self._pinging.cancel()
        self._loop.remove_reader(self._line.fileno())
        self._loop.remove_writer(self._line.fileno())
        self._line.close()
        self._ended.set()
        has_served = self._started.is_set()
        self._started.set()  # nobody need wait for it any longer
        if has_served and not self._is_closing:
            self._dying = self._loop.create_task(self._tell_its_death(), name="end of a media worker")

    async def _tell_its_death(self) -> None:
        """See the process to its end, which is near when its line is closed; then tell that it is lost."""
        assert self._process is not None
        try:
            async with asyncio.timeout(EXIT_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if not self._is_closing:
            self._lose("its process ended")

    async def close(self) -> None:
        """Let the worker finish recordings and end; kill it if it does not."""
        self._is_closing = True
        assert self._process is not None
        if not self._ended.is_set():
            self._write()
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._ended.wait()
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            self._end()


def waited_for_a_processor(pid: int) -> float:
    """Return the seconds that the process was ready to run and did not, since it began.

    0 where the system does not tell (/proc/PID/schedstat, second field).
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
