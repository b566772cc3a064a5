"""Rows F8, F30 and D3: several ring at once or join one by one; who answers first has the call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.people.occupancy import Engagement
from b2bua.sip.causes import COMPLETED_ELSEWHERE
from b2bua.sip.message import parse_message
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, NUMBER, office

TOGETHER = "+48221230002"
STAGGERED = """
[[step]]
ring = ["101", "102", "103"]
mode = "staggered"
stagger = "5s"
for = "20s"

[[step]]
voicemail = "sales"
"""
PORTS = (5101, 5102, 5103)


@virtual_time(limit_s=600)
async def test_row_f8_the_first_answer_wins_and_the_others_hear_that_it_was_taken(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension, Habit(answers_after=3 if extension == "102" else None))
        began = demo.now
        leg = await (await demo.call_in(TOGETHER)).answered(within=5)
        rung = [demo.times("INVITE", to_port=port, since=began) for port in PORTS]
        assert [len(times) for times in rung] == [1, 1, 1]
        assert max(times[0] for times in rung) - min(times[0] for times in rung) < 0.1
        occupancy = demo.server.occupancy
        engaged = [occupancy.engagement(name, demo.now) for name in ("anna", "piotr", "olena")]
        assert engaged == [None, Engagement.TALKING, None]  # who lost the race is free for the next caller
        answered = demo.packets("SIP/2.0 200", from_port=5102)[-1].at
        for loser in (5101, 5103):
            [cancel] = demo.packets("CANCEL", to_port=loser)
            assert 0 <= cancel.at - answered < 0.1
            assert demo.reasons("CANCEL", to_port=loser) == ['SIP;cause=200;text="Call completed elsewhere"']
        assert demo.times("CANCEL", to_port=5102) == []
        await asyncio.sleep(4)
        leg.hang_up()
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.TALKED
        assert story(call_story) == (
            "rang Anna Nowak and Olena Kovalenko 3 s, somebody else took the call; "
            "talked with Piotr Zieliński for 4 s"
        )
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f8_two_answers_in_the_same_instant_make_one_talk_and_one_hang_up(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        phones = [await demo.phone(extension, Habit(answers_after=3)) for extension in ("101", "102", "103")]
        leg = await (await demo.call_in(TOGETHER)).answered(within=5)
        await asyncio.sleep(0.5)
        talking = [phone for phone in phones if phone.invitations[0].leg.is_up]
        assert len(talking) == 1
        for phone in phones:
            assert len(demo.packets("ACK", to_port=_port(phone))) == 1
            byes = demo.packets("BYE", to_port=_port(phone))
            assert len(byes) == (0 if phone is talking[0] else 1)
            if phone is not talking[0]:
                assert demo.reasons("BYE", to_port=_port(phone)) == [COMPLETED_ELSEWHERE]
        answers = [
            packet
            for packet in demo.packets("SIP/2.0 200")
            if packet.destination.port == demo.trunk_ports
            and parse_message(packet.wire).cseq.method == "INVITE"
        ]
        assert len(answers) == 1
        leg.hang_up()
        await asyncio.sleep(0.1)
        assert not talking[0].invitations[0].leg.is_up
        [call_story] = await demo.stories()
        assert [event.kind for event in call_story.events].count(EventKind.TALKED) == 1
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_f8_after_20_s_the_mobiles_of_the_same_people_ring_together(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension)
        mobiles = await demo.mobiles()
        began = demo.now
        leg = await (await demo.call_in(TOGETHER)).answered(within=50)
        assert demo.now - began == pytest.approx(40, abs=0.3)
        await asyncio.sleep(1)
        leg.hang_up()
        invited = [parse_message(packet.wire).uri for packet in demo.packets("INVITE", to_port=MOBILES[1])]
        assert [uri.split("@")[0] for uri in invited] == [f"sip:+4860010020{last}" for last in "012"]
        ats = [invitation.at - began for invitation in mobiles.invitations]
        assert ats == pytest.approx([20, 20, 20], abs=0.3)
        assert max(ats) - min(ats) < 0.1
        assert demo.times("CANCEL", to_port=MOBILES[1], since=began) == pytest.approx([40] * 3, abs=0.3)


@virtual_time(limit_s=600)
async def test_row_f8_a_phone_that_declines_does_not_stop_the_others(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101", Habit(refuses_with=603))
        await demo.phone("102", Habit(refuses_with=600))
        olena = await demo.phone("103", Habit(answers_after=10))
        began = demo.now
        leg = await (await demo.call_in(TOGETHER)).answered(within=11)
        assert demo.now - began == pytest.approx(10, abs=0.3)
        assert olena.invitations[0].leg.is_up
        leg.hang_up()
        [call] = await demo.stories()
        assert "talked with Olena Kovalenko" in story(call)


@virtual_time(limit_s=600)
async def test_row_f8_one_answer_without_usable_sound_lets_the_others_ring_on(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        broken = await demo.phone("101")
        broken.endpoint.on_invite = lambda invite: invite.accept(b"v=0\r\nthis is no SDP\r\n") and None
        piotr = await demo.phone("102", Habit(answers_after=5))
        await (await demo.call_in(TOGETHER)).answered(within=6)
        assert piotr.invitations[0].leg.is_up
        assert len(demo.packets("ACK", to_port=5101)) == 1
        assert len(demo.packets("BYE", to_port=5101)) == 1


@virtual_time(limit_s=600)
async def test_row_f30_staggered_0_5_10_all_ring_until_20(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=STAGGERED) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension)
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=25)
        await asyncio.sleep(1)
        leg.hang_up()
        rung = [demo.times("INVITE", to_port=port, since=began) for port in PORTS]
        assert rung == [[pytest.approx(after, abs=0.1)] for after in (0, 5, 10)]
        stopped = [demo.times("CANCEL", to_port=port, since=began) for port in PORTS]
        assert stopped == [[pytest.approx(20, abs=0.1)]] * 3


@virtual_time(limit_s=600)
async def test_row_f30_staggered_an_answer_keeps_those_who_did_not_ring_yet_quiet(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=STAGGERED) as demo:
        await demo.phone("101")
        await demo.phone("102", Habit(answers_after=2))
        await demo.phone("103")
        await (await demo.call_in(NUMBER)).answered(within=8)
        await asyncio.sleep(20)
        assert demo.reasons("CANCEL", to_port=5101) == [COMPLETED_ELSEWHERE]
        assert demo.times("INVITE", to_port=5103) == []


@virtual_time(limit_s=600)
async def test_row_f30_staggered_when_nobody_rings_any_more_the_next_one_starts_at_once(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=STAGGERED) as demo:
        await demo.phone("101", Habit(refuses_with=486))
        await demo.phone("102", port=5102)
        await demo.phone("102", port=5202)  # both phones of Piotr start together
        await demo.phone("103")
        began = demo.now
        await demo.call_in(NUMBER)
        await asyncio.sleep(12)
        rung = [demo.times("INVITE", to_port=port, since=began) for port in (5102, 5202, 5103)]
        assert rung == [[pytest.approx(after, abs=0.2)] for after in (0, 0, 10)]


@virtual_time(limit_s=600)
async def test_row_f30_staggered_whose_turn_would_come_after_the_end_is_not_rung(tmp_path: Path) -> None:
    ten_seconds = STAGGERED.replace('for = "20s"', 'for = "10s"')
    async with office(tmp_path, scheme=ten_seconds) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension)
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=15)
        leg.hang_up()
        rung = [demo.times("INVITE", to_port=port, since=began) for port in PORTS]
        assert rung == [[pytest.approx(0, abs=0.1)], [pytest.approx(5, abs=0.1)], []]
        [call] = await demo.stories()
        assert "Olena" not in story(call)


@virtual_time(limit_s=600)
async def test_row_f30_s3_staggered_who_gets_away_before_their_turn_is_passed_by(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=STAGGERED) as demo:
        for extension in ("101", "102", "103"):
            phone = await demo.phone(extension)
        await demo.phone("103", port=5203)
        began = demo.now
        await demo.call_in(NUMBER)
        await asyncio.sleep(3)
        await demo.call_from(phone, "103", "*45")
        leg = await demo.call_in(NUMBER)
        await leg.answered(within=25)
        await leg.close()
        await demo.people_leave()
        assert demo.times("INVITE", to_port=5102, since=began)[0] == pytest.approx(5, abs=0.1)
        assert not [*demo.times("INVITE", to_port=5103), *demo.times("INVITE", to_port=5203)]
        first, *_ = await demo.stories()
        assert story(first).count("Olena Kovalenko was away") == 1


@pytest.mark.parametrize("mode", ["together", "in-turn", "staggered"])
def test_row_f8_a_number_outside_that_is_named_twice_is_rung_once(tmp_path: Path, mode: str) -> None:
    step = STAGGERED.replace('"101", "102", "103"', '"mobile of anna", "102", "600 100 200"')
    scheme = step.replace('mode = "staggered"\nstagger = "5s"', f'mode = "{mode}"')

    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=scheme) as demo:
            await demo.mobiles()
            await (await demo.call_in(NUMBER)).answered(within=30)
            assert len(demo.packets("INVITE", to_port=MOBILES[1])) == 1

    tell()


@virtual_time(limit_s=600)
async def test_row_d3_every_phone_of_a_person_rings_and_the_first_one_wins(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101", port=5101)
        await demo.phone("101", Habit(answers_after=4), port=5111)
        await demo.phone("101", port=5121)
        began = demo.now
        leg = await (await demo.call_in("+48221230001")).answered(within=5)
        rung = [demo.times("INVITE", to_port=port, since=began)[0] for port in (5101, 5111, 5121)]
        assert max(rung) - min(rung) < 0.1
        assert demo.reasons("CANCEL") == [COMPLETED_ELSEWHERE] * 2
        await asyncio.sleep(2)
        leg.hang_up()
        [call_story] = await demo.stories()
        assert story(call_story) == "talked with Anna Nowak for 2 s"


@virtual_time(limit_s=600)
async def test_row_d3_a_person_with_three_phones_is_named_once_in_the_story(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        for port in (5101, 5111, 5121):
            await demo.phone("101", port=port)
        call = await demo.call_in("+48221230001")
        await asyncio.sleep(21)
        await call.close()
        [call_story] = await demo.stories()
        assert story(call_story).startswith(
            "rang Anna Nowak 20 s, no answer; Piotr Zieliński's phone was off; "
        )


def _port(phone: object) -> int:
    return int(phone.name.removeprefix("phone ")) + 5000  # type: ignore[attr-defined]
