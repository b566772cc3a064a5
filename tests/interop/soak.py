"""The started product under real calls with sound, as long as wanted: ``make soak-calls FOR=600 CALLS=20``.

Callers come through the trunk, so many at a time, to phones, queue, menu, voicemail and echo; they speak,
press keys and hang up at any moment. Before and after, when nobody calls, memory, descriptors and ports are
counted: what has grown fails the run, as does a caller who was refused, not answered, or answered and heard
nothing, and one who called the echo, listened and missed its words or their own voice. It is told what came
to a caller who heard nothing all the same and what the product did with them, and beside it how long each
process had to wait for a processor: a machine that others keep busy is no fault of the product.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import os
import re
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from b2bua.call.callee import CalleeLeg
from b2bua.demo.softphone import CallRefused, Habit, PlacedCall, Softphone
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.transport.hop import Hop
from bench.processes import written_bytes
from media.client import MediaEngine
from media.commands import Tone
from tests.harness.hearing import Hearing
from tests.harness.markers import lasts_s, with_marked_prompts
from tests.harness.ports import HOST
from tests.harness.product import Product

PORTS = (40000, 48000)
"""Of the callers' and phones' own sound."""
RTP_PAIRS = 300
"""Of the office."""
MENU, QUEUE, VOICEMAIL, ECHO = (f"+4822123000{number}" for number in (3, 4, 5, 7))
IN_TURN, TOGETHER = "+48221230001", "+48221230002"
NUMBERS = (IN_TURN, TOGETHER, MENU, QUEUE, VOICEMAIL, ECHO)
PHONES = {"101": 1.0, "102": 0.5, "103": None}
"""After how many seconds they answer; None: never."""
ANSWER_S = 30.0
HEARD_WITHIN_S = 4.0
"""Who presses a key of the menu before its greeting hears nothing for 2 s: more digits may come (row I3)."""
LISTENERS = 0.25
"""Of those who call the echo: so many record what they hear, and know what it has to be."""
LISTENING_S = 7.0
MISSED_S = 1.0
"""What may be missing of it at its ends, on a busy machine."""
WORDS = "connected"
VOICES_HZ = range(500, 1501, 100)
"""Between the tones of the prompts."""
REST_S = 10.0
"""After the last call: ports rest 5 s, transactions up to 32 s hold no descriptor."""
WARM_UP_SHARE = 0.4
"""Of the time, in which caches fill before anything is counted: those of a thousand calls."""
SAMPLE_S = 10.0
GROWN_BYTES = 6 * 1024 * 1024
"""Memory that may come on top: prompts that nobody had heard before, caches that were not full yet."""
TOLD_OF_TRACEBACK = 5000
GROWN_DESCRIPTORS = 3
"""SQLite opens and closes files as it likes."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one process of the product holds."""

    written_bytes: int
    """Memory of its own: of program files, the part that counts as its own changes with who else runs."""
    descriptors: int
    """Open files and sockets."""
    udp_ports: int
    """Bound UDP ports among them."""

    @classmethod
    def of(cls, pid: int) -> Footprint:
        """Return what ``pid`` holds now."""
        links = []
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                links.append(os.readlink(path))
        inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
        lines = [line.split() for name in ("udp", "udp6") for line in _table(pid, name)]
        return cls(written_bytes(pid), len(links), sum(columns[9] in inodes for columns in lines))

    def grown_to(self, later: Footprint) -> list[str]:
        """Return what is more than it may be ``later``, in words."""
        grown = []
        if later.written_bytes > self.written_bytes + GROWN_BYTES:
            grown.append(f"memory from {self.written_bytes >> 20} to {later.written_bytes >> 20} MiB")
        if later.descriptors > self.descriptors + GROWN_DESCRIPTORS:
            grown.append(f"descriptors from {self.descriptors} to {later.descriptors}")
        if later.udp_ports > self.udp_ports:
            grown.append(f"UDP ports from {self.udp_ports} to {later.udp_ports}")
        return grown

    def __str__(self) -> str:
        mib = self.written_bytes / 2**20
        return f"{mib:.1f} MiB, {self.descriptors} descriptors, {self.udp_ports} UDP ports"


