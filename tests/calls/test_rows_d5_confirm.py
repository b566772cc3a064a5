"""Row D5: the voicemail of a carrier is no answer; whoever takes the call outside presses a key."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit, Softphone
from b2bua.sip.message import parse_message
from b2bua.sip.session import IncomingInvite
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from media.commands import Tone
from tests.calls.confirming import (
    MOBILE,
    OTHER,
    VOICEMAIL,
    answering,
    assert_second_has_the_call,
    habits,
    many_calls,
    one_mobile,
    press,
    statuses,
    together,
    told,
)
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import MOBILES, NUMBER, assert_both_hear, office
from tests.harness.prompts import Ears, marked_office

GREETING_HZ = 950.0
ANNAS = "+48600100200"
ONE_MOBILE, TOGETHER = one_mobile("true"), together("true")
IF_REJECTED = ONE_MOBILE.replace(VOICEMAIL, f'[[step]]\nring = ["102"]\nafter = ["rejected"]\n{VOICEMAIL}')


async def greet(mobiles: Softphone, *, count: int = 1) -> None:
    """Play a mailbox's greeting from the answer on."""
    leg = await answering(mobiles, count)
    leg.loop([Tone((GREETING_HZ,), 1.0)])


@virtual_time(limit_s=600)
async def test_row_d5_a_mailbox_that_plays_its_greeting_leads_on_to_the_next_step(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IF_REJECTED) as demo:
        piotr = await demo.phone("102", Habit(answers_after=1))
        mobiles = await demo.mobiles(Habit(answers_after=5))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await greet(mobiles)
        await asyncio.sleep(1)
        assert set(statuses(call)) == {180}  # the caller hears ringing, nothing of the mailbox
        leg = await call.answered(within=30)
        assert demo.now - began == pytest.approx(25, abs=0.3)
        assert demo.times("BYE", to_port=MOBILES[1], since=began) == pytest.approx([25], abs=0.3)
        recording = leg.media.record(tmp_path / "caller.wav")
        await asyncio.sleep(3)
        hearing = Hearing.of_file((await recording.stop()).path)
        assert hearing.seconds_of(GREETING_HZ) < 0.3  # of 3 s; our greeting has some of it
        assert piotr.invitations == [], "nobody has refused"
        leg.hang_up()
        assert (await told(demo)).startswith(
            f"rang {MOBILE} 25 s, answered, but nobody pressed 1 (its voicemail?); "
        )
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_who_presses_1_hears_who_calls_and_has_the_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        mobile = (await mobiles.invited(within=2)).leg
        await demo.until(lambda: mobile.is_answered, within=5)
        question = mobile.media.record(tmp_path / "question.wav")
        await asyncio.sleep(9)
        asked = Hearing.of_file((await question.stop()).path)
        mobile.media.send_digits("1")
        leg = await call.answered(within=2)
        assert demo.now - began == pytest.approx(12.2, abs=0.3)
        await assert_both_hear(leg, mobile, tmp_path)
        leg.hang_up()
        assert (await told(demo)).startswith(f"talked with {MOBILE} for 4 s")
        assert asked.seconds > 8
        assert asked.between(0.5, 8.5).loudness() > -30  # "a call from plus four eight …"
        assert asked.clipping() == []
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_the_question_is_said_again_a_second_after_its_end(tmp_path: Path) -> None:
    async with marked_office(tmp_path, scheme=ONE_MOBILE) as (demo, ears):
        mobiles = await demo.mobiles(Habit(answers_after=1))
        call = await demo.call_in(NUMBER)
        mobile = await answering(mobiles, 1)
        await asyncio.sleep(18)
        heard = ears.heard(mobile.media)
        first, again = (each.at for each in heard if each.prompt == "call-from")
        ended = max(each.until for each in heard if each.at < again)
        assert again - ended == pytest.approx(1.0, abs=0.05)
        assert first < 1.3
        await call.close()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_key_2_refuses_at_once_and_other_keys_mean_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=IF_REJECTED) as demo:
        await demo.phone("102", Habit(answers_after=1))
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await press(mobiles, "5", after=1)
        await press(mobiles, "2", after=1)
        leg = await call.answered(within=5)
        assert demo.now - began == pytest.approx(6.5, abs=0.6)
        leg.hang_up()
        assert (await told(demo)).startswith(f"rang {MOBILE} 5 s, declined; talked with Piotr Zieliński")
        await demo.settled()


