"""Rows D1, D2, D4, D9, D10: carriers' limits, races of answer and CANCEL, shown numbers, hold, death."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.sip.message import parse_message
from b2bua.sip.session import IncomingInvite
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing, Party, deaf
from tests.harness.office import CALLER, MOBILES, NUMBER, SERVER, Office, office, reinvite

LONG_RINGS = """
[[step]]
ring = ["101"]
for = "50s"

[[step]]
ring = ["102"]
for = "150s"

[[step]]
voicemail = "sales"
"""
ONE_MOBILE = """
[[step]]
ring = ["+48600999888"]
for = "20s"

[[step]]
voicemail = "sales"
"""
ONE_PHONE = ONE_MOBILE.replace("+48600999888", "101")
TWO_PHONES = """
[[step]]
ring = ["101", "102"]
for = "20s"

[[step]]
voicemail = "sales"
"""
RINGBACK_HZ, CALLER_HZ, PIOTR_HZ, ANNA_HZ = 425.0, 1700.0, 1400.0, 1100.0

# --- D1 -------------------------------------------------------------------------------------------------


@virtual_time(limit_s=600)
async def test_row_d1_the_call_is_answered_before_the_carrier_gives_up_and_rings_on(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=LONG_RINGS) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102", Habit(answers_after=25))
        began = demo.now
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=60)
        assert 59 < demo.now - began < 60
        recording = leg.media.record(tmp_path / "heard.wav")
        talk = await piotr.invited(within=1)
        assert talk.at - began == pytest.approx(50, abs=0.2)
        await asyncio.sleep(16)
        talk.leg.loop([Tone((PIOTR_HZ,), 1.0)])
        await asyncio.sleep(4)
        hearing = Hearing.of_file((await recording.stop()).path)
        ringback, [voice] = hearing.spans_of(RINGBACK_HZ), hearing.spans_of(PIOTR_HZ)
        assert ringback[0].at < 1
        assert [beat.seconds for beat in ringback[:3]] == pytest.approx([1.0] * 3, abs=0.1)
        assert 10 < ringback[-1].until < 15.5  # 1 s of tone in every 5 s, until the answer at 75 s
        assert voice.at > 15
        leg.hang_up()
        [call_story] = await demo.stories()
        assert EventKind.HELD in [event.kind for event in call_story.events]
        assert story(call_story).startswith(
            "rang Anna Nowak 50 s, no answer; talked with Piotr Zieliński for"
        )
        await demo.settled()


@pytest.mark.parametrize(("expires", "answered_after"), [("30", 30), ("0", 60), ("300", 60), ("soon", 60)])
@virtual_time(limit_s=600)
async def test_row_d1_rfc3261_13_3_1_a_caller_is_answered_before_their_invite_expires(
    expires: str, answered_after: float, tmp_path: Path
) -> None:
    async with office(tmp_path, scheme=LONG_RINGS) as demo:
        await demo.phone("101")
        await demo.phone("102")
        trunk, began = await demo.softphone("trunk", 6000), demo.now
        call = await trunk.call(SERVER, NUMBER, from_number=CALLER, headers=(("Expires", expires),))
        leg = await call.answered(within=61)
        assert answered_after - 1 < demo.now - began < answered_after
        leg.hang_up()
        await demo.stories()


@virtual_time(limit_s=600)
async def test_row_d1_rfc3261_13_3_1_1_an_unanswered_caller_hears_a_1xx_every_60_s(tmp_path: Path) -> None:
    patient = ('accepts-from = ["127.0.0.0/8"]', 'accepts-from = ["127.0.0.0/8"]\nmax-unanswered = "500s"')
    async with office(tmp_path, scheme=LONG_RINGS, change=lambda text: text.replace(*patient)) as demo:
        await demo.phone("101")
        await demo.phone("102")
        began = demo.now
        await (await demo.call_in(NUMBER)).answered(within=220)
        assert demo.now - began == pytest.approx(200, abs=0.5)
        ringing = [
            packet.at - began
            for packet in demo.network.log
            if packet.destination.port == demo.trunk_ports and packet.start_line.startswith("SIP/2.0 180")
        ]
        gaps = [later - earlier for earlier, later in zip([0.0, *ringing], [*ringing, 200.0], strict=True)]
        assert max(gaps) <= 60


# --- D2 -------------------------------------------------------------------------------------------------


async def hang_up_at(demo: Office, number: int, *, start: float, after: float) -> None:
    await asyncio.sleep(start)
    call = await demo.call_in(NUMBER, from_number=f"+4850060{number:04}")
    await asyncio.sleep(after)
    await call.close()


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_row_d2_a_hang_up_at_any_instant_around_the_answer_leaves_nothing(
    tmp_path: Path, loss: float
) -> None:
    @virtual_time(limit_s=900)
    async def tell() -> None:
        chance = random.Random(2)
        async with office(tmp_path, scheme=TWO_PHONES) as demo:
            phones = [await demo.phone("101"), await demo.phone("102")]
            for phone in phones:
                phone.choose_habit = lambda _: Habit(answers_after=2 + chance.choice((0, 0.001, 0.02)))
            demo.network.jitter_s = 0.002
            demo.network.loss = loss
            async with asyncio.TaskGroup() as group:
                for number in range(80):
                    after = chance.choice((chance.random() * 3, 1.99 + chance.random() * 0.04))
                    start = chance.random() * 30
                    group.create_task(hang_up_at(demo, number, start=start, after=after))
            demo.network.loss = 0.0
            await demo.settled()
            for phone in phones:
                assert not [invited for invited in phone.invitations if invited.leg.is_up]
                assert not any(phone.endpoint.alive().values())
            for each in await demo.stories_of(80):
                talked = [event for event in each.events if event.kind is EventKind.TALKED]
                assert (each.outcome is CallOutcome.TALKED) == (len(talked) == 1)
                assert each.outcome in (CallOutcome.TALKED, CallOutcome.PROMISE)

    tell()


IN_TURN = """
[[step]]
ring = ["101"]
for = "7s"

