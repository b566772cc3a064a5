"""Calls with encrypted sound: phones and trunks with SRTP, without it, and both in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.sip.digest import Credentials
from b2bua.sip.headers import NameAddr
from b2bua.sip.session import Session
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from media.commands import Tone
from media.sdp.crypto import SUITES, SrtpPolicy, new_keys
from media.sdp.model import SessionDescription
from media.sdp.negotiate import LocalMedia, StreamAgreement, make_answer, make_offer, read_answer
from media.tones import tone
from tests.calls.offers import again, answer_of, call_without_offer, offers, person, phones, trunks
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import MOBILES, NUMBER, SERVER, TO_ANNA, Office, assert_both_hear, office
from tests.media.peer import Peer, mirrored

PHONE_HZ = 1100.0
SECURE = SoundProfile(srtp=SrtpPolicy.REQUIRED)


def watch_wire(demo: Office) -> dict[int, set[int]]:
    """Return a table that fills with the sizes of packets toward each port."""
    sizes: dict[int, set[int]] = {}

    def note(content: bytes, _source: tuple[str, int], destination: tuple[str, int]) -> bool:
        if destination[1] % 2 == 0:
            sizes.setdefault(destination[1], set()).add(len(content))
        return False

    demo.rtp.drop = note
    return sizes


async def secured(phone: Softphone) -> Softphone:
    phone.profile = SECURE
    return phone


@pytest.mark.parametrize("policy", ["offered", "required"])
@virtual_time(limit_s=600)
async def test_a_phone_with_srtp_and_a_plain_trunk_hear_each_other(tmp_path: Path, policy: str) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=phones(policy)) as demo:
        anna = await secured(await demo.phone("101", Habit(answers_after=1)))
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=3)
        sizes = watch_wire(demo)
        phone = anna.invitations[0].leg
        await assert_both_hear(leg, phone, tmp_path)
        assert [stream.protocol for stream in offers(demo, 5101)] == ["RTP/SAVP"]
        assert sizes[phone.media.address[1]] == {12 + 160 + 16}
        assert sizes[leg.media.address[1]] == {12 + 160}
        leg.hang_up()
        [call_story] = await demo.stories()
        assert call_story.outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_phone_without_srtp_is_called_again_without_and_talks_to_a_trunk_with(tmp_path: Path) -> None:
    def change(text: str) -> str:
        return trunks("required")(phones("offered")(text))

    async with office(tmp_path, scheme=TO_ANNA, change=change) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        trunk = await secured(await demo.softphone("trunk", 6001))
        call = await trunk.call(SERVER, NUMBER, from_number="+48500600700")
        leg = await call.answered(within=3)
        await assert_both_hear(leg, anna.invitations[-1].leg, tmp_path)
        first, second = offers(demo, 5101)
        assert (first.protocol, second.protocol) == ("RTP/SAVP", "RTP/AVP")
        assert len(second.attributes("crypto")) == 3
        leg.hang_up()
        [call_story] = await demo.stories()
        assert story(call_story).startswith("talked with Anna Nowak")
        await demo.settled()


@virtual_time(limit_s=600)
async def test_phones_that_do_both_are_protected_and_new_keys_in_mid_call_are_heard(tmp_path: Path) -> None:
    async with office(tmp_path, change=phones("offered")) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102", Habit(answers_after=1))
        anna.profile = piotr.profile = SoundProfile(srtp=SrtpPolicy.BEST_EFFORT)
        call = await demo.call_from(anna, "101", "102")
        leg = await call.answered(within=4)
        phone = piotr.invitations[0].leg
        before = leg.media.agreement, phone.media.agreement
        assert all(agreement is not None and agreement.keys is not None for agreement in before)
        await assert_both_hear(leg, phone, tmp_path)
        await renew_keys(leg)
        assert leg.media.agreement is not None
        assert leg.media.agreement.keys != before[0].keys  # type: ignore[union-attr]
        await assert_both_hear(leg, phone, tmp_path, name="-again")
        leg.hang_up()
        await demo.settled()


async def renew_keys(leg: Leg) -> None:
    """Send a re-INVITE with other keys, as phones do after a hold or now and then."""
    assert leg.session is not None
    address, port = leg.media.address
    local = LocalMedia(
        address, port, session_id=1, version=2, codecs=("PCMA",), srtp=SrtpPolicy.REQUIRED, crypto=new_keys()
    )
    offer = make_offer(local)
    leg.connect(read_answer(offer, await leg.session.reinvite(offer)))


@virtual_time(limit_s=600)
async def test_where_srtp_is_required_plain_callers_get_488_and_plain_phones_are_passed_over(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=phones("required")) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        own = await demo.call_from(anna, "101", "102")
        with pytest.raises(CallRefused) as refused:
            await own.answered(within=3)
        assert refused.value.status == 488
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=5)
        assert [stream.protocol for stream in offers(demo, 5101)] == ["RTP/SAVP"]
        recording = leg.media.record(tmp_path / "greeting.wav")
        await asyncio.sleep(2)
        greeting = Hearing.of_file((await recording.stop()).path)
        assert greeting.between(0, 2).loudness() > -45  # voicemail answered in the phone's place
        assert greeting.clipping() == []
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_an_invite_without_sdp_is_answered_by_an_offer_that_can_be_taken_without_srtp(
    tmp_path: Path,
) -> None:
    offered: list[bytes] = []

    def answer(offer: bytes) -> bytes:
        offered.append(offer)
        return make_answer(offer, LocalMedia("127.0.0.3", 4000, session_id=1, version=1))[0]

    async with office(tmp_path, scheme=TO_ANNA, change=trunks("offered")) as demo:
        await demo.phone("101", Habit(answers_after=1))
        trunk = await demo.softphone("trunk", 6001)
        session = await call_without_offer(trunk, answer)
        await asyncio.sleep(1)
        [stream] = SessionDescription.parse(offered[0]).media
        assert (stream.protocol, len(stream.attributes("crypto"))) == ("RTP/AVP", 3)
        assert not session.ended.done()
        session.bye()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_an_outbound_trunk_has_its_own_policy_whatever_that_of_the_phones_is(tmp_path: Path) -> None:
    def change(text: str) -> str:
        return text.replace("[trunk.demo-out]\n", '[trunk.demo-out]\nsrtp = "required"\n')

    async with office(tmp_path, change=change) as demo:
        anna = await demo.phone("101")
        mobiles = await secured(await demo.mobiles(Habit(answers_after=1)))
        leg = await (await demo.call_from(anna, "101", "600 100 300")).answered(within=4)
        await assert_both_hear(leg, mobiles.invitations[0].leg, tmp_path)
        assert [stream.protocol for stream in offers(demo, MOBILES[1])] == ["RTP/SAVP"]
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_another_key_than_the_one_agreed_is_silence_for_the_far_end(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=phones("required")) as demo:
        anna = await secured(await demo.phone("101", Habit(answers_after=1)))
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        phone = anna.invitations[0].leg
        agreement = phone.media.agreement
        assert agreement is not None
        assert agreement.keys is not None
        wrong = replace(agreement.keys, sending=bytes(len(agreement.keys.sending)))
        phone.media.connect(replace(agreement, keys=wrong))
        phone.loop([Tone((PHONE_HZ,), 1.0)])
        await asyncio.sleep(1)
        recording = leg.media.record(tmp_path / "caller.wav")
        await asyncio.sleep(2)
        hearing = Hearing.of_file((await recording.stop()).path)
        assert hearing.sounds() == []
        leg.hang_up()
        await demo.settled()


def with_suite(suite: str) -> Callable[[bytes], bytes]:
    """Return what leaves only ``suite`` in a description."""

    def leave(sdp: bytes) -> bytes:
        lines = sdp.decode().splitlines()
        kept = [line for line in lines if not line.startswith("a=crypto:") or f" {suite} " in line]
        return ("\r\n".join(kept) + "\r\n").encode()

    return leave


@pytest.mark.parametrize("suite", SUITES)
def test_a_phone_that_knows_one_suite_only_talks_by_that_one_with_a_plain_one_and_back(
    suite: str, tmp_path: Path
) -> None:
    @virtual_time(limit_s=600)
    async def played() -> None:
        async with office(tmp_path, change=person("piotr", "off", phones("required"))) as demo:
            anna, piotr = await demo.phone("101"), await demo.phone("102", Habit(answers_after=1))
            local = LocalMedia(
                "127.0.0.2", 4000, session_id=1, version=1, srtp=SrtpPolicy.REQUIRED, crypto=new_keys()
            )
            leg, agreement = await call_with_offer(demo, anna, with_suite(suite)(make_offer_of_all(local)))
            assert agreement.keys is not None
            assert agreement.keys.suite == suite
            phone = Peer(demo.rtp, 4000, host="127.0.0.2", codec="PCMA", keys=mirrored(agreement.keys))
            called = piotr.invitations[0].leg
            called.loop([Tone((PHONE_HZ,), 1.0)])
            recording = called.media.record(tmp_path / "piotr.wav")
            assert agreement.remote is not None
            await phone.say(tone((1700.0,), 2.0, 8000), agreement.remote)
            piotr_hears, phone_hears = Hearing.of_file((await recording.stop()).path), phone.hearing()
            assert piotr_hears.seconds_of(1700.0) > 1.8
            assert phone_hears.level(PHONE_HZ) > -20
            assert phone_hears.gaps() == piotr_hears.gaps() == []
            assert phone.garbage == 0
            leg.bye()
            await demo.settled()

    played()


def make_offer_of_all(local: LocalMedia) -> bytes:
    """Return an offer that names every suite, also the one that our own offers leave out."""
    lines = make_offer(local).decode().splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("a=crypto"))
    others = [line for line in lines if not line.startswith("a=crypto")]
    keys = [str(crypto.line) for crypto in local.crypto]
    return ("\r\n".join((*others[:at], *keys, *others[at:])) + "\r\n").encode()


async def call_with_offer(demo: Office, phone: Softphone, offer: bytes) -> tuple[Session, StreamAgreement]:
    """Call 102 with a given offer; return session and what its answer settles."""
    invite = phone.endpoint.invite(
        uri="sip:102@127.0.0.1",
        hop=SERVER,
        from_=NameAddr.parse("<sip:101@127.0.0.1>"),
        offer=offer,
        credentials=Credentials("101", "demo-101"),
    )
    answered = await answer_of(invite)
    return answered.session, read_answer(offer, answered.body)


@virtual_time(limit_s=600)
async def test_a_person_may_have_another_policy_than_the_other_phones_in_either_direction(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, change=person("anna", "required")) as demo:
        anna = await secured(await demo.phone("101", Habit(answers_after=1)))
        piotr = await demo.phone("102", Habit(answers_after=1))
        for caller, extension, callee, number in ((anna, "101", piotr, "102"), (piotr, "102", anna, "101")):
            leg = await (await demo.call_from(caller, extension, number)).answered(within=4)
            called = callee.invitations[-1].leg
            secure, plain = (leg, called) if caller is anna else (called, leg)
            assert secure.media.agreement is not None
            assert plain.media.agreement is not None
            assert (secure.media.agreement.is_savp, plain.media.agreement.keys) == (True, None)
            await assert_both_hear(leg, called, tmp_path, name=number)
            leg.hang_up()
        anna.profile = SoundProfile()
        with pytest.raises(CallRefused) as refused:
            await (await demo.call_from(anna, "101", "102")).answered(within=4)
        assert refused.value.status == 488
        await demo.settled()


@virtual_time(limit_s=600)
async def test_hold_and_resume_keep_the_protection_and_the_held_one_hears_music(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=phones("required")) as demo:
        anna = await secured(await demo.phone("101", Habit(answers_after=1)))
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        phone = anna.invitations[0].leg
        await assert_both_hear(leg, phone, tmp_path)
        sizes = watch_wire(demo)
        assert phone.media.agreement is not None
        keys = phone.media.agreement.keys
        await again(phone, "sendonly")
        recording = leg.media.record(tmp_path / "music.wav")
        leg.media.stop()
        await asyncio.sleep(3)
        music = Hearing.of_file((await recording.stop()).path)
        assert music.between(0.5, 2.5).loudness() > -45
        assert (music.between(0.5, 2.5).gaps(), music.clipping()) == ([], [])
        await again(phone, "sendrecv")
        await assert_both_hear(leg, phone, tmp_path, name="-resumed")
        assert sizes[phone.media.address[1]] == {12 + 160 + 16}
        assert phone.media.agreement.keys == keys
        leg.hang_up()
        await demo.settled()


@pytest.mark.parametrize("has_keys", [True, False])
def test_plain_rtp_with_keys_beside_it_is_protected_where_srtp_is_offered_and_plain_where_it_is_off(
    has_keys: bool, tmp_path: Path
) -> None:
    policy = "offered" if has_keys else "off"

    @virtual_time(limit_s=600)
    async def played() -> None:
        async with office(tmp_path, change=phones(policy)) as demo:
            anna, piotr = await demo.phone("101"), await demo.phone("102", Habit(answers_after=1))
            anna.profile = SoundProfile(srtp=SrtpPolicy.BEST_EFFORT)
            leg = await (await demo.call_from(anna, "101", "102")).answered(within=4)
            assert leg.media.agreement is not None
            assert (leg.media.agreement.keys is not None, leg.media.agreement.is_savp) == (has_keys, False)
            await assert_both_hear(leg, piotr.invitations[-1].leg, tmp_path)
            leg.hang_up()
            await demo.settled()

    played()


@virtual_time(limit_s=600)
async def test_a_phone_that_insists_on_srtp_is_refused_with_488_where_it_is_off(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        anna = await secured(await demo.phone("101"))
        with pytest.raises(CallRefused) as refused:
            await (await demo.call_from(anna, "101", "102")).answered(within=4)
        assert refused.value.status == 488
        await demo.settled()