def _waited_s(pid: int) -> float:
    """Return for how long the main thread of ``pid`` could have run and had no processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def _table(pid: int, name: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    except OSError:
        return []


def missed_of_the_echo(heard: Hearing, voice_hz: float) -> str:
    """Return what somebody who speaks to the echo did not hear of it; empty: nothing."""
    words_s = sum(each.seconds for each in heard.prompts() if each.prompt == WORDS)
    voice_s = heard.seconds_of(voice_hz)
    missed = {
        "its words": lasts_s(WORDS) - words_s,
        "their own voice": LISTENING_S - lasts_s(WORDS) - voice_s,
    }
    return ", ".join(f"{seconds:.1f} s of {what}" for what, seconds in missed.items() if seconds > MISSED_S)


@dataclass(slots=True)
class Soak:
    """One run."""

    product: Product
    engine: MediaEngine
    random: Random
    kills_every_s: float | None = None
    """How often the media worker is killed; None: never."""
    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    """Calls by how they went."""
    faults: list[str] = field(default_factory=list)
    """Why the run fails."""
    waited: dict[str, float] = field(default_factory=dict)
    """Seconds that each process had waited for a processor when that was told last."""

    def footprints(self) -> dict[str, Footprint]:
        """Return what each process of the product holds."""
        pids = {"signalling": self.product.process.pid}
        if self.product.media_pid is not None:
            pids["media"] = self.product.media_pid
        return {name: Footprint.of(pid) for name, pid in pids.items()}

    async def run(self, seconds: float, calls: int) -> None:
        """Let ``calls`` callers at a time call for ``seconds``; `faults` tells what was wrong."""
        async with contextlib.AsyncExitStack() as stack:
            for extension, answers_after in PHONES.items():
                await self._phone(stack, extension, answers_after)
            trunk = await self._softphone(stack, "trunk")
            await self._load(trunk, seconds * WARM_UP_SHARE, calls)
            before = await self._rested("after the warm-up")
            await self._load(trunk, seconds * (1 - WARM_UP_SHARE), calls)
            after = await self._rested("at the end")
        for name, footprint in before.items():
            if self.kills_every_s is not None and name == "media":
                continue  # another process than before
            self.faults += [f"{name}: {grown}" for grown in footprint.grown_to(after[name])]
        if not self.counts["heard"]:
            self.faults.append("nobody was heard")
        wrongs = {"mute": "answered and heard nothing", "refused": "refused", "not answered": "not answered"}
        if self.kills_every_s is None:
            wrongs["missed"] = "connected to the echo and did not hear what it says"
        for how, words in wrongs.items():
            if self.counts[how]:
                self.faults.append(f"{self.counts[how]} callers were {words}")
        before, traceback, after = self.product.log.partition("Traceback")
        if traceback:
            self.faults.append(
                f"the log has a traceback: {before[-500:]}{traceback}{after[:TOLD_OF_TRACEBACK]}"
            )

    async def _rested(self, when: str) -> dict[str, Footprint]:
        await asyncio.sleep(REST_S)
        footprints = self.footprints()
        for name, footprint in footprints.items():
            print(f"{when}, nobody calls: {name} {footprint}", flush=True)
        return footprints

    # --- who calls ----------------------------------------------------------------------------------------

    async def _load(self, trunk: Softphone, seconds: float, calls: int) -> None:
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(calls):
                group.create_task(self._caller(trunk, until))
            group.create_task(self._tell(until))
            if self.kills_every_s is not None:
                group.create_task(self._kill(until, self.kills_every_s))

    async def _caller(self, trunk: Softphone, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(self.random.uniform(0.1, 2.0))
            server = Hop("udp", HOST, self.product.port)
            number = self.random.choice(NUMBERS)
            caller = f"+48500{self.random.randrange(10**6):06}"
            placed = await trunk.call(server, number, from_number=caller)
            was_mute = False
            try:
                was_mute = not await self._talk(placed, number)
            except CallRefused as refusal:
                self.counts["refused"] += 1
                print(f"{caller} to {number} was refused: {refusal}", flush=True)
            except TimeoutError:
                self.counts["not answered"] += 1
                print(f"{caller} to {number} was not answered in {ANSWER_S:.0f} s", flush=True)
            finally:
                await placed.close()
                trunk.forget(placed)
                if was_mute:
                    print(f"what came to {caller} all the same: {placed.leg.media.statistics}", flush=True)
                    await self._tell_of(caller)

    async def _tell_of(self, caller: str) -> None:
        """Show what the product did with a caller: its log, and what both said, once that is written."""
        await asyncio.sleep(REST_S)
        log = await asyncio.to_thread(lambda: self.product.log)
        lines = [line for line in log.splitlines() if f"caller={caller}" in line]
        print("\n".join(lines), flush=True)
        for call_id in set(re.findall(r"call_id=(\w+)", lines[-1] if lines else "")):
            shown = ("calls", str(self.product.config), "--show", call_id, "--sip")
            with contextlib.suppress(AssertionError):  # it has too many calls after this one to know it still
                print(await asyncio.to_thread(self.product.command, *shown), flush=True)

    async def _talk(self, placed: PlacedCall, number: str) -> bool:
        """Let a caller talk for a while; return whether they heard anything, or had no time to."""
        if self.random.random() < 0.1:
            await asyncio.sleep(self.random.uniform(0.0, 3.0))
            self.counts["hung up early"] += 1
            return True
        leg = await placed.answered(within=ANSWER_S)
        voice_hz = float(self.random.choice(VOICES_HZ))
        leg.loop([Tone((voice_hz,), 1.0)])
        if number == ECHO and self.random.random() < LISTENERS:
            await self._listen(leg, voice_hz)
        key = self.random.choice(("#", "1", "0", "9")) if number in (MENU, VOICEMAIL) else ""
        if key:
            leg.media.send_digits(key)
        seconds = self.random.uniform(0.5, 5.0)
        await asyncio.wait({leg.ended}, timeout=seconds)
        is_heard, had_time = leg.media.is_heard, seconds > HEARD_WITHIN_S
        how = "heard" if is_heard else "mute" if had_time else "hung up at once"
        self.counts[how] += 1
        if not is_heard:
            pressed = f", pressed {key}" if key else ""
            print(f"{how}: {number}{pressed}, {seconds:.1f} s after the answer", flush=True)
        if leg.is_up and self.random.random() < 0.5:
            leg.media.send_digits("#")
        return is_heard or not had_time

    async def _listen(self, leg: CalleeLeg, voice_hz: float) -> None:
        """Record what the echo says, and see that it is its words and then the caller's own voice."""
        self.counts["listened"] += 1
        path = self.product.folder / f"listener-{self.counts['listened']}.wav"
        recording = leg.media.record(path)
        await asyncio.wait({leg.ended}, timeout=LISTENING_S)
        await recording.stop()
        missed = await asyncio.to_thread(missed_of_the_echo, Hearing.of_file(path), voice_hz)
        path.unlink()
        if missed:
            self.counts["missed"] += 1
            print(f"a listener to the echo missed {missed}", flush=True)

    async def _tell(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(SAMPLE_S, left))
            held = "; ".join(f"{name} {footprint}" for name, footprint in self.footprints().items())
            print(f"{sum(self.counts.values())} calls; {held}; {self._waits()}", flush=True)

    def _waits(self) -> str:
        """Return how much of the time since it was told last each process waited for a processor."""
        pids = {"callers": os.getpid(), "their sound": self.engine.pid}
        pids |= {"signalling": self.product.process.pid, "media": self.product.media_pid}
        now = {name: _waited_s(pid) for name, pid in pids.items() if pid is not None}
        shares = [f"{name} {(s - self.waited.get(name, s)) / SAMPLE_S:.0%}" for name, s in now.items()]
        self.waited = now
        return f"waited for a processor: {', '.join(shares)}"

    async def _kill(self, until: float, every_s: float) -> None:
        while time.monotonic() + every_s < until:
            await asyncio.sleep(every_s)
            if self.product.media_pid is not None:
                self.counts["media workers killed"] += 1
                os.kill(self.product.media_pid, signal.SIGKILL)

    # --- who is called ------------------------------------------------------------------------------------

    async def _softphone(self, stack: contextlib.AsyncExitStack, name: str) -> Softphone:
        endpoint = SipEndpoint(user_agent=name)
        phone = Softphone(name, endpoint, self.engine, await endpoint.listen_udp(HOST, 0))
        stack.push_async_callback(phone.close)
        return phone

    async def _phone(
        self, stack: contextlib.AsyncExitStack, extension: str, answers_after: float | None
    ) -> None:
        phone = await self._softphone(stack, f"phone {extension}")
        phone.habit = Habit(answers_after=answers_after)
        response = await phone.register(
            Hop("udp", HOST, self.product.port), extension, f"demo-{extension}", expires=3600
        )
        assert response.status == 200, response.status
        attending = asyncio.create_task(self._attend(phone))
        stack.push_async_callback(self._leave, attending)

    async def _attend(self, phone: Softphone) -> None:
        """Say back to each caller what they say, and put the receiver down when they have."""
        while True:
            await asyncio.sleep(0.2)
            for invitation in list(phone.invitations):
                leg = invitation.leg
                if not leg.is_up:
                    phone.invitations.remove(invitation)
                    await leg.close()
                elif leg.is_answered and leg.media.partner is None:
                    leg.media.echo()

    @staticmethod
    async def _leave(attending: asyncio.Task[None]) -> None:
        attending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await attending