[[step]]
ring = ["102"]
for = "7s"

[[step]]
voicemail = "sales"
"""


@pytest.mark.parametrize("answers_after", [6.995, 6.998, 6.999, 7.0, 7.001])
def test_row_d2_an_answer_that_crosses_the_cancel_of_the_step_is_one_talk_or_none(
    tmp_path: Path, answers_after: float
) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, scheme=IN_TURN) as demo:
            anna = await demo.phone("101", Habit(answers_after=answers_after))
            piotr = await demo.phone("102", Habit(answers_after=3))
            leg = await (await demo.call_in(NUMBER)).answered(within=12)
            await asyncio.sleep(0.5)
            is_annas = anna.invitations[0].leg.is_up
            assert is_annas == (not piotr.invitations)
            assert is_annas or answers_after >= 6.998  # in that very instant either is right
            assert not is_annas or answers_after <= 6.998
            leg.hang_up()
            [call_story] = await demo.stories()
            assert ("talked with Anna" in story(call_story)) == is_annas
            await demo.settled()
            assert not any(anna.endpoint.alive().values())

    tell()


@virtual_time(limit_s=600)
async def test_row_d2_a_phone_that_vanished_while_it_rang_holds_the_next_one_up_for_2_s(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=IN_TURN) as demo:
        await demo.phone("101", host="10.1.1.101")
        piotr = await demo.phone("102", Habit(answers_after=1))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(3)
        demo.network.blackhole("10.1.1.101")
        leg = await call.answered(within=12)
        assert piotr.invitations[0].at - began == pytest.approx(9, abs=0.1)
        leg.hang_up()
        await demo.settled()


# --- D4 -------------------------------------------------------------------------------------------------


def showing(policy: str, text: str) -> str:
    return text.replace("port = 5090", f'port = 5090\ncaller-id = "{policy}"')


@pytest.mark.parametrize(
    ("policy", "from_", "asserted"),
    [
        ("own", "+48221230001", "+48221230001"),
        ("caller", CALLER, "+48221230001"),
        ("asserted", "+48221230001", CALLER),
    ],
)
def test_row_d4_each_policy_shows_its_number(tmp_path: Path, policy: str, from_: str, asserted: str) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        change = (lambda text: text) if policy == "own" else (lambda text: showing(policy, text))
        async with office(tmp_path, scheme=ONE_MOBILE, change=change) as demo:
            await demo.mobiles(Habit(answers_after=1))
            await (await demo.call_in(NUMBER)).answered(within=3)
            [invite] = demo.packets("INVITE", to_port=MOBILES[1])
            request = parse_message(invite.wire)
            assert str(request.from_.uri) == f"sip:{from_}@127.0.0.1"
            assert f"sip:{asserted}@" in (request.headers.get("P-Asserted-Identity") or "")
            assert ("Diversion" in request.headers) == (policy == "caller")

    tell()


SENT_ON = (
    ("Diversion", "<sip:+48600999777@mobiles.example>;reason=user-busy, <sip:+48221112233@pbx.example>"),
)


@virtual_time(limit_s=600)
async def test_row_d4_rfc5806_who_had_sent_the_caller_here_is_told_and_not_rung(tmp_path: Path) -> None:
    scheme = """
