"""Legs whose keys come by a handshake: what far ends hear, what is recorded, what nobody hears before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.client import MediaEngine, MediaLeg, Tone
from media.memory import MemoryRtpNetwork
from media.rtp import ReceiverReport, ReportBlock, SenderReport, build_rtcp, parse_rtcp
from media.tones import tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing, Party, deaf
from tests.harness.soundfiles import silence
from tests.media.dtls_peer import DtlsPeer, certificate
from tests.media.engines import engine_on
from tests.media.peer import Peer

OTHER_HOST = "192.0.2.99"


async def leg_of(engine: MediaEngine) -> MediaLeg:
    return await engine.open_leg(has_certificate=True)


@pytest.mark.parametrize("leg_begins", [True, False], ids=["we begin", "they begin"])
def test_rfc5764_4_a_leg_and_its_far_end_hear_each_other_once_they_have_shaken_hands(
    leg_begins: bool, tmp_path: Path
) -> None:
    @virtual_time
    async def played() -> None:
        network = MemoryRtpNetwork()
        engine = await engine_on(network)
        anna, bob = DtlsPeer(network, 4000), Peer(network, 4002)
        a, b = await leg_of(engine), await engine.open_leg()
        digits: list[str] = []
        a.on_digit = digits.append
        a.connect(anna.secured(a, leg_begins=leg_begins))
        b.connect(bob.agreement())
        a.bridge(b)
        if not leg_begins:
            anna.begin(a.address)
        await asyncio.sleep(0.1)
        recording = a.record(tmp_path / "anna.wav")
        async with asyncio.TaskGroup() as both:
            both.create_task(anna.say(tone((1000.0,), 0.6, 8000), a.address))
            both.create_task(bob.say(tone((400.0,), 0.6, 8000), b.address))
        await anna.press("5", a.address)
        await asyncio.sleep(0.1)
        summary = await recording.stop()
        await a.close()
        parties = Party("anna", 1000.0, anna.hearing()), Party("bob", 400.0, bob.hearing())
        assert (deaf(*parties, for_s=0.6), digits, bob.pressed()) == ([], ["5"], "5")
        assert Hearing.of_file(summary.path).melody(400.0, 1000.0) == [(1000.0, 0.6)]
        assert (anna.garbage, a.statistics["forged"], a.statistics["malformed"], a.unsecured) == (0, 0, 0, "")
        assert a.source is None
        await engine.close()

    played()


@virtual_time
async def test_rfc5763_6_7_nothing_is_sent_or_heard_before_the_handshake_is_over() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = DtlsPeer(network, 4000), Peer(network, 4002)
    a, b = await leg_of(engine), await engine.open_leg()
    a.connect(anna.secured(a, leg_begins=True, is_multiplexed=True))
    b.connect(bob.agreement())
    a.bridge(b)
    anna.association = None
    a.fill_pauses()
    await bob.say(tone((400.0,), 6.0, 8000), b.address)
    await anna.say(tone((1000.0,), 0.4, 8000), a.address)
    await a.close()
    assert bob.heard == []
    assert anna.wire
    assert {datagram[0] for datagram in anna.wire} == {22}, "handshakes, and no report or sound"
    assert (a.is_heard, a.statistics["packets"]) == (False, 0)
    await engine.close()


@virtual_time
async def test_what_is_played_and_pressed_before_the_handshake_is_over_is_heard_whole_after_it() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    leg.send_digits("5")
    playback = leg.play([Tone((1000.0,), 0.6)])
    leg.connect(anna.secured(leg, leg_begins=False))
    await asyncio.sleep(1.0)
    anna.begin(leg.address)
    assert await playback.finished()
    await asyncio.sleep(0.1)
    key = sum(each.packet.payload_type == anna.event for each in anna.heard)
    heard_s = anna.hearing().seconds_of(1000.0) + key * 0.02
    assert heard_s >= 0.6, "but for the packets in whose place the key was"
    assert (anna.pressed(), anna.hearing().clipping()) == ("5", [])
    await engine.close()


@pytest.mark.parametrize("leg_begins", [True, False])
@virtual_time
async def test_rfc5764_3_reports_on_a_port_of_their_own_have_a_handshake_of_their_own(
    leg_begins: bool,
) -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    above = leg.address[0], leg.address[1] + 1
    reports = DtlsPeer(network, 4001 if leg_begins else 4777)  # a NAT has another port for them
    stranger = DtlsPeer(network, 4001, host=OTHER_HOST)
    leg.connect(anna.secured(leg, leg_begins=leg_begins))
    reports.expect(leg, leg_begins=leg_begins)
    stranger.expect(leg, leg_begins=False)
    stranger.begin(above)
    await asyncio.sleep(0.01)
    if not leg_begins:
        anna.begin(leg.address)
    leg.play([Tone((1000.0,), 1.0)], loop=True)
    await asyncio.sleep(6)
    if not leg_begins:
        assert reports.wire == [], "no report leaves by the keys of sound"
        reports.begin(above)
    await asyncio.sleep(12)
    assert reports.srtp is not None
    assert anna.srtp is not None
    told = [plain for each in reports.wire if each[0] >= 128 and (plain := reports.srtp.unprotect_rtcp(each))]
    assert parse_rtcp(told[0])[0].ssrc == anna.heard[0].packet.ssrc  # type: ignore[union-attr]
    [sent] = [each for each in parse_rtcp(told[-1]) if isinstance(each, SenderReport)]
    heard = ReportBlock(sent.ssrc, 0, 7, 0, 0, 0, 0)
    for session, lost in ((anna.srtp, 9), (reports.srtp, 7)):
        report = build_rtcp(ReceiverReport(anna.ssrc, (replace(heard, lost=lost),)))
        network.send(session.protect_rtcp(report), source=reports.address, destination=above)
        await asyncio.sleep(0.1)
    await leg.close()
    assert leg.statistics["remote_lost"] == 7, "a report by the keys of sound counts for nothing"
    assert stranger.wire == [], "nobody is answered who is at neither address that we know"
    await engine.close()


@pytest.mark.parametrize("leg_begins", [True, False])
@virtual_time
async def test_rfc3605_2_1_reports_go_where_the_sdp_says_whichever_handshake_is_over_first(
    leg_begins: bool,
) -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, reports = DtlsPeer(network, 4000), DtlsPeer(network, 53020)
    leg = await leg_of(engine)
    leg.connect(anna.secured(leg, leg_begins=leg_begins, remote_rtcp=reports.address))
    reports.expect(leg, leg_begins=leg_begins)
    if not leg_begins:
        reports.begin((leg.address[0], leg.address[1] + 1))
        await asyncio.sleep(0.1)
        anna.begin(leg.address)
    leg.play([Tone((1000.0,), 1.0)], loop=True)
    await asyncio.sleep(6)
    assert reports.srtp is not None
    assert [each for each in reports.wire if each[0] >= 128 and reports.srtp.unprotect_rtcp(each)]
    await engine.close()


@virtual_time
async def test_rfc5763_7_1_whoever_answers_may_begin_before_we_have_read_the_answer() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = DtlsPeer(network, 4000)
    leg = await leg_of(engine)
    agreed = anna.secured(leg, leg_begins=False)
    anna.begin(leg.address)
    await asyncio.sleep(0.2)
    leg.connect(agreed)
    await asyncio.sleep(0.05)
    assert anna.srtp is not None
    assert await leg.play([Tone((1000.0,), 0.4)]).finished()
    await asyncio.sleep(0.1)
    assert anna.hearing().melody(1000.0) == [(1000.0, 0.4)]
    await engine.close()


@virtual_time
async def test_rfc8842_3_1_whoever_begins_anew_may_do_so_before_we_have_read_why() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    leg.connect(anna.secured(leg, leg_begins=False))
    anna.begin(leg.address)
    await asyncio.sleep(0.1)
    assert anna.srtp is not None
    anna.certificate = certificate(1)
    agreed = anna.secured(leg, leg_begins=False)
    anna.begin(leg.address)
    await asyncio.sleep(0.2)
    assert anna.srtp is None
    leg.connect(agreed)
    await asyncio.sleep(0.05)
    assert anna.srtp is not None
    await engine.close()


@virtual_time
async def test_rfc5764_5_1_1_reports_on_the_port_of_sound_go_by_its_keys_both_ways() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    leg.connect(anna.secured(leg, leg_begins=True, is_multiplexed=True))
    leg.play([Tone((1000.0,), 1.0)], loop=True)
    await asyncio.sleep(6)
    assert anna.srtp is not None
    [told, *_] = [plain for each in anna.wire if (plain := anna.srtp.unprotect_rtcp(each)) is not None]
    [sent, *_] = parse_rtcp(told)
    assert isinstance(sent, SenderReport)
    assert sent.ssrc == anna.heard[0].packet.ssrc
    report = build_rtcp(ReceiverReport(anna.ssrc, (ReportBlock(sent.ssrc, 0, 7, 0, 0, 0, 0),)))
    network.send(anna.srtp.protect_rtcp(report), source=anna.address, destination=leg.address)
    await asyncio.sleep(0.1)
    await leg.close()
    assert leg.statistics["remote_lost"] == 7
    await engine.close()


@pytest.mark.parametrize("leg_begins", [True, False])
def test_rfc5763_5_another_certificate_than_that_of_the_sdp_is_silence_both_ways_and_told(
    leg_begins: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @virtual_time
    async def played() -> None:
        network = MemoryRtpNetwork()
        engine = await engine_on(network)
        anna = DtlsPeer(network, 4000)
        leg = await engine.open_leg("Anna Nowak", has_certificate=True)
        told: list[str] = []
        leg.on_unsecured = told.append
        agreed = anna.secured(leg, leg_begins=leg_begins)
        anna.certificate = certificate(1)
        anna.expect(leg, leg_begins=leg_begins)
        leg.connect(agreed)
        if not leg_begins:
            anna.begin(leg.address)
        recording = leg.record(tmp_path / "anna.wav")
        playback = leg.play([Tone((1000.0,), 0.4)])
        await asyncio.sleep(0.2)
        await anna.say(tone((1000.0,), 0.3, 8000), leg.address)
        summary = await recording.stop()
        assert summary.is_silent
        assert told == ["its certificate is not the one that its SDP names"]
        assert f"Anna Nowak is neither heard nor hears: {told[0]}" in caplog.text
        assert all(datagram[0] < 64 for datagram in anna.wire)
        assert anna.association is not None
        assert anna.association.keys is None
        assert await playback.finished()
        await engine.close()

    played()


@virtual_time
async def test_a_far_end_that_never_shakes_hands_is_told_of_in_time_and_may_still_do_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, told = DtlsPeer(network, 4000), list[float]()
    leg = await leg_of(engine)
    loop = asyncio.get_running_loop()
    leg.on_unsecured = lambda _: told.append(loop.time())
    agreed, began = anna.secured(leg, leg_begins=False), loop.time()
    leg.connect(agreed)
    playback = leg.play([Tone((1000.0,), 0.2)])
    await asyncio.sleep(31.0)
    assert playback.is_over, "nobody waits for ever for a sound that cannot be heard"
    assert [at - began for at in told] == [pytest.approx(15.0, abs=0.2), pytest.approx(30.0, abs=0.4)]
    assert caplog.text.count("the far end did not take part in the handshake") == 1
    assert leg.unsecured == "", "it may come yet"
    anna.begin(leg.address)
    await asyncio.sleep(0.1)
    assert anna.srtp is not None
    await engine.close()


@virtual_time
async def test_strangers_cannot_shake_hands_nor_keep_the_far_end_from_it() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    strangers = [
        DtlsPeer(network, port, host=host, number=1)
        for host, port in ((OTHER_HOST, 4000), *((anna.address[0], port) for port in range(5000, 5010, 2)))
    ]
    leg.connect(anna.secured(leg, leg_begins=False))
    for stranger in strangers:
        stranger.expect(leg, leg_begins=False)
        stranger.begin(leg.address)
    await asyncio.sleep(0.1)
    assert strangers[0].wire == [], "nobody is answered who is at neither address that we know"
    assert all(stranger.srtp is None for stranger in strangers)
    anna.begin(leg.address)
    await asyncio.sleep(0.1)
    assert anna.srtp is not None
    for stranger in strangers:
        stranger.expect(leg, leg_begins=False)
        stranger.begin(leg.address)
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    await leg.close()
    assert (leg.statistics["packets"], leg.unsecured) == (10, "")
    assert leg.statistics["strangers"] > 1
    await engine.close()


@virtual_time
async def test_rfc8842_5_a_handshake_goes_on_at_another_address_and_heeds_the_former_no_more() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    former, anna, reports = (DtlsPeer(network, port) for port in (4444, 4000, 4001))
    leg, late = await leg_of(engine), list[bytes]()
    network.drop = lambda content, source, _: source == former.address and not late.append(content)
    leg.connect(former.secured(leg, leg_begins=True))
    await asyncio.sleep(0.1)
    leg.connect(anna.secured(leg, leg_begins=True))
    reports.expect(leg, leg_begins=True)
    network.drop = None
    for content in late:
        former.post(content, leg.address)
    await asyncio.sleep(0.1)
    assert late
    assert anna.srtp is not None
    assert reports.srtp is not None
    await engine.close()


@virtual_time
async def test_an_alert_from_where_nobody_is_expected_ends_no_handshake() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    leg.connect(anna.secured(leg, leg_begins=True))
    handshake_failure = record(21, b"\x02\x28")
    network.send(handshake_failure, source=(anna.address[0], 5000), destination=leg.address)
    await asyncio.sleep(0.1)
    assert anna.srtp is not None
    assert await leg.play([Tone((1000.0,), 0.2)]).finished()
    await asyncio.sleep(0.1)
    assert (anna.hearing().melody(1000.0), leg.unsecured) == ([(1000.0, 0.2)], "")
    await engine.close()


@virtual_time
async def test_beyond_nat_the_far_end_shakes_hands_from_where_its_signalling_comes_from() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 7000, host=OTHER_HOST), await leg_of(engine)
    agreed = anna.secured(leg, leg_begins=False, remote=("192.168.1.7", 4000))
    leg.connect(agreed, allows_nat=True, peer_host=OTHER_HOST)
    anna.begin(leg.address)
    await asyncio.sleep(0.1)
    assert await leg.play([Tone((1000.0,), 0.2)]).finished()
    await asyncio.sleep(0.1)
    assert (anna.hearing().melody(1000.0), leg.source) == ([(1000.0, 0.2)], anna.address)
    await engine.close()


@virtual_time
async def test_a_handshake_that_is_replayed_changes_nothing() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    seen: list[bytes] = []
    network.drop = lambda content, source, _: bool(source == anna.address and seen.append(content))
    leg.connect(anna.secured(leg, leg_begins=False))
    anna.begin(leg.address)
    await asyncio.sleep(0.1)
    await anna.say(tone((1000.0,), 0.1, 8000), leg.address)
    keys = anna.association.keys if anna.association else None
    for content in tuple(seen):
        network.send(content, source=anna.address, destination=leg.address)
        network.send(content, source=(OTHER_HOST, 9), destination=leg.address)
    await asyncio.sleep(0.1)
    await anna.say(tone((1000.0,), 0.1, 8000), leg.address)
    assert await leg.play([Tone((1000.0,), 0.2)]).finished()
    await asyncio.sleep(0.1)
    assert (anna.hearing().melody(1000.0), anna.garbage) == ([(1000.0, 0.2)], 0)
    assert anna.association is not None
    assert anna.association.keys == keys
    await leg.close()
    assert (leg.statistics["packets"], leg.statistics["replayed"]) == (10, 10)
    await engine.close()


@virtual_time
async def test_rfc8842_3_1_the_association_goes_on_while_fingerprints_do_and_another_one_begins_anew() -> (
    None
):
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
    reports = DtlsPeer(network, 4001)
    leg.connect(anna.secured(leg, leg_begins=True))
    reports.expect(leg, leg_begins=True)
    await asyncio.sleep(0.1)
    session, greetings, of_reports = anna.srtp, len(anna.wire), len(reports.wire)
    assert leg.agreement is not None
    assert reports.srtp is not None
    for changes in ({"sends": False, "remote": None}, {}):
        leg.connect(anna.agreement(handshake=leg.agreement.handshake, **changes))  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
    assert all(datagram[0] >= 128 for datagram in anna.wire[greetings:] + reports.wire[of_reports:])
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    anna.certificate = certificate(1)
    leg.connect(anna.secured(leg, leg_begins=True))
    await asyncio.sleep(0.1)
    assert anna.srtp not in (None, session)
    await anna.say(tone((1000.0,), 0.2, 8000), leg.address)
    assert await leg.play([Tone((1000.0,), 0.2)]).finished()
    await asyncio.sleep(0.1)
    await leg.close()
    assert (anna.hearing().melody(1000.0), leg.statistics["packets"]) == ([(1000.0, 0.2)], 20)
    await engine.close()


@virtual_time
async def test_two_workers_that_make_their_first_certificates_at_once_come_to_have_the_same() -> None:
    network = MemoryRtpNetwork()
    engine = await MediaEngine.in_process(network=network, workers=2)
    anna, bob = DtlsPeer(network, 4000), Peer(network, 4002)
    a, b = await asyncio.gather(leg_of(engine), leg_of(engine))
    assert a.slot is not b.slot
    assert a.fingerprint == b.fingerprint != ""
    a.connect(anna.secured(a, leg_begins=False))
    b.connect(bob.agreement())
    a.bridge(b)
    await asyncio.sleep(0.1)
    assert a.slot is b.slot
    anna.begin(a.address)
    await asyncio.sleep(0.1)
    await bob.say(tone((400.0,), 0.3, 8000), b.address)
    assert anna.hearing().melody(400.0) == [(400.0, 0.3)]
    await engine.close()


@virtual_time
async def test_a_leg_that_was_opened_without_a_certificate_has_none_whatever_others_have() -> None:
    engine = await engine_on(MemoryRtpNetwork())
    plain, certified = await engine.open_leg(), await leg_of(engine)
    assert (plain.fingerprint, certified.fingerprint != "") == ("", True)
    await engine.close()


def record(kind: int, body: bytes) -> bytes:
    """Return a record of DTLS 1.2 in the clear."""
    return bytes([kind]) + b"\xfe\xfd" + bytes(8) + len(body).to_bytes(2, "big") + body


RECORDS = st.builds(record, st.integers(20, 23), st.binary(max_size=40))
GARBAGE = st.one_of(RECORDS, st.builds(lambda tail: b"\x16" + tail, st.binary(max_size=80)))


@settings(max_examples=30)
@given(st.lists(st.tuples(GARBAGE, st.integers(0, 3)), max_size=8))
def test_garbage_amid_a_handshake_breaks_nothing(rubbish: list[tuple[bytes, int]]) -> None:
    @virtual_time
    async def played() -> None:
        network = MemoryRtpNetwork()
        engine = await engine_on(network)
        anna, leg = DtlsPeer(network, 4000), await leg_of(engine)
        stranger = (anna.address[0], 5000)
        leg.connect(anna.secured(leg, leg_begins=False))

        def throw(moment: int) -> None:
            for content, at in rubbish:
                if at == moment:
                    for source in (stranger, (OTHER_HOST, 4000)):
                        network.send(content, source=source, destination=leg.address)

        throw(0)
        anna.begin(leg.address)
        throw(1)
        await asyncio.sleep(0.0015)
        throw(2)
        await asyncio.sleep(0.1)
        throw(3)
        await asyncio.sleep(0.1)
        await anna.say(silence(0.2, 8000), leg.address)
        await leg.close()
        assert (leg.statistics["packets"], leg.unsecured) == (10, "")
        await engine.close()

    played()