async def soak(
    folder: Path, seconds: float, calls: int, *, kills_every_s: float | None = None, seed: int = 0
) -> Soak:
    """Return a run of ``seconds`` with ``calls`` callers at a time, on a product of its own in ``folder``."""
    product_context = Product.running(folder, pairs=RTP_PAIRS, change=with_marked_prompts)
    product = await asyncio.to_thread(product_context.__enter__)
    try:
        engine = await MediaEngine.in_worker(address=HOST, ports=PORTS)
        try:
            run = Soak(product, engine, Random(seed), kills_every_s)
            await run.run(seconds, calls)
        finally:
            await engine.close()
    finally:
        await asyncio.to_thread(product_context.__exit__, None, None, None)
    return run


def main() -> None:
    """Run as the command line says; the exit code is 1 when anything has grown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=600.0, help="seconds")
    parser.add_argument("--calls", type=int, default=20, help="callers at a time")
    parser.add_argument(
        "--kill-media", type=float, default=None, help="kill the worker every so many seconds"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = asyncio.run(
            soak(
                Path(folder),
                arguments.seconds,
                arguments.calls,
                kills_every_s=arguments.kill_media,
                seed=arguments.seed,
            )
        )
    print(", ".join(f"{count} {name}" for name, count in sorted(run.counts.items())))
    for fault in run.faults:
        print(f"FAILED: {fault}")
    sys.exit(1 if run.faults else 0)


if __name__ == "__main__":
    main()
