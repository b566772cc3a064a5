"""Row D5: who says hello takes the call; a mailbox that talks on, beeps or is silent does not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit, Softphone
from media.client import MediaLeg
from media.commands import Answerer, AnswererJudged, Clip, PlayItem, Silence, Tone
from tests.calls.confirming import (
    MOBILE,
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
from tests.calls.test_rows_d5_confirm import ANNAS, GREETING_HZ
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import CALLER_HZ, MOBILES, NUMBER, Office, assert_both_hear, office
from tests.harness.prompts import marked_office, names

ROOT = Path(__file__).resolve().parents[2]
HELLO = Clip(ROOT / "tests" / "data" / "answerers" / "pl-speaking.wav")
HELLO_S = 1.03
GREETING = Clip(ROOT / "prompts" / "pl" / "voicemail-greeting-working.wav")
ONE_MOBILE, TOGETHER = one_mobile('"voice"'), together('"voice"')

ANSWERERS: tuple[Callable[[Leg], object], ...] = (
    lambda leg: leg.media.play([HELLO]),
    lambda leg: leg.media.play([HELLO, Silence(0.6), HELLO]),
    lambda leg: leg.media.play([GREETING]),
    lambda leg: leg.media.send_digits("1"),
    lambda leg: leg.hang_up(),
    lambda _: None,
)
"""What may happen at a mobile that was answered."""


async def say(mobiles: Softphone, *items: PlayItem, count: int = 1) -> None:
    """Say ``items`` at the ``count``-th mobile that is rung, from half a second after its answer on."""
    leg = await answering(mobiles, count)
    await asyncio.sleep(0.5)
    leg.media.play(items)


def listened_to(demo: Office) -> MediaLeg:
    """Return the office's end of the mobile of which it is to be found out whose voice it is."""
    [leg] = [each for each in demo.server.engine.slots[0].legs.values() if each._on_judged is not None]
    return leg


