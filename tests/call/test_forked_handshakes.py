"""A call that a carrier sends on to two phones at once, each of which shakes hands with us."""

from __future__ import annotations

import asyncio

from b2bua.call.callee import CalleeLeg, Dial
from b2bua.call.sound import SoundProfile
from b2bua.sip.headers import NameAddr
from media.commands import Tone
from media.memory import MemoryRtpNetwork
from media.sdp import LocalMedia, make_answer
from media.sdp.crypto import SrtpPolicy
from tests.harness.clock import virtual_time
from tests.harness.office import SERVER
from tests.media.dtls_peer import DtlsPeer
from tests.media.engines import engine_on


def answer_of(phone: DtlsPeer, leg: CalleeLeg) -> bytes:
    """Return what ``phone`` answers, which waits for our handshake from now on."""
    phone.expect(leg.media, leg_begins=True)
    mark = phone.certificate.fingerprint
    local = LocalMedia(*phone.address, 1, 1, srtp=SrtpPolicy.DTLS, fingerprint=mark, waits=True)
    return make_answer(leg._offer, local)[0]


@virtual_time
async def test_of_a_fork_each_goes_on_by_its_keys_though_others_were_heard_meanwhile() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, piotr = (DtlsPeer(network, port, number=number) for number, port in enumerate((4000, 4002)))
    dial = Dial("+48221230001", "sip:1@127.0.0.1", SERVER, NameAddr.parse("<sip:2@127.0.0.1>"))
    media = await engine.open_leg(has_certificate=True)
    leg = CalleeLeg(dial, media, SoundProfile(srtp=SrtpPolicy.DTLS))
    answers = [answer_of(phone, leg) for phone in (anna, piotr)]
    for pitch, answer in zip((400.0, 2000.0, 1000.0), (*answers, answers[0]), strict=True):
        leg.hear_early(answer)
        await asyncio.sleep(0.2)
        assert media.agreement is not None
        assert media.agreement.keys is not None
        assert await media.play([Tone((pitch,), 0.4)]).finished()
        await asyncio.sleep(0.1)
    pitches = 400.0, 1000.0, 2000.0
    assert [pitch for pitch, _ in anna.hearing().melody(*pitches)] == [400.0, 1000.0]
    assert [pitch for pitch, _ in piotr.hearing().melody(*pitches)] == [2000.0]
    assert len({each.packet.ssrc for each in anna.heard}) == 2, "else one key would encrypt two packets"
    await leg.close()
    await engine.close()
