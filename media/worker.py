"""The media engine in its own process.

``python -m media.worker DESCRIPTOR FIRST_PORT LAST_PORT FIRST_OF_ALL LAST_OF_ALL FOLDER ADDRESS...``

One thread moves packets; others read prompts, write recordings and wait for the disk. Encoded sounds are kept
in the folder, if it has a name. The descriptor is one end of a socket pair to signalling. When the other end
is closed, on purpose or because its process died, recordings are finished and the worker ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Thread
from time import monotonic, sleep
from typing import Any, TypeVar

from media.aside import encode_aside
from media.background import Background
from media.commands import Event, Ping, Pong, Started
from media.credential import Credential
from media.encoded_files import EncodedFiles
from media.endpoint import Address, Endpoint
from media.engine import Engine
from media.factory import EndpointFactory
from media.fastpath import MOST_UNREAD, FastPath
from media.leg import Leg
from media.precedence import Precedence
from media.shelf import CodecShelf
from media.sockets import SocketEndpoint
from media.sounds import SoundLibrary
from media.stamps import HELD_UP_S, came
from media.surroundings import Surroundings
from media.wire import commands_framer, encode

T = TypeVar("T")

SWITCH_SECONDS = 0.0005
"""How long the packet thread may wait for a file thread that holds the interpreter."""
GATHER_PACKETS = 4
GATHER_SECONDS = 0.0005
"""Where packets come one by one but fast, how long they gather: waking for each costs more than all else."""
LONGEST_CATCHING_UP_S = 0.5
"""For which sending waits at most where this process was held up, as more and more may come."""
FINISH_SECONDS = 5.0
"""How long a slow disk may take to finish recordings at the end."""
_CHUNK = 65536


class Poll:
    """Calls back for each descriptor that can be read."""

    def __init__(self, fast_path: FastPath | None) -> None:
        self.epoll = select.epoll()
        self.fast_path = fast_path
        """What moves nearly all packets; None: nothing but Python does."""
        self.readers: dict[int, Callable[[], None]] = {}
        self.read_last = -1
        """The descriptor that is left alone while others have what came while this process was held up."""
        self._turned_at = monotonic()
        """When all that had come was read, but for what one turn leaves to the next."""
        self._reading = -1
        """The descriptor that is being read."""
        self._is_postponed = False
        """Whether `read_last` was left alone."""
        self._is_busy = False

    def _is_held_up(self, now: float) -> bool:
        """Whether what came may have waited: the process was stopped, or had no processor."""
        return now - self._turned_at > HELD_UP_S

    def clock(self) -> float:
        """Return when the packet came that is being read."""
        now = monotonic()
        return came(self._reading, now=now, since=self._turned_at) if self._is_held_up(now) else now

    def add_reader(self, descriptor: int, callback: Callable[[], None], /) -> None:
        """Call ``callback`` each time ``descriptor`` can be read."""
        self.readers[descriptor] = callback
        self.epoll.register(descriptor, select.EPOLLIN)

    def remove_reader(self, descriptor: int, /) -> None:
        """Do so no more."""
        if self.readers.pop(descriptor, None) is not None:
            self.epoll.unregister(descriptor)

    def wait(self, seconds: float | None) -> None:
        """Wait until something can be read, at most ``seconds``, and call whom it concerns."""
        if self._is_busy:
            sleep(GATHER_SECONDS)
        if self.fast_path is not None:
            self.fast_path.since.value = self._turned_at
        count = self._turn(seconds)
        now = monotonic()
        if now - self._turned_at > HELD_UP_S:
            now = self._catch_up(now)
        self._is_busy = count < GATHER_PACKETS and now - self._turned_at < GATHER_SECONDS
        self._turned_at = now

    def _catch_up(self, now: float) -> float:
        """Read all that came while this process was held up; return the time."""
        if self.fast_path is not None:
            self.fast_path.sweep(_tell, rounds=MOST_UNREAD)
        while self._turn(0.0) > self._is_postponed and monotonic() < now + LONGEST_CATCHING_UP_S:
            self._is_postponed = False
        self._is_postponed = False
        self._turned_at = monotonic()
        return self._turned_at

    def catch_up(self, now: float) -> None:
        """Read all that came if this process was held up since the last turn; others would do without it."""
        if self._is_held_up(now):
            self._catch_up(now)

    def sweep(self) -> None:
        """Read what could wait; to be called before recordings are written and orders carried out."""
        if self.fast_path is not None:
            self.fast_path.sweep(_tell)

    def _turn(self, seconds: float | None) -> int:
        if self.fast_path is not None:
            return self.fast_path.turn(self.epoll.fileno(), seconds, self._read, _tell)
        ready = self.epoll.poll(seconds)
        for descriptor, _ in ready:
            try:
                self._read(descriptor)
            except Exception:  # noqa: BLE001 - one packet must not silence all other calls
                _tell()
        return len(ready)

    def _read(self, descriptor: int) -> None:
        self._reading = descriptor
        reader = self.readers.get(descriptor)
        if descriptor == self.read_last and self._is_held_up(monotonic()):
            self._is_postponed = True
        elif reader is not None:
            reader()


class ThreadBackground(Background):
    """Jobs on a thread of their own; results come back through a descriptor of the poll."""

    def __init__(self, poll: Poll) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None], bool]] = SimpleQueue()
        """Each with whom to tell of its result, and whether also of success."""
        self._results: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.unfinished = 0
        """Jobs whose end somebody waits for."""
        poll.add_reader(self._wake, self._take_results)
        # A disk that hangs must not keep the process alive.
        Thread(target=self._work, daemon=True).start()

    def submit(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Run ``job``; later call ``done`` on the packet thread."""
        self.unfinished += 1
        self._jobs.put((job, partial(self._finish, done), True))

    def attempt(self, job: Callable[[], object], failed: Callable[[Exception], None]) -> None:
        """Run ``job``; wake the packet thread only if it fails, to call ``failed``."""
        self._jobs.put((job, failed, False))

    def _work(self) -> None:
        while True:
            job, tell, is_news = self._jobs.get()
            result: object
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                result, is_news = error, True
            if is_news:
                self._results.append((tell, result))
                os.eventfd_write(self._wake, 1)

    def _take_results(self) -> None:
        os.eventfd_read(self._wake)
        while self._results:
            tell, result = self._results.popleft()
            try:
                tell(result)
            except Exception:  # noqa: BLE001 - others wait for what comes behind it
                _tell()

    def _finish(self, done: Callable[[Any], None], result: object) -> None:
        self.unfinished -= 1
        done(result)


