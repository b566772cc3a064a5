"""Rows F1-F6 and F12: one after another, each for as long as the scheme says, never two at once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit, PlacedCall
from b2bua.sip.causes import NO_ANSWER
from b2bua.sip.message import Response, parse_message
from b2bua.sip.session import IncomingInvite
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, NUMBER, Office, office

PIOTR_THEN_ANNA = """
[[step]]
ring = ["102"]
for = "7s"

[[step]]
ring = ["101"]
for = "12s"

[[step]]
voicemail = "sales"
"""
THREE_IN_TURN = """
[[step]]
ring = ["101", "102", "103"]
mode = "in-turn"
for = "5s"

[[step]]
voicemail = "sales"
"""
BACKUP_LAST = """
[[step]]
ring = ["101"]
for = "20s"

[[step]]
ring = ["102", "103"]
for = "20s"

[[step]]
ring = ["+48600999888"]
for = "30s"

[[step]]
voicemail = "sales"
"""


async def leave_after_greeting_began(call: PlacedCall) -> None:
    leg = await call.answered(within=200)
    await asyncio.sleep(1)
    leg.hang_up()


@virtual_time(limit_s=600)
async def test_row_f1_f2_the_call_follows_the_scheme_as_configured(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PIOTR_THEN_ANNA) as demo:
        await demo.phone("101")
        await demo.phone("102")
        began = demo.now
        call = await demo.call_in(NUMBER)
        await leave_after_greeting_began(call)
        [piotr], [anna] = demo.times("INVITE", to_port=5102), demo.times("INVITE", to_port=5101)
        assert piotr - began < 0.2
        assert demo.times("CANCEL", to_port=5102) == [pytest.approx(piotr + 7, abs=0.1)]
        assert piotr + 7 <= anna < piotr + 7.2  # F2: the next one rings within 200 ms
        assert demo.times("CANCEL", to_port=5101) == [pytest.approx(anna + 12, abs=0.1)]
        assert demo.reasons("CANCEL") == [NO_ANSWER, NO_ANSWER]
        assert [status for _, status in call.statuses] == [180, 200]
        assert call.statuses[1][0] == pytest.approx(anna + 12, abs=0.3)


@virtual_time(limit_s=600)
async def test_row_f2_an_answer_in_the_last_moment_of_a_step_is_taken(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=PIOTR_THEN_ANNA) as demo:
        await demo.phone("102", Habit(answers_after=6.9))
        anna = await demo.phone("101")
        call = await demo.call_in(NUMBER)
        await call.answered(within=8)
        await asyncio.sleep(5)
        assert anna.invitations == []
        assert demo.times("CANCEL") == []


@virtual_time(limit_s=600)
async def test_row_f5_20_20_20_then_voicemail_at_60(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101")
        await demo.phone("102")
        await demo.mobiles()
        began = demo.now
        call = await demo.call_in("+48221230001")
        leg = await call.answered(within=70)
        assert 59.4 <= demo.now - began <= 60.5
        await asyncio.sleep(3)
        invites = [demo.times("INVITE", to_port=port, since=began) for port in (5101, 5102, MOBILES[1])]
        assert [len(times) for times in invites] == [1, 1, 1]
        assert [times[0] for times in invites] == pytest.approx([0, 20, 40], abs=0.3)
        cancels = [demo.times("CANCEL", to_port=port, since=began) for port in (5101, 5102, MOBILES[1])]
        assert [times[0] for times in cancels] == pytest.approx([20, 40, 60], abs=0.3)
        leg.hang_up()
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.PROMISE
        assert story(call_story).startswith(
            "rang Anna Nowak 20 s, no answer; rang Piotr Zieliński 20 s, no answer; "
            "rang Anna Nowak's mobile +48600100200 20 s, no answer; "
        )
        await demo.settled()


THEN_THE_HEAD = """
[[step]]
ring = ["101"]

[[step]]
ring = ["102"]

[[step]]
ring = ["104"]

