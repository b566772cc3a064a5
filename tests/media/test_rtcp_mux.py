"""RTP and RTCP on one port (RFC 5761): agreed where it is offered, told apart, protected too."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace

import pytest

from media.client import MediaEngine, Tone
from media.memory import MemoryRtpNetwork
from media.rtp import Goodbye, ReceiverReport, ReportBlock, SenderReport, build_rtcp, parse_rtcp
from media.sdp import LocalMedia, make_answer, make_offer, read_answer
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.ports import media_ports
from tests.media.engines import engine_on, until
from tests.media.peer import Peer
from tests.media.test_srtp_legs import keys_of
from tests.media.udp_peer import UdpPeer

HOST = "10.0.0.9"
OURS = LocalMedia("198.51.100.1", 10_000, session_id=4711, version=3)
OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
REPORT_WITHIN_S = 6.0


def offer(formats: str = "8 101", *, event: int = 101, mux: str = "a=rtcp-mux\r\n") -> bytes:
    stream = f"m=audio 4000 RTP/AVP {formats}\r\na=rtpmap:{event} telephone-event/8000\r\n{mux}"
    return (OFFER + stream).encode()


def has_mux(body: bytes) -> bool:
    return "a=rtcp-mux" in body.decode().split("\r\n")


def report(ssrc: int) -> bytes:
    """Return a sender report that names no source, as a far end sends it that has heard nothing yet."""
    return build_rtcp(SenderReport(ssrc, 1 << 40, 8000, 10, 1600, ()))


# --- offer and answer -------------------------------------------------------------------------------------


def test_rfc5761_5_1_1_it_is_answered_where_it_is_offered_and_nowhere_else() -> None:
    answer, agreement = make_answer(offer(), OURS)
    assert has_mux(answer)
    assert agreement.is_multiplexed
    answer, agreement = make_answer(offer(mux=""), OURS)
    assert not has_mux(answer)
    assert not agreement.is_multiplexed


def test_rfc5761_5_1_1_we_do_not_ask_for_it_and_an_answer_that_grants_it_unasked_grants_nothing() -> None:
    ours = make_offer(OURS)
    assert not has_mux(ours)
    answer = make_answer(offer(), OURS)[0].replace(b"198.51.100.1", b"192.0.2.7")
    assert has_mux(answer)
    assert not read_answer(ours, answer).is_multiplexed


def test_rfc5761_5_1_1_later_offers_of_ours_ask_for_what_was_agreed() -> None:
    agreed = make_answer(offer(), OURS)[1]
    again = make_offer(OURS.after(agreed))
    assert has_mux(again)
    granted = make_answer(again, OURS)[0]
    assert read_answer(again, granted).is_multiplexed
    refused = granted.replace(b"a=rtcp-mux\r\n", b"")
    ended = read_answer(again, refused)
    assert not ended.is_multiplexed
    assert not has_mux(make_offer(OURS.after(agreed).after(ended)))


@pytest.mark.parametrize("number", [64, 72, 95])
def test_rfc5761_4_payload_types_that_look_like_rtcp_keep_two_ports(number: int) -> None:
    answer, agreement = make_answer(offer(f"8 {number}", event=number), OURS)
    assert agreement.telephone_event == number
    assert not has_mux(answer)
    assert not agreement.is_multiplexed


# --- on the wire ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_protected", [False, True], ids=["rtp", "srtp"])
@virtual_time
async def test_rfc5761_4_reports_come_and_go_over_the_rtp_port(is_protected: bool) -> None:
    network = MemoryRtpNetwork()
    wire: list[tuple[bytes, int, int]] = []
    network.drop = lambda content, source, to: bool(wire.append((content, source[1], to[1])))
    engine = await engine_on(network)
    anna = Peer(network, 4000, keys=keys_of() if is_protected else None)
    leg = await engine.open_leg()
    leg.connect(anna.agreement(is_multiplexed=True))
    network.bind((HOST, leg.address[1] + 1), lambda *_: None)  # free again
    anna.send(b"\xd5" * 160, leg.address)
    leg.play([Tone((1000.0,), 1.0)], loop=True)
    await asyncio.sleep(REPORT_WITHIN_S)
    heard = anna.hearing(is_timed=True)
    assert heard.seconds_of(1000.0) == pytest.approx(REPORT_WITHIN_S, abs=0.05)
    assert heard.gaps() == heard.clipping() == []
    ours = [content for content, _, to in wire if to == 4000 and 192 <= content[1] <= 223]
    assert ours
    assert {(source, to) for _, source, to in wire} == {(leg.address[1], 4000), (4000, leg.address[1])}
    plain = ours[0] if anna.srtp is None else anna.srtp.unprotect_rtcp(ours[0])
    assert plain is not None
    assert plain != ours[0] or not is_protected
    told = parse_rtcp(plain)[0]
    assert isinstance(told, SenderReport)
    answer = _answer(told, anna.ssrc)
    protected = answer if anna.srtp is None else anna.srtp.protect_rtcp(answer)
    network.send(protected, source=anna.address, destination=leg.address)
    await asyncio.sleep(0.1)
    await leg.close()
    last = wire[-1][0] if anna.srtp is None else anna.srtp.unprotect_rtcp(wire[-1][0])
    assert parse_rtcp(last or b"")[-1] == Goodbye((told.ssrc,))
    assert leg.statistics["round_trip_ms"] < REPORT_WITHIN_S * 1000
    assert (leg.statistics["malformed"], leg.statistics["unknown"], leg.statistics["strangers"]) == (0, 0, 0)
    assert leg.statistics["packets"] == 1
    await engine.close()


def _answer(told: SenderReport, ssrc: int) -> bytes:
    """Return what a far end reports of the stream of ``told``."""
    block = ReportBlock(told.ssrc, 0, 0, 1, 0, told.ntp_time >> 16 & 0xFFFF_FFFF, 0)
    return build_rtcp(ReceiverReport(ssrc, (block,)))


@virtual_time
async def test_rfc5761_4_reports_reach_nobody_who_is_bridged_or_recorded_and_strangers_are_not_believed() -> (
    None
):
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000), Peer(network, 5000, host="10.0.0.2")
    a, b = await engine.open_leg(), await engine.open_leg()
    a.connect(anna.agreement(is_multiplexed=True))
    b.connect(bob.agreement())
    a.bridge(b)
    for _ in range(5):
        anna.send(b"\xd5" * 160, a.address)
        network.send(report(anna.ssrc), source=anna.address, destination=a.address)
        network.send(report(anna.ssrc), source=("10.0.0.66", 4000), destination=a.address)
        await asyncio.sleep(0.02)
    assert len(bob.heard) == 5
    assert {each.packet.payload_type for each in bob.heard} == {8}
    await a.close()
    assert (a.statistics["packets"], a.statistics["malformed"]) == (5, 0)
    await engine.close()


@virtual_time
async def test_rfc5761_5_1_1_a_reinvite_without_it_brings_the_second_port_back() -> None:
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna = Peer(network, 4000)
    reports: list[bytes] = []
    network.bind((anna.address[0], 4001), lambda content, _: reports.append(content))
    leg = await engine.open_leg()
    leg.connect(anna.agreement(is_multiplexed=True))
    leg.play([Tone((1000.0,), 1.0)], loop=True)
    await asyncio.sleep(REPORT_WITHIN_S)
    assert reports == []
    before = len(anna.heard)
    leg.connect(anna.agreement())
    anna.send(b"\xd5" * 160, leg.address)
    await asyncio.sleep(REPORT_WITHIN_S)
    assert reports
    heard = anna.hearing(is_timed=True)
    assert heard.seconds_of(1000.0) == pytest.approx(2 * REPORT_WITHIN_S, abs=0.05)
    assert heard.gaps() == heard.clipping() == []
    told = parse_rtcp(reports[0])[0]
    assert isinstance(told, SenderReport)
    answer = _answer(told, anna.ssrc)
    network.send(answer, source=(anna.address[0], 4001), destination=(HOST, leg.address[1] + 1))
    await asyncio.sleep(0.1)
    assert {each.packet.payload_type for each in anna.heard[before:]} == {8}
    await leg.close()
    assert "round_trip_ms" in leg.statistics
    await engine.close()


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def test_rfc5761_4_on_real_sockets_the_port_above_is_free_while_one_is_shared_and_taken_again() -> None:
    with UdpPeer() as anna, UdpPeer() as other:
        engine = await MediaEngine.in_worker(address="127.0.0.1", ports=media_ports(2))
        try:
            leg, second = await engine.open_leg("anna"), await engine.open_leg("other")
            leg.connect(replace(anna.agreement(), is_multiplexed=True))
            second.connect(other.agreement())
            leg.play([Tone((1000.0,), 1.0)], loop=True)
            said: list[bytes] = []

            def has_reported() -> bool:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        said.append(anna.udp.recv(2048))
                return any(each[1] == 200 for each in said)

            await until(has_reported, REPORT_WITHIN_S)
            heard = Hearing.of_payloads("PCMA", [each[12:] for each in said if each[1] & 0x7F == 8])
            assert heard.seconds_of(1000.0) == pytest.approx(heard.seconds)
            assert heard.seconds > 0.0
            assert abs(second.address[1] - leg.address[1]) == 2, "pairs are leased all the same"
            assert _is_free(leg.address[1] + 1)
            assert not _is_free(second.address[1] + 1)
            told = parse_rtcp(next(each for each in said if each[1] == 200))[0]
            assert isinstance(told, SenderReport)
            anna.udp.sendto(_answer(told, 7), leg.address)
            anna.send(b"\xd5" * 160, leg.address)
            await until(lambda: leg.is_heard)
            leg.connect(anna.agreement())
            await until(lambda: not _is_free(leg.address[1] + 1))
            await leg.close()
            assert leg.statistics["round_trip_ms"] < REPORT_WITHIN_S * 1000
            assert leg.statistics["packets"] == 1
        finally:
            await engine.close()


async def test_rfc3550_11_whose_rtp_has_the_last_port_gets_no_reports_and_keeps_none_of_our_ports() -> None:
    with UdpPeer() as anna:
        engine = await MediaEngine.in_worker(address="127.0.0.1", ports=media_ports(1))
        try:
            for _ in range(2):
                leg = await engine.open_leg("anna")
                leg.connect(replace(anna.agreement(), remote=("127.0.0.1", 65535)))
                await leg.play([Tone((1000.0,), 0.06)]).finished()
                async with asyncio.timeout(5):
                    await leg.close()
                assert leg.statistics["sent"] >= 3
        finally:
            await engine.close()