@pytest.mark.parametrize(
    ("confirm", "words"),
    [
        ("true", "hung up without pressing 1"),
        ('"voice"', "hung up before it was clear who had answered"),
    ],
    ids=["key", "voice"],
)
@virtual_time(limit_s=600)
async def test_row_d5_who_hangs_up_instead_leads_on_at_once(tmp_path: Path, confirm: str, words: str) -> None:
    async with office(tmp_path, scheme=one_mobile(confirm)) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        invitation = await mobiles.invited(within=2)
        await asyncio.sleep(4)
        invitation.leg.hang_up()
        leg = await call.answered(within=2)
        assert demo.now - began == pytest.approx(4, abs=0.3)
        leg.hang_up()
        assert (await told(demo)).startswith(f"rang {MOBILE} 4 s, {words}; ")
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_the_others_ring_on_and_a_phone_that_answers_has_the_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER) as demo:
        await demo.phone("101", Habit(answers_after=8))
        mobiles = await demo.mobiles()
        habits(mobiles, n48600999888=2)
        began = demo.now
        call = await demo.call_in(NUMBER)
        await greet(mobiles)
        await asyncio.sleep(4)
        assert not demo.packets("CANCEL")  # the mailbox is not the winner
        leg = await call.answered(within=5)
        assert demo.now - began == pytest.approx(8, abs=0.3)
        await assert_both_hear(leg, demo.phones["101"].invitations[0].leg, tmp_path)
        assert demo.times("BYE", to_port=MOBILES[1], since=began) == pytest.approx([8], abs=0.3)
        assert len(demo.packets("CANCEL", to_port=MOBILES[1])) == 1
        leg.hang_up()
        assert (await told(demo)).endswith("talked with Anna Nowak for 4 s")
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_the_first_who_confirms_wins_not_the_first_who_answers(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER) as demo:
        await demo.phone("101")
        mobiles = await demo.mobiles()
        habits(mobiles, n48600999888=2, n48600999777=6)
        began = demo.now
        call = await demo.call_in(NUMBER)
        await press(mobiles, "1", after=2, count=2)
        leg = await call.answered(within=2)
        assert demo.now - began == pytest.approx(8.2, abs=0.4)
        await assert_second_has_the_call(demo, mobiles, leg)


@virtual_time(limit_s=600)
async def test_row_d5_who_answered_in_the_last_second_has_the_whole_time_to_confirm(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER) as demo:
        await demo.phone("101")
        mobiles = await demo.mobiles()
        habits(mobiles, n48600999888=19)
        began = demo.now
        call = await demo.call_in(NUMBER)
        await press(mobiles, "1", after=18)
        await call.answered(within=2)
        assert demo.now - began == pytest.approx(37.2, abs=0.4)
        assert demo.times("CANCEL", to_port=5101, since=began) == pytest.approx([20], abs=0.3)


