"""From the answer to the end a caller is sent sound without a gap, whatever crosses on the way.

Seeded, in virtual time: commands to the media worker and its events are late, SIP comes late and out of
order, keys are pressed and receivers put down at any instant, ports are leased again once they are back.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from b2bua.demo.softphone import Habit, PlacedCall, Softphone
from media.commands import Command, Tone
from media.local import LocalEngine
from media.slot import Driver
from tests.harness.clock import virtual_time
from tests.harness.office import Office, office
from tests.harness.prompts import Ears

MENU = "+48221230003"
NUMBERS = ("+48221230001", "+48221230002", *(MENU,) * 4, "+48221230004", "+48221230005", "+48221230007")
"""One after another, all at once, the menu, the queue, voicemail and echo."""
MOST_GAP_S = 0.2
CALLS = 24
LATE_S = 0.03
STARTS_S = 0.6
HOST = "127.0.0.1"


class SlowLine:
    """A line to a worker on a busy machine: what goes over it keeps its order, and is by chance late."""

    def __init__(self, driver: LocalEngine, random: Random) -> None:
        self._driver, self._random = driver, random
        self._deliver, driver._deliver = driver._deliver, self._tell
        self._carried = [0.0, 0.0]

    def send(self, command: Command) -> None:
        self._carry(0, partial(self._driver.send, command))

    def _tell(self, event: object) -> None:
        self._carry(1, partial(self._deliver, event))  # type: ignore[arg-type]

    def _carry(self, way: int, take: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        late_s = self._random.choice((0.0, 0.001, self._random.random() * LATE_S))
        self._carried[way] = max(self._carried[way] + 1e-6, loop.time() + late_s)
        loop.call_at(self._carried[way], take)

    async def close(self) -> None:
        await asyncio.sleep(1)
        await self._driver.close()


def slow_line(driver: Driver | None, random: Random) -> SlowLine:
    assert isinstance(driver, LocalEngine)
    return SlowLine(driver, random)


Heard = dict[tuple[str, int], list[float]]
"""When each address was sent something."""


async def says_back(phone: Softphone) -> None:
    """Let whoever calls this phone hear themselves, once it has answered."""
    while True:
        await asyncio.sleep(0.02)
        for invitation in phone.invitations:
            leg = invitation.leg
            if leg.is_answered and leg.is_up and leg.media.partner is None:
                leg.media.echo()


class Caller:
    """Somebody who calls, presses keys and hangs up, all at some instant."""

    def __init__(self, demo: Office, random: Random, name: int) -> None:
        self.demo, self.random, self.name = demo, random, name
        self.number = random.choice(NUMBERS)

    async def call(self, heard: Heard) -> tuple[float, str] | None:
        """Return the longest gap and whose it was; None: hung up before the answer."""
        await asyncio.sleep(self.random.random() * 30)
        placed = await self.demo.call_in(self.number, from_number=f"+48500600{self.name:03}")
        try:
            return await self._listen(placed, heard)
        except TimeoutError:
            return None
        finally:
            await placed.close()

    async def _listen(self, placed: PlacedCall, heard: Heard) -> tuple[float, str]:
        leg = await placed.answered(within=self.random.choice((2.0, 60.0, 60.0)))
        answered = self.demo.now
        leg.loop([Tone((440.0,), 1.0)])
        pressed = ""
        for _ in range(self.random.randrange(4)):
            await self._pause()
            pressed += (key := self.random.choice("##01239*"))
            leg.media.send_digits(key)
        await asyncio.wait({leg.ended}, timeout=1 + self.random.random() * 12)
        times = [answered, *heard[leg.media.address], self.demo.now]
        times = [each for each in times if each >= answered]
        gap, at = max((later - earlier, earlier) for earlier, later in itertools.pairwise(times))
        return (
            gap,
            f"{self.name} to {self.number}, pressed {pressed!r}, {at - answered:.2f} s after the answer",
        )

    async def _pause(self) -> None:
        await asyncio.sleep(self.random.choice((0.0, 0.0, 0.02, 0.1, 0.3, self.random.random() * 5)))


@pytest.mark.parametrize("seed", range(2))
@virtual_time(limit_s=600)
async def test_no_caller_is_without_sound_for_a_fifth_of_a_second_from_the_answer_on(
    tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    heard: Heard = defaultdict(list)
    async with office(tmp_path, ports=(20000, 20000 + 4 * CALLS)) as demo:
        slot = demo.server.engine.slots[0]
        slot.driver = slow_line(slot.driver, random)
        demo.network.jitter_s, demo.network.reorder = 0.02, 0.2

        def watch(_: bytes, source: tuple[str, int], destination: tuple[str, int]) -> bool:
            if source[0] == HOST:
                heard[destination].append(demo.now)
            return False

        demo.rtp.drop = watch
        async with asyncio.TaskGroup() as group:
            echoes = []
            for extension, answers_after in (("101", 1.0), ("102", 0.5), ("103", None)):
                phone = await demo.phone(extension, Habit(answers_after=answers_after))
                echoes.append(group.create_task(says_back(phone)))
            async with asyncio.TaskGroup() as calls:
                callers = [Caller(demo, random, name).call(heard) for name in range(CALLS)]
                gaps = [calls.create_task(each) for each in callers]
            for echo in echoes:
                echo.cancel()
    found = [gap for task in gaps if (gap := task.result()) is not None]
    assert len(found) > CALLS / 2
    assert max(found)[0] < MOST_GAP_S, max(found)


@virtual_time(limit_s=600)
async def test_who_waits_in_a_menu_is_sent_sound_again_once_a_worker_that_died_is_replaced(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, worker_starts_in=STARTS_S) as demo:
        leg = await (await demo.call_in(MENU)).answered(within=5)
        leg.media.send_digits("1")  # it may become 101: for two seconds nothing is said
        await asyncio.sleep(0.4)
        ears = Ears(demo.rtp, lambda: demo.now)
        demo.crash_media()
        died = demo.now
        await asyncio.sleep(STARTS_S + 0.6)
        ended = demo.now
        leg.hang_up()
    again = ears.first_packet(leg.media)
    assert again - died < STARTS_S + 0.1
    assert ears.longest_gap(leg.media, since=again, until=ended) < 0.05