class Worker:
    """An engine, its sockets and its line to signalling."""

    def __init__(
        self,
        control: socket.socket,
        *,
        hosts: Sequence[str],
        ports: tuple[int, int],
        whole: tuple[int, int] | None = None,
        encoded: EncodedFiles | None = None,
    ) -> None:
        self._poll = Poll(FastPath.found())
        self._precedence = Precedence()
        self._control = control
        self._framer = commands_framer()
        self._unsent = bytearray()
        self._is_crowded = False
        """Whether signalling took less than there was."""
        self._is_over = False
        loads, long_loads, files, syncs = (ThreadBackground(self._poll) for _ in range(4))
        self._finishing = files, syncs
        """What is waited for at the end."""
        around = Surroundings(
            self._emit,
            SoundLibrary(loads, long=long_loads, files=encoded, aside=encode_aside),
            CodecShelf(loads),
            credential=Credential(loads),
            files=files,
            syncs=syncs,
            random=Random(),
        )

        poll, clock, fast_path = self._poll, self._poll.clock, self._poll.fast_path

        def open_pair(address: Address, leg: Leg) -> Endpoint:
            return SocketEndpoint(address, leg, poll=poll, clock=clock, fast_path=fast_path)

        self._engine = Engine(around, EndpointFactory(open_pair, hosts, ports, whole=whole))
        control.setblocking(False)
        self._poll.add_reader(control.fileno(), self._read)
        self._poll.read_last = control.fileno()

    def run(self) -> None:
        """Serve until signalling is gone."""
        self._emit(Started())
        self._flush()
        while not self._is_over:
            self._turn(self._engine.deadline)
        self._engine.close(monotonic())
        give_up = monotonic() + FINISH_SECONDS
        while any(each.unfinished for each in self._finishing) and monotonic() < give_up:
            self._turn(monotonic() + 0.1)
        with contextlib.suppress(OSError):
            self._control.settimeout(1.0)
            self._control.sendall(self._unsent)

    def _turn(self, deadline: float | None) -> None:
        # poll rounds up to milliseconds: frames leave at most one late, and the grid does not shift by it.
        ahead = None if deadline is None else max(0.0, deadline - monotonic())
        self._poll.wait(ahead)
        now = monotonic()
        if deadline is not None and now >= deadline:
            if ahead:
                self._precedence.woke(now - deadline, now)
            self._poll.catch_up(now)
            self._poll.sweep()
            try:
                self._engine.tick(now)
            except Exception:  # noqa: BLE001 - one leg must not silence all others
                _tell()
        if self._unsent:
            self._flush()

    def _read(self) -> None:
        try:
            received = self._control.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._is_over = True
            self._poll.remove_reader(self._control.fileno())
        self._poll.sweep()
        now = monotonic()
        for command in self._framer.feed(received):
            try:
                if isinstance(command, Ping):
                    self._emit(Pong())
                else:
                    self._engine.handle(command, now)
            except Exception:  # noqa: BLE001 - one leg's command must not swallow another's
                _tell()

    def _emit(self, event: Event) -> None:
        self._unsent += encode(event)

    def _flush(self) -> None:
        """Send what signalling takes; while it is stalled, ask to be called when it takes more."""
        with contextlib.suppress(OSError):
            del self._unsent[: self._control.send(self._unsent)]
        is_crowded = bool(self._unsent)
        if is_crowded != self._is_crowded and not self._is_over:
            self._is_crowded = is_crowded
            wants_to_send = select.EPOLLOUT if is_crowded else 0
            self._poll.epoll.modify(self._control.fileno(), select.EPOLLIN | wants_to_send)


def _tell() -> None:
    """Show the error that is being handled; calls go on where that is not possible."""
    with contextlib.suppress(OSError):
        traceback.print_exc()


def prepare_process() -> None:
    """Make this process fit for packets: no interrupts but by its parent, and descriptors enough."""
    # Ctrl-C and a service's stop reach the whole group; calls are ended by signalling, which still needs us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()


def main() -> None:
    """Serve the descriptor of the command line."""
    descriptor, first, last, first_of_all, last_of_all, folder, *hosts = sys.argv[1:]
    control = socket.socket(fileno=int(descriptor))
    prepare_process()
    encoded = EncodedFiles(Path(folder)) if folder else None
    ports, whole = (int(first), int(last)), (int(first_of_all), int(last_of_all))
    Worker(control, hosts=hosts, ports=ports, whole=whole, encoded=encoded).run()


if __name__ == "__main__":
    main()