[[step]]
ring = ["101", "+48600999777", "+48600999888", "sip:sales@127.0.0.1:5090"]
mode = "together"
for = "20s"
[[step]]
voicemail = "sales"
"""
    async with office(tmp_path, scheme=scheme, change=lambda text: showing("caller", text)) as demo:
        await demo.phone("101")
        mobiles = await demo.mobiles()
        trunk = await demo.softphone("trunk", 6100)
        call = await trunk.call(SERVER, NUMBER, from_number=CALLER, headers=SENT_ON)
        await mobiles.invited(2, within=3)
        await asyncio.sleep(1)
        [anna] = [parse_message(packet.wire) for packet in demo.packets("INVITE", to_port=5101)]
        assert anna.from_.display == f"{CALLER} (for +48221112233)"
        assert [str(each.uri) for each in anna.addresses("Diversion")] == [
            "sip:+48600999777@127.0.0.1",
            "sip:+48221112233@127.0.0.1",
        ]
        outside = [parse_message(packet.wire) for packet in demo.packets("INVITE", to_port=MOBILES[1])]
        told = {
            str(each.to.uri): [entry.parameter("reason") for entry in each.addresses("Diversion")]
            for each in outside
        }
        assert told == {
            "sip:+48600999888@127.0.0.1:5090": ["unconditional", "user-busy", "unknown"],
            "sip:sales@127.0.0.1:5090": [],
        }
        assert all(b"example" not in each.to_bytes() for each in (anna, *outside))
        await call.close()
        (journaled,) = await demo.stories()
        assert "+48600999777 was not rung: it has forwarded this call here" in story(journaled)


@virtual_time(limit_s=600)
async def test_row_d4_a_step_may_show_another_number_than_its_trunk_usually_does(tmp_path: Path) -> None:
    scheme = ONE_MOBILE.replace('for = "20s"', 'for = "5s"\ncaller-id = "caller"', 1)
    scheme = scheme.replace("[[step]]\nvoicemail", '[[step]]\nring = ["+48600999777"]\n\n[[step]]\nvoicemail')
    async with office(tmp_path, scheme=scheme) as demo:
        mobiles = await demo.mobiles()
        await demo.call_in(NUMBER)
        await mobiles.invited(2, within=10)
        shown = [str(each.invite.request.from_.uri) for each in mobiles.invitations]
        assert shown == [f"sip:{CALLER}@127.0.0.1", "sip:+48221230001@127.0.0.1"]


@virtual_time(limit_s=600)
async def test_row_d4_a_403_for_the_callers_number_is_tried_again_with_our_own_one(tmp_path: Path) -> None:
    def provider(invite: IncomingInvite) -> Habit:
        is_ours = "+48221230001" in str(invite.request.from_.uri)
        return Habit(answers_after=2) if is_ours else Habit(refuses_with=403)

    async with office(tmp_path, scheme=ONE_MOBILE, change=lambda text: showing("caller", text)) as demo:
        mobiles = await demo.mobiles()
        mobiles.choose_habit = provider
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        shown = [str(parse_message(packet.wire).from_.uri) for packet in demo.packets("INVITE", to_port=5090)]
        assert shown == [f"sip:{CALLER}@127.0.0.1", "sip:+48221230001@127.0.0.1"]
        leg.hang_up()
        [call_story] = await demo.stories()
        assert story(call_story) == "talked with +48600999888 for under 1 s"
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d4_a_403_for_our_own_number_too_is_a_refusal(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE, change=lambda text: showing("caller", text)) as demo:
        await demo.mobiles(Habit(refuses_with=403))
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        leg.hang_up()
        assert len(demo.packets("INVITE", to_port=5090)) == 2
        [call_story] = await demo.stories()
        assert story(call_story).startswith(
            "rang +48600999888 under 1 s, the line does not allow this call; "
        )
        await demo.settled()


# --- D9 -------------------------------------------------------------------------------------------------


@virtual_time(limit_s=600)
async def test_row_d9_whoever_is_held_hears_music_and_then_the_voice_again(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TWO_PHONES) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        caller = await (await demo.call_in(NUMBER)).answered(within=3)
        phone = anna.invitations[0].leg
        phone.loop([Tone((ANNA_HZ,), 1.0)])
        caller.loop([Tone((CALLER_HZ,), 1.0)])
        recording = caller.media.record(tmp_path / "caller.wav")
        annas = phone.media.record(tmp_path / "anna.wav")
        await asyncio.sleep(5)
        assert b"a=recvonly" in await reinvite(phone, "sendonly")
        await asyncio.sleep(5)
        assert b"a=sendrecv" in await reinvite(phone, "sendrecv")
        await asyncio.sleep(5)
        assert b"a=inactive" in await reinvite(phone, "inactive")
        await asyncio.sleep(5)
        await reinvite(phone, "sendrecv")
        await asyncio.sleep(5)
        whole = [Hearing.of_file((await each.stop()).path) for each in (recording, annas)]
        assert caller.is_up
        for start, is_voice in ((0.5, True), (5.5, False), (10.5, True), (15.5, False), (20.5, True)):
            hears, anna_hears = [each.between(start, start + 4) for each in whole]
            if is_voice:
                parties = Party("caller", CALLER_HZ, hears), Party("anna", ANNA_HZ, anna_hears)
                assert deaf(*parties, for_s=3.8) == []
            else:
                assert hears.seconds_of(ANNA_HZ) == anna_hears.seconds_of(CALLER_HZ) == 0
            assert hears.loudness() > -45  # music or voice, never silence
            assert (hears.gaps(), hears.clipping()) == ([], [])


@virtual_time(limit_s=600)
async def test_row_d9_a_caller_who_holds_lets_the_phone_hear_music(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TWO_PHONES) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        caller = await (await demo.call_in(NUMBER)).answered(within=3)
        phone = anna.invitations[0].leg
        recording = phone.media.record(tmp_path / "anna.wav")
        caller.loop([Tone((CALLER_HZ,), 1.0)])
        await asyncio.sleep(3)
        await reinvite(caller, "inactive")
        await asyncio.sleep(40)  # silence of somebody who holds is not a dead line
        assert phone.is_up
        assert caller.is_up
        await reinvite(caller, "sendrecv")
        await asyncio.sleep(4)
        hearing = Hearing.of_file((await recording.stop()).path)
        assert hearing.between(0.5, 2.5).seconds_of(CALLER_HZ) > 1.9
        assert hearing.between(4, 42).seconds_of(CALLER_HZ) == 0
        assert hearing.between(44.5).seconds_of(CALLER_HZ) > 1.6
        assert hearing.between(5, 40).loudness() > -45
        assert (hearing.gaps(), hearing.clipping()) == ([], [])


# --- D10 ------------------------------------------------------------------------------------------------


@virtual_time(limit_s=600)
async def test_row_d10_a_phone_that_dies_in_mid_call_leaves_its_agent_free_in_35_s(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_PHONE) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0), host="10.1.1.101")
        caller = await (await demo.call_in(NUMBER)).answered(within=3)
        talking = (await anna.invited(within=1)).leg
        talking.loop([Tone((700.0,), 1.0)])
        caller.loop([Tone((1200.0,), 1.0)])
        await asyncio.sleep(100)
        assert not demo.server.occupancy.is_free("anna", demo.now)
        demo.network.blackhole("10.1.1.101")
        await talking.media.close()
        died = demo.now
        await demo.until(lambda: demo.server.occupancy.is_free("anna", demo.now), within=40)
        assert 29 < demo.now - died <= 35
        await asyncio.sleep(1)
        assert not caller.is_up
        await demo.people_leave()
        await demo.settled()
