"""What comes in the very instant of something else: answers, hang-ups, ends of waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from b2bua.call.call import Call, CallerIdentity
from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.conversation import converse
from b2bua.call.dialer import Dialer
from b2bua.call.leg import Leg
from b2bua.call.rung import Watch
from b2bua.call.sound import SoundProfile
from b2bua.call.while_up import WhileUp
from b2bua.demo.softphone import Habit, Softphone
from b2bua.errors import LegEnded
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.session import Ending
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from media.client import MediaEngine
from media.memory import MemoryRtpNetwork
from tests.harness.clock import virtual_time

ENDING = Ending("remote", "hung up")
CALLER = NameAddr.parse("<sip:+48500600700@10.0.0.1>")


@dataclass
class Stage:
    """Our endpoint and two phones that answer after 2 s."""

    endpoint: SipEndpoint
    engine: MediaEngine
    phones: tuple[Softphone, Softphone]

    @property
    def dials(self) -> list[Dial]:
        return [Dial(who=f"phone {n}", uri=f"sip:{n}@10.0.0.{n}", hop=_hop(n), from_=CALLER) for n in (2, 3)]


def _hop(number: int) -> Hop:
    return Hop("udp", f"10.0.0.{number}", 5060)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    network, rtp = MemoryNetwork(random.Random(1)), MemoryRtpNetwork()
    engine = await MediaEngine.in_process(network=rtp, address="10.0.0.1")
    theirs = await MediaEngine.in_process(network=rtp, address="10.0.0.9")
    endpoints = [SipEndpoint(user_agent=f"{n}", random=random.Random(n)) for n in (1, 2, 3)]
    hops = [endpoint.attach(network.transport(f"10.0.0.{n}")) for n, endpoint in enumerate(endpoints, 1)]
    two, three = (Softphone(f"{n}", endpoints[n - 1], theirs, hops[n - 1]) for n in (2, 3))
    two.habit = three.habit = Habit(answers_after=2.0)
    yield Stage(endpoints[0], engine, (two, three))
    for phone in (two, three):
        await phone.close()
    await endpoints[0].close()
    await engine.close()
    await theirs.close()


def after_turns(turns: int, action: Callable[[], None]) -> None:
    """Call ``action`` after that many turns of the loop, in which no time passes."""
    if turns == 0:
        action()
    else:
        asyncio.get_running_loop().call_soon(after_turns, turns - 1, action)


def answers(leg: Leg) -> None:
    """Answer, unless the call is over."""
    with suppress(LegEnded):
        leg.answer()


def test_a_hang_up_in_the_instant_of_the_answer_leaves_nobody_connected() -> None:
    endings = set()
    for turns in range(12):

        @virtual_time(limit_s=200)
        async def tell(turns: int = turns) -> None:
            async with stage() as scene:
                caller = Leg("caller", await scene.engine.open_leg(), peer="10.0.0.9", profile=SoundProfile())
                leave = Watch(on_answer=lambda _: after_turns(turns, caller.hang_up))
                dialer = Dialer(scene.endpoint, scene.engine, SoundProfile())
                try:
                    rung = await dialer.ring(scene.dials, seconds=20, caller=caller, watch=leave)
                except LegEnded:
                    endings.add("left")
                else:
                    endings.add("answered")
                    assert rung.leg is not None
                    await rung.leg.close()
                await asyncio.sleep(80)
                assert scene.engine.legs == 1
                assert not any(scene.endpoint.alive().values())
                for phone in scene.phones:
                    assert not phone.invitations[0].leg.is_up

        tell()
    assert endings == {"left", "answered"}  # the turns reached both sides of the instant


@virtual_time
async def test_an_end_in_the_instant_of_a_result_does_not_cancel_what_comes_after_the_block() -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Ending] = loop.create_future()
    result: asyncio.Future[str] = loop.create_future()

    async def wait() -> str:
        async with WhileUp(ended):
            got = await result
        await asyncio.sleep(1)
        return got

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.1)
    result.set_result("digit 5")
    ended.set_result(ENDING)
    assert await task == "digit 5"


@virtual_time
async def test_an_end_before_the_result_raises_leg_ended() -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Ending] = loop.create_future()

    async def wait() -> None:
        async with WhileUp(ended):
            await asyncio.sleep(10)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.1)
    ended.set_result(ENDING)
    with pytest.raises(LegEnded, match="hung up"):
        await task
    assert task.cancelling() == 0


@virtual_time
async def test_an_order_to_stop_in_the_instant_of_a_hang_up_is_still_an_order() -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Ending] = loop.create_future()

    async def wait() -> None:
        async with WhileUp(ended):
            await asyncio.sleep(10)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.1)
    ended.set_result(ENDING)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual_time(limit_s=200)
async def test_a_caller_who_is_gone_when_somebody_answers_has_not_talked() -> None:
    async with stage() as scene:
        dial = scene.dials[0]
        incoming = CalleeLeg(dial, await scene.engine.open_leg(), SoundProfile())
        placed = incoming.invite(scene.endpoint)
        invitation = await scene.phones[0].invited(within=1)
        caller = invitation.leg  # the leg of a caller, as the phone sees it
        callee = CalleeLeg(scene.dials[1], await scene.engine.open_leg(), SoundProfile())
        call = Call(CallerIdentity("1", "+48500600700", "", "+48221230001", "demo"), caller, Silent())
        caller.end("hung up")
        with pytest.raises(LegEnded, match="hung up"):
            await converse(call, callee)
        assert not call.has_talked
        assert not callee.is_up
        placed.cancel()
        await incoming.close()


def test_whoever_stops_waiting_for_a_media_leg_in_the_instant_it_opens_leaves_none_behind() -> None:
    stopped = 0
    for turns in range(5):

        @virtual_time(limit_s=20)
        async def tell(turns: int = turns) -> None:
            nonlocal stopped
            engine = await MediaEngine.in_process(network=MemoryRtpNetwork())
            opening = asyncio.create_task(engine.open_leg())
            after_turns(turns, opening.cancel)
            await asyncio.wait({opening})
            if opening.cancelled():
                stopped += 1
            else:
                await opening.result().close()
            await asyncio.sleep(1)
            assert engine.legs == 0
            await engine.close()

        tell()
    assert 0 < stopped < 5


class Silent:
    """A ledger for calls whose story nobody reads."""

    def note(
        self, kind: str, who: str = "", detail: str = "", seconds: float | None = None, *, party: str = ""
    ) -> None:
        """Forget it."""

    def measure(self, leg: Leg) -> None:
        """Keep nothing."""