@pytest.mark.parametrize(("confirm", "leaves_after"), [("true", 6), ('"voice"', 3)], ids=["key", "voice"])
@virtual_time(limit_s=600)
async def test_row_d5_a_caller_who_hangs_up_meanwhile_frees_the_mobile_and_is_owed_a_call(
    tmp_path: Path, confirm: str, leaves_after: int
) -> None:
    async with office(tmp_path, scheme=one_mobile(confirm)) as demo:
        await demo.mobiles(Habit(answers_after=2))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(leaves_after)
        await call.close()
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.PROMISE
        assert f"hung up while it rang after {leaves_after} s" in story(call_story)
        assert demo.times("BYE", to_port=MOBILES[1], since=began) == pytest.approx([leaves_after], abs=0.2)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_a_person_may_want_it_for_their_mobile_wherever_it_rings(tmp_path: Path) -> None:
    def with_mailbox(text: str) -> str:
        return text.replace(f'mobile = "{ANNAS}"', f'mobile = "{ANNAS}"\nmobile-confirm = true')

    scheme = (
        '[[step]]\nring = ["101", "102"]\nfor = "4s"\n'
        f'[[step]]\nring = ["mobiles of step 1"]\nfor = "20s"\nconfirm-within = "10s"\n{VOICEMAIL}'
    )
    async with office(tmp_path, scheme=scheme, change=with_mailbox) as demo:
        mobiles = await demo.mobiles()
        habits(mobiles, n48600100200=2, n48600100201=13)
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=30)
        assert demo.now - began == pytest.approx(13, abs=0.3)  # Piotr's mobile needs no key
        assert demo.times("BYE", to_port=MOBILES[1], since=began) == pytest.approx([12], abs=0.3)
        leg.hang_up()
        assert "Anna Nowak's mobile +48600100200 12 s, answered, but nobody pressed 1" in await told(demo)


@virtual_time(limit_s=600)
async def test_row_d5_d4_a_403_for_the_callers_number_asks_on_the_second_way_as_well(tmp_path: Path) -> None:
    def provider(invite: IncomingInvite) -> Habit:
        is_ours = "+48221230001" in str(invite.request.from_.uri)
        return Habit(answers_after=2) if is_ours else Habit(refuses_with=403)

    def showing(text: str) -> str:
        return text.replace("port = 5090", 'port = 5090\ncaller-id = "caller"')

    async with office(tmp_path, scheme=ONE_MOBILE, change=showing) as demo:
        (await demo.mobiles()).choose_habit = provider
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(10)
        assert 200 not in statuses(call)
        assert len(demo.packets("INVITE", to_port=MOBILES[1])) == 2
        await call.close()


@virtual_time(limit_s=600)
async def test_row_d5_digits_behind_the_number_are_pressed_before_the_question(tmp_path: Path) -> None:
    scheme = ONE_MOBILE.replace(MOBILE, f"{MOBILE},55")
    async with office(tmp_path, scheme=scheme) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=1))
        call = await demo.call_in(NUMBER)
        invitation = await mobiles.invited(within=2)
        ears = Ears(demo.rtp, lambda: demo.now)
        await press(mobiles, "1", after=6)
        leg = await call.answered(within=2)
        assert ears.keys(invitation.leg.media) == "55"
        leg.hang_up()
        assert (await told(demo)).startswith(f"pressed 55 behind the number of {MOBILE}; talked with")


