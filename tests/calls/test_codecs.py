"""Which codec each side of a call gets, so that sound is passed on as it is wherever that is possible."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import CallRefused, Habit, PlacedCall, Softphone
from media.sdp.model import MediaDescription, SessionDescription
from media.sdp.negotiate import LocalMedia, make_answer, make_offer, read_answer
from tests.calls.offers import call_without_offer, offers
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, MOBILES, NUMBER, SERVER, TO_ANNA, Office, assert_both_hear, office

ALL = ("opus", "G722", "PCMA", "PCMU")
MENU_THEN_PHONE = """
[[step]]
say = "welcome"

[[step]]
ring = ["101"]
for = "20s"

[[step]]
voicemail = "sales"
"""


def with_codecs(phone: Softphone, *codecs: str, ptime_ms: int = 20) -> Softphone:
    phone.profile = SoundProfile(codecs=codecs, ptime_ms=ptime_ms)
    return phone


async def called_by(demo: Office, *codecs: str, number: str = NUMBER, ptime_ms: int = 20) -> PlacedCall:
    """Return a call of a carrier that has ``codecs``."""
    trunk = with_codecs(await demo.softphone("trunk", 6900), *codecs, ptime_ms=ptime_ms)
    return await trunk.call(SERVER, number, from_number=CALLER)


def offered(demo: Office, to_port: int) -> MediaDescription:
    """Return the audio stream of the only INVITE to ``to_port``."""
    (stream,) = offers(demo, to_port)
    return stream


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722", "opus"])
@virtual_time(limit_s=600)
async def test_a_phone_is_offered_first_what_the_caller_has_and_no_sound_is_decoded(
    tmp_path: Path, codec: str
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), *ALL)
        leg = await (await called_by(demo, codec)).answered(within=3)
        phone = anna.invitations[0].leg
        assert leg.codec == phone.codec == codec
        numbers = {"opus": "111", "G722": "9", "PCMA": "8", "PCMU": "0"}
        assert offered(demo, 5101).formats[0] == numbers[codec]
        await assert_both_hear(leg, phone, tmp_path)


@virtual_time(limit_s=600)
async def test_who_has_no_codec_of_the_others_is_heard_all_the_same(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), "opus")
        leg = await (await called_by(demo, "PCMA", "PCMU")).answered(within=3)
        phone = anna.invitations[0].leg
        assert (leg.codec, phone.codec) == ("PCMA", "opus")
        await assert_both_hear(leg, phone, tmp_path)


@virtual_time(limit_s=600)
async def test_a_caller_is_answered_with_the_codec_of_whoever_takes_the_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), "PCMU")
        leg = await (await called_by(demo, *ALL)).answered(within=3)
        assert leg.codec == anna.invitations[0].leg.codec == "PCMU"
        await assert_both_hear(leg, anna.invitations[0].leg, tmp_path)


@virtual_time(limit_s=600)
async def test_a_caller_who_was_answered_by_a_prompt_keeps_their_first_codec_and_the_phone_gets_it(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=MENU_THEN_PHONE) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), "PCMA", "G722")
        leg = await (await called_by(demo, "G722", "PCMA")).answered(within=3)
        await demo.until(lambda: bool(anna.invitations) and anna.invitations[0].leg.is_answered, within=30)
        assert leg.codec == "G722"
        assert offered(demo, 5101).formats[:2] == ("9", "111")
        await assert_both_hear(leg, anna.invitations[0].leg, tmp_path)


@virtual_time(limit_s=600)
async def test_packets_toward_a_phone_are_asked_for_as_long_as_the_caller_wants_them(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), *ALL)
        leg = await (await called_by(demo, "PCMA", ptime_ms=30)).answered(within=3)
        assert offered(demo, 5101).attribute("ptime") == "30"
        phone = anna.invitations[0].leg
        assert phone.media.agreement is not None
        assert phone.media.agreement.ptime_ms == 30
        await assert_both_hear(leg, phone, tmp_path)


@virtual_time(limit_s=600)
async def test_a_trunk_with_codecs_of_its_own_is_offered_and_answered_with_those(
    tmp_path: Path,
) -> None:
    def g711_outside(text: str) -> str:
        text = text.replace("[trunk.demo]\n", '[trunk.demo]\ncodecs = ["PCMU"]\n')
        return text.replace("[trunk.demo-out]\n", '[trunk.demo-out]\ncodecs = ["PCMA"]\n')

    async with office(tmp_path, scheme=TO_ANNA, change=g711_outside) as demo:
        leg = await (await called_by(demo, *ALL, number="+48221230007")).answered(within=3)
        assert leg.codec == "PCMU"
        leg.hang_up()
        mobile = await demo.mobiles(Habit(answers_after=1))
        anna = with_codecs(await demo.phone("101"), *ALL)
        talking = await (await demo.call_from(anna, "101", "+48600100200")).answered(within=5)
        assert offered(demo, MOBILES[1]).formats == ("8", "101")
        assert talking.codec == mobile.invitations[0].leg.codec == "PCMA"


@virtual_time(limit_s=600)
async def test_who_has_none_of_our_codecs_is_refused_with_488(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        call = await called_by(demo, "GSM")
        with pytest.raises(CallRefused, match="488"):
            await call.answered(within=3)


async def reinvite(phone_leg: Leg, *codecs: str, version: int, direction: str = "sendrecv") -> None:
    assert phone_leg.session is not None
    address, port = phone_leg.media.address
    offer = make_offer(LocalMedia(address, port, 1, version, codecs=codecs), direction=direction)
    answer = await phone_leg.session.reinvite(offer)
    phone_leg.connect(read_answer(offer, answer))


@virtual_time(limit_s=600)
async def test_rfc3264_8_a_phone_that_lists_all_its_codecs_to_hold_and_resume_keeps_the_one_in_use(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), "PCMA")
        leg = await (await called_by(demo, "PCMA")).answered(within=3)
        phone = anna.invitations[0].leg
        await reinvite(phone, *ALL, version=2, direction="sendonly")
        assert phone.codec == "PCMA"
        await asyncio.sleep(2)
        await reinvite(phone, *ALL, version=3)
        assert phone.codec == "PCMA"
        await assert_both_hear(leg, phone, tmp_path)


@virtual_time(limit_s=600)
async def test_rfc3264_8_a_phone_changes_the_codec_in_mid_call_and_is_heard(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), *ALL)
        leg = await (await called_by(demo, "PCMA")).answered(within=3)
        phone = anna.invitations[0].leg
        for version, codecs in enumerate(
            (("opus", "PCMA"), ("G722",), ("PCMU", "opus"), ("opus", "PCMU")), 2
        ):
            await reinvite(phone, *codecs, version=version)
            if version != 2:  # then the codec in use is offered still, and nothing told before
                assert phone.codec == codecs[0]
            await assert_both_hear(leg, phone, tmp_path)


@virtual_time(limit_s=600)
async def test_who_picks_a_call_up_is_answered_with_the_callers_codec(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", Habit())
        ewa = with_codecs(await demo.phone("102"), *ALL)
        call = await called_by(demo, "PCMU")
        await asyncio.sleep(2)
        taken = await (await demo.call_from(ewa, "102", "*8101")).answered(within=3)
        leg = await call.answered(within=3)
        assert taken.codec == leg.codec == "PCMU"
        await assert_both_hear(leg, taken, tmp_path)


@virtual_time(limit_s=600)
async def test_a_person_with_codecs_of_their_own_is_offered_and_answered_with_those(tmp_path: Path) -> None:
    def narrow(text: str) -> str:
        return text.replace("[person.anna]\n", '[person.anna]\ncodecs = ["PCMU"]\n')

    async with office(tmp_path, scheme=TO_ANNA, change=narrow) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), *ALL)
        await (await called_by(demo, *ALL)).answered(within=3)
        assert offered(demo, 5101).formats == ("0", "101")
        echo = await (await demo.call_from(anna, "101", "+48221230007")).answered(within=3)
        assert echo.codec == "PCMU"


@virtual_time(limit_s=600)
async def test_rfc3264_5_an_invite_without_offer_gets_ours_and_whoever_answers_it_chooses(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        anna = with_codecs(await demo.phone("101", Habit(answers_after=1)), *ALL)
        trunk = await demo.softphone("trunk", 6900)
        got: list[bytes] = []

        def answer(offer: bytes) -> bytes:
            got.append(offer)
            return make_answer(offer, LocalMedia("127.0.0.3", 4000, 1, 1, codecs=("G722",)))[0]

        session = await call_without_offer(trunk, answer)
        await asyncio.sleep(1)
        assert SessionDescription.parse(got[0]).media[0].formats[:4] == ("111", "9", "8", "0")
        assert not session.ended.done()
        assert anna.invitations[0].leg.codec == "opus"
        session.bye()
        await demo.settled()