@virtual_time(limit_s=600)
async def test_row_d5_who_says_hello_is_connected_and_hears_the_caller_from_the_first_syllable(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await say(mobiles, HELLO)
        mobile = mobiles.invitations[0].leg
        recording = mobile.media.record(tmp_path / "mobile.wav")
        recorded_from = demo.now
        leg = await call.answered(within=5)
        answered = demo.now
        legs = demo.server.engine.slots[0].legs.values()
        assert [each._on_judged for each in legs] == [None, None], (
            "whose voice it is interests nobody any more"
        )
        leg.media.play([Tone((CALLER_HZ,), 2.0)])
        assert answered - began == pytest.approx(3.5 + HELLO_S + 1.1, abs=0.3)
        await asyncio.sleep(3)
        [said] = Hearing.of_file((await recording.stop()).path).spans_of(CALLER_HZ)
        assert recorded_from + said.at - answered < 0.12
        assert said.seconds >= 1.96  # of 2 s
        await assert_both_hear(leg, mobile, tmp_path)
        leg.hang_up()
        assert (await told(demo)).startswith(f"talked with {MOBILE} for")
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_a_mailbox_that_talks_on_leads_on_to_the_next_step(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await say(mobiles, GREETING)
        await asyncio.sleep(1)
        assert set(statuses(call)) == {180}  # the caller hears ringing, nothing of the mailbox
        leg = await call.answered(within=30)
        assert demo.now - began == pytest.approx(3.5 + 5.2, abs=0.7)
        assert demo.times("BYE", to_port=MOBILES[1], since=began) == [
            pytest.approx(demo.now - began, abs=0.1)
        ]
        leg.hang_up()
        assert (await told(demo)).startswith(
            f"rang {MOBILE} 9 s, answered, but it talked on (its voicemail); "
        )
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_a_mailbox_that_only_beeps_leads_on_at_once(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await say(mobiles, Tone((1000.0,), 0.6))
        leg = await call.answered(within=5)
        assert demo.now - began == pytest.approx(3.5 + 0.7, abs=0.3)
        leg.hang_up()
        assert "answered, but it beeped (its voicemail)" in await told(demo)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_who_says_nothing_is_asked_and_may_press_1(tmp_path: Path) -> None:
    async with marked_office(tmp_path, scheme=ONE_MOBILE) as (demo, ears):
        mobiles = await demo.mobiles(Habit(answers_after=1))
        began = demo.now
        call = await demo.call_in(NUMBER)
        mobile = (await mobiles.invited(within=2)).leg
        await asyncio.sleep(2)
        mobile.media.send_digits("5")  # which means nothing
        await asyncio.sleep(1)
        assert (
            mobile.media.is_heard
        )  # packets of silence: a carrier behind NAT sends nothing before it gets some
        assert not ears.heard(mobile.media)
        await asyncio.sleep(8)
        assert names(ears.heard(mobile.media))[:2] == ["call-from", "plus"]
        mobile.media.send_digits("1")
        leg = await call.answered(within=2)
        assert demo.now - began == pytest.approx(11.2, abs=0.3)
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_nobody_who_is_silent_and_presses_nothing_leads_on_after_the_whole_time(
    tmp_path: Path,
) -> None:
    scheme = ONE_MOBILE.replace(VOICEMAIL, f'confirm-within = "12s"\n{VOICEMAIL}')
    async with office(tmp_path, scheme=scheme) as demo:
        await demo.mobiles(Habit(answers_after=2))
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=30)
        assert demo.now - began == pytest.approx(14, abs=0.3)
        leg.hang_up()
        assert f"rang {MOBILE} 14 s, answered, but nobody pressed 1 (its voicemail?)" in await told(demo)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_key_1_counts_while_the_voice_is_listened_for(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await press(mobiles, "1", after=0.5)
        leg = await call.answered(within=2)
        assert demo.now - began == pytest.approx(3.7, abs=0.2)
        await assert_both_hear(leg, mobiles.invitations[0].leg, tmp_path)


@virtual_time(limit_s=600)
async def test_row_d5_a_key_that_means_nothing_in_the_instant_in_which_the_voice_is_known_hides_it_not(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=1))
        call = await demo.call_in(NUMBER)
        await answering(mobiles, 1)
        await asyncio.sleep(0.5)
        media = listened_to(demo)
        assert media.on_digit is not None
        assert media._on_judged is not None
        media.on_digit("5")
        media._on_judged(AnswererJudged(media.number, Answerer.PERSON, ""))
        leg = await call.answered(within=0.1)
        leg.hang_up()
        assert (await told(demo)).startswith(f"talked with {MOBILE} for")


@virtual_time(limit_s=600)
async def test_row_d5_whose_voice_the_media_engine_never_tells_is_asked_after_six_seconds(
    tmp_path: Path,
) -> None:
    async with marked_office(tmp_path, scheme=ONE_MOBILE) as (demo, ears):
        mobiles = await demo.mobiles(Habit(answers_after=1))
        call = await demo.call_in(NUMBER)
        mobile = await answering(mobiles, 1)
        answered = demo.now
        await asyncio.sleep(0.1)  # by then the office has its answer
        listened_to(demo)._on_judged = lambda _: None
        assert await ears.until_prompt(mobile.media, "call-from", within=8) - answered == pytest.approx(
            6.0, abs=0.1
        )
        await call.close()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_the_others_ring_on_and_the_first_who_says_hello_wins(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER) as demo:
        await demo.phone("101")
        mobiles = await demo.mobiles()
        habits(mobiles, n48600999888=2, n48600999777=4)
        call = await demo.call_in(NUMBER)
        async with asyncio.TaskGroup() as group:
            group.create_task(say(mobiles, GREETING))
            group.create_task(say(mobiles, HELLO, count=2))
            await asyncio.sleep(5)
            assert not demo.packets("CANCEL")  # neither the mailbox nor half a hello has won
            leg = await call.answered(within=3)
        await assert_second_has_the_call(demo, mobiles, leg)


@pytest.mark.parametrize("loss", [0.0, 0.1])
@virtual_time(limit_s=900)
async def test_row_d5_d2_voices_answers_and_hang_ups_in_the_same_instants_leave_nothing(
    tmp_path: Path, loss: float
) -> None:
    chance = random.Random(7)

    def owner(leg: Leg) -> None:
        chance.choice(ANSWERERS)(leg)

    await many_calls(
        tmp_path,
        chance=chance,
        confirm='"voice"',
        count=24,
        within=20,
        loss=loss,
        phone_after=9.0,
        patience=lambda: chance.choice((chance.random() * 12, 3.9 + chance.random() * 1.5)),
        owner=owner,
        decides_after=lambda: 2.0 + chance.random() * 1.5,
    )


@virtual_time(limit_s=600)
async def test_row_d5_f19_who_said_hello_hears_why_the_call_comes_before_the_caller(tmp_path: Path) -> None:
    scheme = ONE_MOBILE.replace("confirm", 'whisper = "missed-by-sales"\nconfirm')
    async with marked_office(tmp_path, scheme=scheme) as (demo, ears):
        mobiles = await demo.mobiles(Habit(answers_after=1))
        call = await demo.call_in(NUMBER)
        await say(mobiles, HELLO)
        mobile = mobiles.invitations[0].leg
        leg = await call.answered(within=12)
        assert names(ears.heard(mobile.media)) == ["missed-by-sales"]
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_row_d5_a_greeting_that_is_played_before_the_answer_counts_for_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE) as demo:
        early = [Tone((GREETING_HZ,), 1.0)]
        mobiles = await demo.mobiles(Habit(plays_early=early, answers_after=4))
        began = demo.now
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(3)
        assert set(statuses(call)) == {180}
        (await answering(mobiles, 1)).media.play([Silence(0.5), HELLO])
        await call.answered(within=5)
        assert demo.now - began == pytest.approx(4.5 + HELLO_S + 1.1, abs=0.3)


@virtual_time(limit_s=600)
async def test_row_d5_a_person_may_say_hello_at_their_mobile_wherever_it_rings(tmp_path: Path) -> None:
    def by_voice(text: str) -> str:
        return text.replace(f'mobile = "{ANNAS}"', f'mobile = "{ANNAS}"\nmobile-confirm = "voice"')

    scheme = f'[[step]]\nring = ["mobile of anna"]\nfor = "20s"\n{VOICEMAIL}'
    async with office(tmp_path, scheme=scheme, change=by_voice) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=2))
        call = await demo.call_in(NUMBER)
        await say(mobiles, HELLO)
        leg = await call.answered(within=5)
        leg.hang_up()
        assert "talked with Anna Nowak's mobile" in await told(demo)


@virtual_time(limit_s=600)
async def test_row_d5_a_media_worker_that_dies_meanwhile_is_followed_by_one_that_listens_anew(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ONE_MOBILE, worker_starts_in=0.2) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=2))
        call = await demo.call_in(NUMBER)
        invitation = await mobiles.invited(within=2)
        await demo.until(lambda: invitation.leg.is_answered, within=5)
        await asyncio.sleep(0.3)
        demo.crash_media()
        await asyncio.sleep(0.7)
        invitation.leg.media.play([HELLO])
        leg = await call.answered(within=4)
        await assert_both_hear(leg, invitation.leg, tmp_path)
