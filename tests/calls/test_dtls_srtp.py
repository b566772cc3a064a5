"""Calls whose sound is encrypted by keys that no SDP carries: DTLS-SRTP (RFC 5763)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from b2bua.call.caller import CallerLeg
from b2bua.call.leg import Leg
from b2bua.call.sound import SoundProfile
from b2bua.demo.softphone import CallRefused, Habit, Softphone
from b2bua.inbound.nobody import Nobody
from b2bua.store.calls import CallOutcome
from b2bua.store.quality import leg_in_words
from b2bua.store.story import story
from media.commands import Tone
from media.memory import MemoryRtpNetwork
from media.sdp import LocalMedia, make_answer
from media.sdp.crypto import SrtpPolicy
from media.sdp.handshake import Handshake
from tests.calls.offers import again, call_without_offer, offers, person, phones, trunks
from tests.calls.test_media_worker_dies import crash_and_steal
from tests.calls.test_sound_quality import story_of
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import NUMBER, TO_ANNA, Office, assert_both_hear, office
from tests.media.dtls_peer import DtlsPeer
from tests.media.engines import engine_on

DTLS = SoundProfile(srtp=SrtpPolicy.DTLS)
START_S = 0.6
"""How long a media worker takes to start."""
TWO_PHONES = """
[[step]]
ring = ["101"]
for = "20s"

[[step]]
ring = ["102"]
for = "20s"