[[step]]
voicemail = "sales"
"""


@virtual_time(limit_s=600)
@pytest.mark.parametrize("takes_it", [True, False])
async def test_row_f6_the_head_rings_at_40_after_both_managers_and_the_voicemail_answers_at_60(
    tmp_path: Path, takes_it: bool
) -> None:
    async with office(tmp_path, scheme=THEN_THE_HEAD) as demo:  # 20 s each is the default
        for extension in ("101", "102"):
            await demo.phone(extension)
        await demo.phone("104", Habit(answers_after=2 if takes_it else None))
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=70)
        assert demo.now - began == pytest.approx(42 if takes_it else 60, abs=0.3)
        rung = [demo.times("INVITE", to_port=port, since=began) for port in (5101, 5102, 5104)]
        assert rung == [[pytest.approx(at, abs=0.3)] for at in (0, 20, 40)]
        await asyncio.sleep(3)
        leg.hang_up()
        [call_story] = await demo.stories()
        assert call_story.outcome is (CallOutcome.TALKED if takes_it else CallOutcome.PROMISE)
        both = "rang Anna Nowak 20 s, no answer; rang Piotr Zieliński 20 s, no answer; "
        last = "talked with Ivan Petrov for 3 s" if takes_it else "rang Ivan Petrov 20 s, no answer"
        assert story(call_story).startswith(both + last)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f3_one_at_a_time_in_turn_and_all_at_once_together(tmp_path: Path) -> None:
    for mode in ("in-turn", "together"):
        folder = tmp_path / mode
        folder.mkdir()
        async with office(folder, scheme=THREE_IN_TURN.replace("in-turn", mode)) as demo:
            for extension in ("101", "102", "103"):
                await demo.phone(extension)
            await leave_after_greeting_began(await demo.call_in(NUMBER))
            rung = sorted(demo.times("INVITE", to_port=port)[0] for port in (5101, 5102, 5103))
            gaps = [later - earlier for earlier, later in pairwise(rung)]
            if mode == "in-turn":
                assert gaps == pytest.approx([5, 5], abs=0.2)
            else:
                assert max(gaps) < 0.1


@virtual_time(limit_s=600)
async def test_row_f12_the_backup_rings_last_and_only_when_nobody_could(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=BACKUP_LAST) as demo:
        await demo.phone("101")
        await demo.phone("102", Habit(refuses_with=486))
        olena = await demo.phone("103", Habit(refuses_with=480))
        mobiles = await demo.mobiles(Habit(answers_after=4))
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=60)
        assert mobiles.invitations[0].at - began == pytest.approx(20, abs=0.3)
        leg.hang_up()
        olena.habit = Habit(answers_after=1)
        await (await demo.call_in(NUMBER)).answered(within=60)
        assert len(mobiles.invitations) == 1
        first = (await demo.stories_of(1))[0]
        who = [event.who for event in first.events if event.kind is EventKind.RANG]
        assert who == ["Anna Nowak", "Piotr Zieliński", "Olena Kovalenko"]


# --- row F4: never two at once ----------------------------------------------------------------------


@dataclass(frozen=True)
class Ring:
    """From the INVITE's arrival at a phone to the phone's final response."""

    call: str
    began: float
    ended: float


def rings(demo: Office) -> list[Ring]:
    """Read off the wire when which phone had an INVITE without a final response, per call of the office."""
    finals: dict[str, float] = {}
    for packet in demo.network.log:
        message = parse_message(packet.wire)
        is_final = isinstance(message, Response) and message.status >= 200
        if is_final and message.cseq.method == "INVITE" and packet.source.port in PHONE_PORTS:
            finals.setdefault(message.call_id, packet.at)
    found = []
    for port in PHONE_PORTS:
        for packet in demo.packets("INVITE", to_port=port):
            request = parse_message(packet.wire)
            caller = request.from_.uri.user or ""
            found.append(Ring(caller, packet.at, finals.get(request.call_id, 1e9)))
    return found


PHONE_PORTS = (5101, 5102, 5103)


def assert_never_two_at_once(found: list[Ring]) -> None:
    for call in {ring.call for ring in found}:
        in_order = sorted((ring for ring in found if ring.call == call), key=lambda ring: ring.began)
        for earlier, later in pairwise(in_order):
            assert later.began >= earlier.ended, (call, earlier, later)


async def call_many(demo: Office, count: int, *, seed: int = 4) -> None:
    """Let ``count`` callers, each with a number of their own, call within the same 20 s."""
    chance = random.Random(seed)

    def any_habit(_: IncomingInvite) -> Habit:
        return chance.choice(
            [
                Habit(),
                Habit(rings_after=3.5),
                Habit(rings=False),
                Habit(refuses_with=486, refuses_after=2),
                Habit(refuses_with=603),
            ]
        )

    for extension in ("101", "102", "103"):
        phone = await demo.phone(extension)
        phone.choose_habit = any_habit

    async def one(number: int) -> None:
        await asyncio.sleep(chance.random() * 20)
        call = await demo.call_in(NUMBER, from_number=f"+4850060{number:04}")
        await leave_after_greeting_began(call)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))


@pytest.mark.parametrize("seed", range(10))
def test_row_f4_never_two_ring_in_turn_in_a_thousand_calls_also_with_late_180(
    tmp_path: Path, seed: int
) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=THREE_IN_TURN) as demo:
            await call_many(demo, 100, seed=seed)
            found = rings(demo)
            assert len(found) == 300
            assert_never_two_at_once(found)
            await demo.settled()

    tell()


@virtual_time(limit_s=600)
async def test_row_f4_never_two_ring_in_turn_when_packets_are_lost(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=THREE_IN_TURN) as demo:
        demo.network.loss = 0.1
        await call_many(demo, 40)
        found = rings(demo)
        assert len(found) >= 100
        assert_never_two_at_once(found)


@virtual_time(limit_s=600)
async def test_row_f4_a_lost_cancel_keeps_the_next_phone_from_ringing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=THREE_IN_TURN) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension)
        demo.network.drop_next(lambda wire: wire.startswith(b"CANCEL"))
        await leave_after_greeting_began(await demo.call_in(NUMBER))
        found = sorted(rings(demo), key=lambda ring: ring.began)
        assert found[0].ended - found[0].began == pytest.approx(5.5, abs=0.05)  # CANCEL again after T1
        assert_never_two_at_once(found)
