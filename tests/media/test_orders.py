"""What the media worker is told, and how seldom it has to be woken for a call."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from media import commands
from media.client import MediaEngine
from media.commands import Command, Event
from media.errors import MediaError
from media.sdp.agreement import StreamAgreement
from media.worker_process import MOST_UNANSWERED, PING_EVERY_S
from tests.harness.clock import virtual_time

AGREED = StreamAgreement(
    remote=("192.0.2.9", 4000),
    codec="PCMA",
    payload_type=8,
    accepts=((8, "PCMA"),),
    telephone_event=None,
    receives_event=None,
    ptime_ms=20,
    sends=True,
    receives=True,
)
HOST = "192.0.2.1"


class Line:
    """A worker with so many pairs of ports that does nothing else than to open and to close legs."""

    def __init__(self, deliver: Callable[[Event], None], pairs: int) -> None:
        self.orders: list[Command] = []
        self._deliver = deliver
        self._free = pairs

    def send(self, command: Command) -> None:
        """Note it, and answer in a moment."""
        self.orders.append(command)
        if isinstance(command, commands.OpenLeg):
            self._free -= 1
            port = 4000 + 2 * command.leg
            answer: Event = commands.LegOpened(command.leg, (HOST,), port)
            if self._free < 0:
                self._free += 1
                answer = commands.LegRefused(command.leg, "no port")
            asyncio.get_running_loop().call_soon(self._deliver, answer)
        elif isinstance(command, commands.CloseLeg):
            self._free += 1
            asyncio.get_running_loop().call_soon(self._deliver, commands.LegClosed(command.leg, {}))

    async def close(self) -> None:
        """Be gone."""

    def taken(self) -> list[str]:
        """Return the names of what was ordered since the last time."""
        orders, self.orders = self.orders, []
        return [type(order).__name__ for order in orders]


@asynccontextmanager
async def running(*, pairs: int = 100, most_spare: int = 0) -> AsyncIterator[tuple[MediaEngine, Line]]:
    lines: list[Line] = []

    async def start(deliver: Callable[[Event], None], _lose: Callable[[str], None]) -> Line:
        lines.append(Line(deliver, pairs))
        return lines[-1]

    engine = MediaEngine([start], most_spare=most_spare)
    await engine.slots[0].start()
    yield engine, lines[0]
    await engine.close()


async def test_silence_for_who_waits_is_ordered_once_there_is_somewhere_to_send_it() -> None:
    async with running() as (engine, line):
        leg = await engine.open_leg()
        leg.fill_pauses()
        assert line.taken() == ["OpenLeg"]
        leg.connect(AGREED)
        leg.connect(AGREED)
        assert line.taken() == ["ConnectLeg", "FillPauses", "ConnectLeg"]
        late = await engine.open_leg()
        late.connect(AGREED)
        late.fill_pauses()
        late.fill_pauses()
        assert line.taken() == ["OpenLeg", "ConnectLeg", "FillPauses"]


async def test_a_leg_that_was_begun_to_be_closed_is_not_ordered_to_be_once_more() -> None:
    async with running() as (engine, line):
        leg = await engine.open_leg()
        leg.drop()
        await leg.close()
        assert line.taken() == ["OpenLeg", "CloseLeg"]
        assert engine.legs == 0


async def test_the_first_call_orders_spare_legs_and_the_next_ones_have_theirs_at_once() -> None:
    async with running(most_spare=2) as (engine, line):
        first = await engine.open_leg()
        assert line.taken() == ["OpenLeg"] * 3
        second, third = await engine.open_leg(), await engine.open_leg()
        assert line.taken() == []
        assert engine.legs == 3
        assert [leg.address[1] for leg in (first, second, third)] == [4002, 4004, 4006]
        await asyncio.gather(first.close(), second.close())
        assert line.taken() == ["CloseLeg", "OpenLeg", "OpenLeg", "CloseLeg"]
        assert engine.legs == 1


async def test_spare_legs_take_no_port_from_a_call() -> None:
    async with running(pairs=3, most_spare=2) as (engine, line):
        legs = await asyncio.gather(*[engine.open_leg() for _ in range(3)])
        assert len({leg.address for leg in legs}) == 3
        refused = await asyncio.gather(engine.open_leg(), return_exceptions=True)
        assert "no port" in str(refused)
        line.taken()
        await legs[0].close()
        assert line.taken() == ["CloseLeg"]  # nothing is tried again where the last try was in vain
        await legs[1].close()
        assert line.taken() == ["CloseLeg", "OpenLeg", "OpenLeg"]


async def test_spare_legs_are_gone_with_their_worker() -> None:
    async with running(most_spare=2) as (engine, _line):
        leg = await engine.open_leg()
        slot = engine.slots[0]
        slot._lose("it was killed")
        assert slot.take_spare() is None
        assert not leg.is_open


async def test_a_leg_that_is_being_closed_as_its_worker_dies_is_closed_and_opened_in_no_other() -> None:
    async with running() as (engine, _line):
        leg = await engine.open_leg()
        async with asyncio.timeout(1), asyncio.TaskGroup() as group:
            group.create_task(leg.close())
            await asyncio.sleep(0)
            engine.slots[0]._lose("it was killed")
        assert engine.legs == 0


@virtual_time
async def test_a_worker_that_is_killed_while_it_starts_has_another_one_in_its_place_at_once() -> None:
    loop, begun, deaths = asyncio.get_running_loop(), list[float](), list[Callable[[str], None]]()

    async def start(deliver: Callable[[Event], None], lose: Callable[[str], None]) -> Line:
        begun.append(loop.time())
        deaths.append(lose)
        await asyncio.sleep(0.3)
        if 1 < len(begun) < 8:
            why = "the media worker does not start"
            raise MediaError(why) if len(begun) % 2 else BlockingIOError(errno.EAGAIN, "no more processes")
        return Line(deliver, 100)

    engine = MediaEngine([start])
    await engine.slots[0].start()
    leg = await engine.open_leg()
    died = loop.time()
    deaths[0]("it was killed")
    await asyncio.sleep(10)
    tried = [round(at - died, 2) for at in begun[1:]]
    assert tried == [0.0, 0.4, 0.9, 1.6, 2.7, 4.0, 5.3]
    assert leg.closed.is_set()  # after three seconds
    await engine.close()


@virtual_time
async def test_a_leg_that_is_asked_of_a_worker_that_hangs_is_opened_in_the_next_one() -> None:
    deaths: list[Callable[[str], None]] = []

    async def start(deliver: Callable[[Event], None], lose: Callable[[str], None]) -> Line:
        deaths.append(lose)
        await asyncio.sleep(0.5)
        return Line(deliver if len(deaths) > 1 else lambda _event: None, 100)

    engine = MediaEngine([start])
    await engine.slots[0].start()
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(engine.open_leg())
        await asyncio.sleep(MOST_UNANSWERED * PING_EVERY_S + PING_EVERY_S)
        deaths[0]("it was killed")
    assert opening.result().is_open
    await engine.close()