@virtual_time(limit_s=600)
async def test_row_d5_a_colleague_may_pick_the_call_up_while_a_mobile_is_asked(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        piotr = await demo.phone("102")
        await demo.mobiles(Habit(answers_after=2))
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(5)
        picked = await demo.call_from(piotr, "102", "*8")
        theirs = await picked.answered(within=2)
        leg = await call.answered(within=2)
        await assert_both_hear(leg, theirs, tmp_path)
        leg.hang_up()
        assert "Piotr Zieliński picked up what rang for +48600999888" in await told(demo)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_one_of_us_who_calls_hears_ringing_and_learns_of_no_strange_status(
    tmp_path: Path,
) -> None:
    config = f'\n[extension."300"]\nring = ["{MOBILE}"]\nfor = "20s"\nconfirm = true\n'
    async with office(tmp_path, change=lambda text: text + config) as demo:
        anna = await demo.phone("101")
        mobiles = await demo.mobiles(Habit(plays_early=[Tone((GREETING_HZ,), 1.0)], answers_after=2))
        call = await demo.call_from(anna, "101", "300")
        await greet(mobiles)
        await asyncio.sleep(3)
        assert set(statuses(call)) == {180}
        await call.close()
        await demo.settled()


@pytest.mark.parametrize("loss", [0.0, 0.1])
@virtual_time(limit_s=900)
async def test_row_d5_d2_keys_answers_and_hang_ups_in_the_same_instants_leave_nothing(
    tmp_path: Path, loss: float
) -> None:
    chance = random.Random(5)
    stories = await many_calls(
        tmp_path,
        chance=chance,
        confirm="true",
        count=60,
        within=30,
        loss=loss,
        phone_after=3.0,
        patience=lambda: chance.choice((chance.random() * 5, 2.99 + chance.random() * 0.3)),
        owner=lambda leg: (
            leg.media.send_digits(chance.choice("1112")) if chance.random() < 0.8 else leg.hang_up()
        ),
        decides_after=lambda: 2 + chance.choice((0.98, 0.999, 1.0, 1.01, 1.5)),
    )
    winners: set[str] = set()
    for each in stories:
        talks = [event for event in each.events if event.kind is EventKind.TALKED]
        assert (each.outcome is CallOutcome.TALKED) == (len(talks) == 1)
        assert each.outcome in (CallOutcome.TALKED, CallOutcome.PROMISE)
        winners |= {event.who for event in talks}
    assert "Anna Nowak" in winners
    assert winners & {MOBILE, OTHER}


# --- the whole scenario ------------------------------------------------------------------------------------

EITHER_FIRST = ("Anna Nowak and Piotr Zieliński", "Piotr Zieliński and Anna Nowak")
"""Of two whose time is over in the same instant."""
FLAGSHIP = f"""
[[step]]
say = "welcome"

[[step]]
ring = ["101", "102"]
music = "calm"
for = "60s"

[[step]]
ring = ["{MOBILE}"]
confirm = true
for = "20s"

[[step]]
ring = ["{OTHER}"]
confirm = true
for = "20s"

[[step]]
say = "nobody-available"

[[step]]
voicemail = "sales"
"""


@virtual_time(limit_s=900)
async def test_row_d5_welcome_two_phones_with_music_two_mobiles_that_are_asked_then_voicemail(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=FLAGSHIP) as demo:
        for extension in ("101", "102"):
            await demo.phone(extension)
        mobiles = await demo.mobiles()
        habits(mobiles, n48600999888=10, n48600999777=10)
        leg = await (await demo.call_in(NUMBER)).answered(within=1)
        began = demo.now
        recording = leg.media.record(tmp_path / "caller.wav")
        await mobiles.invited(1, within=80)
        welcome = demo.times("INVITE", to_port=5101, since=began)[0]
        assert 1 < welcome < 4
        assert demo.times("INVITE", to_port=5102, since=began) == pytest.approx([welcome], abs=0.1)
        await press(mobiles, "2", after=5, count=1)
        await greet(mobiles, count=2)
        await asyncio.sleep(60)
        hearing = Hearing.of_file((await recording.stop()).path)
        rung = [demo.times("CANCEL", to_port=port, since=began + welcome)[0] for port in (5101, 5102)]
        assert rung == pytest.approx([60, 60], abs=0.3)
        ats = [invitation.at - began - welcome for invitation in mobiles.invitations]
        assert ats == pytest.approx([60, 75.2], abs=0.5)
        over = demo.times("BYE", to_port=MOBILES[1], since=began + welcome)
        assert over == pytest.approx([75.2, 105.2], abs=0.5)
        for start in range(int(welcome) + 1, 60, 5):
            assert hearing.between(start, start + 5).loudness() > -45  # music, never silence
        assert hearing.between(welcome + 1, 60).gaps() == hearing.clipping() == []
        assert hearing.between(welcome + 86, welcome + 105).seconds_of(GREETING_HZ) == 0
        leg.hang_up()
        both, asked = (await told(demo)).split("; rang ", 1)
        assert both in {f"rang {names} 1 min, no answer" for names in EITHER_FIRST}
        assert asked.startswith(
            "+48600999888 15 s, declined; "
            "rang +48600999777 30 s, answered, but nobody pressed 1 (its voicemail?); "
        )
        assert str(parse_message(demo.packets("INVITE", to_port=MOBILES[1])[0].wire).method) == "INVITE"
        await demo.settled()