[[step]]
voicemail = "sales"
"""


async def shaking(phone: Softphone) -> Softphone:
    phone.profile = DTLS
    return phone


def show_another_certificate(phone: CallerLeg) -> None:
    """Let the answer of ``phone`` name a certificate that is not the one it shows."""
    phone._answer = re.sub(rb"(a=fingerprint:sha-256 )..:..:..", rb"\g<1>00:00:00", phone._answer)


def handshake_of(leg: Leg) -> Handshake:
    """Return how the keys of a far end came about."""
    assert leg.media.agreement is not None
    assert leg.media.agreement.handshake is not None
    return leg.media.agreement.handshake


def watch(demo: Office, leg: Leg | None = None) -> list[bytes]:
    """Return a list that fills with all datagrams of sound and handshakes, or with those of ``leg``."""
    wire: list[bytes] = []

    def note(content: bytes, *ends: tuple[str, int]) -> bool:
        if leg is None or leg.media.address in ends:
            wire.append(content)
        return False

    demo.rtp.drop = note
    return wire


@virtual_time(limit_s=600)
async def test_rfc5763_5_a_phone_with_dtls_and_a_plain_trunk_hear_each_other_and_the_journal_says_so(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=phones("dtls")) as demo:
        anna = await shaking(await demo.phone("101", Habit(answers_after=1)))
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        phone = anna.invitations[0].leg
        await asyncio.sleep(0.1)
        await assert_both_hear(leg, phone, tmp_path)
        [stream] = offers(demo, 5101)
        assert (stream.protocol, stream.attribute("setup")) == ("UDP/TLS/RTP/SAVP", "actpass")
        assert stream.attribute("crypto") is None
        assert (stream.attribute("fingerprint") or "").startswith("sha-256 ")
        leg.hang_up()
        told = (await story_of(demo)).legs
        assert [" encrypted" in leg_in_words(each) for each in told] == [False, True]
        await demo.settled()


@pytest.mark.parametrize(
    ("policy", "is_answered"), [("off", False), ("offered", True), ("required", True), ("dtls", True)]
)
def test_rfc5763_a_phone_that_offers_dtls_is_answered_with_it_unless_srtp_is_off(
    policy: str, is_answered: bool, tmp_path: Path
) -> None:
    @virtual_time(limit_s=600)
    async def played() -> None:
        async with office(tmp_path, change=person("anna", policy)) as demo:
            anna = await shaking(await demo.phone("101"))
            piotr = await demo.phone("102", Habit(answers_after=1))
            call = await demo.call_from(anna, "101", "102")
            if is_answered:
                leg = await call.answered(within=4)
                await asyncio.sleep(0.1)
                await assert_both_hear(leg, piotr.invitations[0].leg, tmp_path)
                assert handshake_of(leg).is_client, "we wait for who may be behind NAT"
                leg.hang_up()
            else:
                with pytest.raises(CallRefused) as refused:
                    await call.answered(within=4)
                assert refused.value.status == 488
            await demo.settled()

    played()


@pytest.mark.parametrize("policy", [SrtpPolicy.OFF, SrtpPolicy.REQUIRED])
def test_where_dtls_is_demanded_nobody_talks_in_the_clear_or_by_keys_in_sdp(
    policy: SrtpPolicy, tmp_path: Path
) -> None:
    @virtual_time(limit_s=600)
    async def played() -> None:
        async with office(tmp_path, change=phones("dtls")) as demo:
            anna, piotr = await demo.phone("101"), await demo.phone("102", Habit(answers_after=1))
            anna.profile = SoundProfile(srtp=policy)  # and Piotr's phone has no SRTP at all
            with pytest.raises(CallRefused) as refused:
                await (await demo.call_from(anna, "101", "102")).answered(within=4)
            assert refused.value.status == 488
            await shaking(anna)
            await demo.call_from(anna, "101", "102")
            await asyncio.sleep(4)
            assert piotr.invitations == [], "it refuses what it cannot do"
            assert {stream.protocol for stream in offers(demo, 5102)} == {"UDP/TLS/RTP/SAVP"}

    played()


@virtual_time(limit_s=600)
async def test_rfc8842_5_hold_and_resume_keep_the_association(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=phones("dtls")) as demo:
        anna = await shaking(await demo.phone("101", Habit(answers_after=1)))
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        phone = anna.invitations[0].leg
        await asyncio.sleep(0.1)
        before, wire = handshake_of(phone), watch(demo)
        await again(phone, "sendonly")
        await asyncio.sleep(1)
        await again(phone, "sendrecv")
        await assert_both_hear(leg, phone, tmp_path)
        assert handshake_of(phone) == before
        assert all(datagram[0] >= 128 for datagram in wire), "nobody has shaken hands once more"
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_rfc5763_6_6_an_invite_without_offer_gets_one_of_dtls_and_is_heard_once_it_has_answered(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=trunks("dtls")) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        trunk = await demo.softphone("trunk", 6900)
        media = await trunk._engine.open_leg(has_certificate=True)

        def answer(offer: bytes) -> bytes:
            local = LocalMedia(*media.address, 1, 1, srtp=SrtpPolicy.DTLS, fingerprint=media.fingerprint)
            body, agreement = make_answer(offer, local)
            media.connect(agreement)
            return body

        session = await call_without_offer(trunk, answer)
        anna.invitations[0].leg.loop([Tone((1100.0,), 1.0)])
        recording = media.record(tmp_path / "trunk.wav")
        await asyncio.sleep(2)
        hearing = Hearing.of_file((await recording.stop()).path)
        assert hearing.seconds_of(1100.0) > 1.6
        assert (hearing.gaps(), hearing.clipping()) == ([], [])
        session.bye()
        await media.close()
        await demo.settled()


@pytest.mark.parametrize("is_stolen", [False, True])
def test_when_the_media_worker_dies_the_next_one_goes_on_by_the_keys_and_nobody_shakes_hands_once_more(
    is_stolen: bool, tmp_path: Path
) -> None:
    @virtual_time(limit_s=600)
    async def played() -> None:
        async with office(tmp_path, scheme=TO_ANNA, change=phones("dtls"), worker_starts_in=START_S) as demo:
            anna = await shaking(await demo.phone("101", Habit(answers_after=1)))
            caller = await (await demo.call_in(NUMBER)).answered(within=5)
            phone = anna.invitations[0].leg
            await asyncio.sleep(0.1)
            await assert_both_hear(caller, phone, tmp_path, name="-before")
            before, wire, told = handshake_of(phone), watch(demo), len(demo.network.log)
            if is_stolen:
                await crash_and_steal(demo, caller, phone)
            else:
                demo.crash_media()
                await asyncio.sleep(START_S)
            await asyncio.sleep(0.5)
            await assert_both_hear(caller, phone, tmp_path, name="-after")
            assert (len(demo.network.log) == told) is not is_stolen
            await again(phone, "sendonly")
            await again(phone, "sendrecv")
            await assert_both_hear(caller, phone, tmp_path, name="-resumed")
            assert handshake_of(phone) == before
            assert all(datagram[0] >= 128 for datagram in wire)
            caller.hang_up()
            [call] = await demo.stories()
            assert call.outcome is CallOutcome.TALKED
            await demo.settled()

    played()


@virtual_time(limit_s=600)
async def test_a_handshake_during_which_the_media_worker_dies_is_done_by_the_next_one(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=phones("dtls"), worker_starts_in=START_S) as demo:
        anna = await shaking(await demo.phone("101", Habit(answers_after=1)))
        demo.rtp.drop = lambda content, *_: content[0] < 64
        caller = await (await demo.call_in(NUMBER)).answered(within=5)
        phone = anna.invitations[0].leg
        await asyncio.sleep(0.1)
        demo.crash_media()
        await asyncio.sleep(START_S + 0.5)
        demo.rtp.drop = None
        phone.media.on_unsecured = None
        async with asyncio.timeout(20):  # until the phone, which gets no answer, begins anew
            while phone.media.agreement is None or phone.media.agreement.keys is None:
                await asyncio.sleep(0.1)
        await assert_both_hear(caller, phone, tmp_path)
        caller.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_rfc5763_5_a_phone_with_another_certificate_than_it_told_is_hung_up_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with office(tmp_path, change=phones("dtls")) as demo:
        anna = await shaking(await demo.phone("101"))
        piotr = await shaking(await demo.phone("102", Habit(answers_after=1)))
        placed = await demo.call_from(anna, "101", "102")
        phone = (await piotr.invited(within=3)).leg
        wire = watch(demo, phone)
        show_another_certificate(phone)
        leg = await placed.answered(within=4)
        await asyncio.sleep(0.5)
        assert not phone.is_up
        assert "is neither heard nor hears: its certificate is not the one that its SDP names" in caplog.text
        assert all(datagram[0] < 64 for datagram in wire), "and nothing was said in the clear meanwhile"
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_caller_given_to_a_phone_whose_keys_do_not_come_goes_on_to_the_next_step(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TWO_PHONES, change=phones("dtls")) as demo:
        anna = await shaking(await demo.phone("101", Habit(answers_after=1)))
        piotr = await shaking(await demo.phone("102", Habit(answers_after=1)))
        placed = await demo.call_in(NUMBER)
        phone = (await anna.invited(within=3)).leg
        show_another_certificate(phone)
        leg = await placed.answered(within=6)
        other = (await piotr.invited(within=5)).leg
        await asyncio.sleep(2)
        await assert_both_hear(leg, other, tmp_path)
        leg.hang_up()
        (call,) = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        assert "its sound could not be encrypted: its certificate is not the one" in story(call)
        await demo.settled()


@asynccontextmanager
async def waiting(*, sends: bool = True) -> AsyncIterator[tuple[Nobody, DtlsPeer]]:
    """Return a leg that waits for the handshake of a far end, which does not begin yet."""
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    try:
        anna = DtlsPeer(network, 4000)
        media = await engine.open_leg(has_certificate=True)
        leg = Nobody("anna", media, profile=SoundProfile(), number="101")
        agreed = anna.secured(media, leg_begins=False)
        leg.connect(agreed if sends else replace(agreed, remote=None, sends=False))
        yield leg, anna
    finally:
        await engine.close()


@virtual_time
async def test_who_shakes_hands_only_when_they_have_answered_may_have_rung_for_long() -> None:
    async with waiting() as (leg, anna):
        await asyncio.sleep(14.8)
        leg.answered_at = asyncio.get_running_loop().time()
        await asyncio.sleep(0.5)
        assert leg.is_up
        anna.begin(leg.media.address)
        await asyncio.sleep(1)
        assert leg.is_up
        assert leg.media.agreement is not None
        assert leg.media.agreement.keys is not None


@virtual_time
async def test_who_never_shakes_hands_is_let_go_some_seconds_after_their_answer_unless_they_hold() -> None:
    async with waiting() as (leg, _):
        leg.answered_at = asyncio.get_running_loop().time()
        await asyncio.sleep(20)
        assert not leg.is_up
    async with waiting(sends=False) as (leg, _):
        leg.answered_at = asyncio.get_running_loop().time()
        await asyncio.sleep(20)
        assert leg.is_up
