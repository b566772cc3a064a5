"""A call that is over leaves no circles of objects behind: they would wait for the garbage collector.

Its rounds take a tenth of the time of a call, and stop all others for a tenth of a second.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from b2bua.call.call import Call
from b2bua.demo.softphone import Habit
from b2bua.sip.message import Request
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, Office, office

MENU, QUEUE, MAILBOX = "+48221230003", "+48221230004", "+48221230005"
CALLS = 10
MOST_PER_CALL = 5
MOST_OBJECTS_OF_A_TALK = 660
"""Of which the garbage collector knows, those of the caller's and of the phone's program included."""
OF_A_CALLERS_PROGRAM = {
    "Alarms",
    "DeadTargets",
    "MemoryEndpoint",
    "MemoryTransport",
    "PlacedCall",
    "SipEndpoint",
    "Softphone",
    "TransactionLayer",
    "TransactionTable",
    "Transports",
}
PIOTR_THEN_VOICEMAIL = """
[[step]]
ring = ["102"]
for = "7s"

[[step]]
voicemail = "sales"
"""


async def the_caller_hangs_up(demo: Office) -> None:
    call = await demo.call_in(NUMBER)
    leg = await call.answered(within=20)
    await asyncio.sleep(1)
    leg.hang_up()


async def the_phone_hangs_up(demo: Office) -> None:
    call = await demo.call_in(NUMBER)
    await call.answered(within=20)
    await asyncio.sleep(1)
    demo.phones["102"].invitations[-1].leg.hang_up()


async def a_colleague_calls(demo: Office) -> None:
    call = await demo.call_from(demo.phones["101"], "101", "102")
    leg = await call.answered(within=20)
    leg.hang_up()


async def one_of_us_calls_outside(demo: Office) -> None:
    call = await demo.call_from(demo.phones["101"], "101", "+48600100200")
    leg = await call.answered(within=20)
    leg.hang_up()


async def the_caller_hangs_up_while_it_rings(demo: Office) -> None:
    demo.phones["102"].habit = Habit()
    call = await demo.call_in(NUMBER)
    await asyncio.sleep(2)
    await call.close()


async def the_phone_is_busy(demo: Office) -> None:
    demo.phones["102"].habit = Habit(refuses_with=486)
    await _listen_to_the_greeting(demo)


async def nobody_answers(demo: Office) -> None:
    demo.phones["102"].habit = Habit()
    await _listen_to_the_greeting(demo)


async def the_caller_gives_up_in_a_queue(demo: Office) -> None:
    for extension in ("101", "102"):
        demo.phones[extension].habit = Habit()
    leg = await (await demo.call_in(QUEUE)).answered(within=5)
    await asyncio.sleep(5)
    leg.hang_up()


async def one_agent_rings_when_the_wait_is_over(demo: Office) -> None:
    demo.phones["101"].habit = Habit(refuses_with=486)
    demo.phones["102"].habit = Habit()
    leg = await (await demo.call_in(QUEUE)).answered(within=5)
    await asyncio.sleep(70)  # of virtual time: behind it is the voicemail
    leg.hang_up()


async def the_caller_hangs_up_in_a_menu(demo: Office) -> None:
    leg = await (await demo.call_in(MENU)).answered(within=5)
    await asyncio.sleep(2)
    leg.hang_up()


async def a_message_is_left(demo: Office) -> None:
    leg = await (await demo.call_in(MAILBOX)).answered(within=5)
    leg.media.send_digits("#")  # skips the greeting
    await asyncio.sleep(2)
    await leg.play([Tone((440.0,), 3.0)])
    leg.hang_up()


async def _listen_to_the_greeting(demo: Office) -> None:
    call = await demo.call_in(NUMBER)
    leg = await call.answered(within=20)
    await asyncio.sleep(1)
    leg.hang_up()


@pytest.mark.parametrize(
    "play",
    [
        the_caller_hangs_up,
        the_phone_hangs_up,
        a_colleague_calls,
        one_of_us_calls_outside,
        the_caller_hangs_up_while_it_rings,
        the_phone_is_busy,
        nobody_answers,
        the_caller_gives_up_in_a_queue,
        one_agent_rings_when_the_wait_is_over,
        the_caller_hangs_up_in_a_menu,
        a_message_is_left,
    ],
)
@virtual_time(limit_s=1200)
async def test_a_call_that_is_over_leaves_nothing_to_the_garbage_collector(
    tmp_path: Path, play: Callable[[Office], Awaitable[None]]
) -> None:
    async with office(tmp_path, scheme=PIOTR_THEN_VOICEMAIL) as demo:
        await demo.mobiles(Habit(answers_after=1.0))
        for extension in ("101", "102"):
            await demo.phone(extension, Habit(answers_after=1.0))
        await play(demo)  # what happens for the first time may leave something
        await demo.settled()
        gc.collect()
        gc.disable()
        try:
            for _ in range(CALLS):
                await play(demo)
            await demo.settled()
            assert gc.collect() <= CALLS * MOST_PER_CALL
        finally:
            gc.enable()


@virtual_time
async def test_calls_that_talk_keep_their_invites_as_plain_text_and_few_objects_more(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PIOTR_THEN_VOICEMAIL) as demo:
        await demo.phone("102", Habit(answers_after=0.1))
        await the_caller_hangs_up(demo)  # what happens for the first time may leave something
        before = _kinds()
        for _ in range(CALLS):
            await (await demo.call_in(NUMBER)).answered(within=20)
        await asyncio.sleep(1)
        grown = _kinds() - before
        invites = [one for one in gc.get_objects() if isinstance(one, Request) and one.method == "INVITE"]
        assert len(invites) >= 4 * CALLS, "each leg's, on both sides"
        assert all(one.headers.is_packed for one in invites)
        assert grown.total() <= CALLS * MOST_OBJECTS_OF_A_TALK
        of_each = {kind for kind, number in grown.items() if number >= CALLS and _keeps_a_dictionary(kind)}
        assert {kind.__qualname__ for kind in of_each} <= OF_A_CALLERS_PROGRAM


def _kinds() -> Counter[type]:
    gc.collect()
    return Counter(map(type, gc.get_objects()))


def _keeps_a_dictionary(kind: type) -> bool:
    """Return whether each object of that kind, if it is one of ours, has its attributes in one of its own."""
    return bool(kind.__dictoffset__) and str(kind.__module__).startswith(("b2bua.", "media."))


@virtual_time
async def test_what_sip_keeps_for_half_a_minute_after_a_call_holds_no_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PIOTR_THEN_VOICEMAIL) as demo:
        await demo.phone("102", Habit(answers_after=1.0))
        await the_caller_hangs_up(demo)
        await demo.stories_of(1)
        await asyncio.sleep(2)  # of virtual time: the last lines are written
        gc.collect()
        assert demo.leftovers(), "repetitions are absorbed still"
        assert not [one for one in gc.get_objects() if isinstance(one, Call)]
