"""What the numbers of a leg say where a stream is more than sound that comes evenly."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random
from time import monotonic, time

import pytest

from media.client import MediaEngine, MediaLeg, Silence
from media.local import LocalEngine
from media.memory import MemoryRtpNetwork
from media.reports import ntp_time
from media.rtp import ReportBlock, SenderReport, parse_rtcp
from tests.harness.clock import virtual_time
from tests.media.engines import engine_on
from tests.media.peer import Peer

HOST = "10.0.0.9"
SOUND = bytes([0xD5]) * 160
COMFORT_NOISE = 13


async def say(peer: Peer, leg: MediaLeg, packets: int, *, lose_each: int = 0) -> None:
    """Send ``packets`` of which the network loses the last of each ``lose_each``."""
    for number in range(1, packets + 1):
        if lose_each and number % lose_each == 0:
            peer.skip()
        else:
            peer.send(SOUND, leg.address)
        await asyncio.sleep(0.02)


def sender_report(compound: bytes) -> SenderReport:
    report = parse_rtcp(compound)[0]
    assert isinstance(report, SenderReport)
    return report


def told_blocks(network: MemoryRtpNetwork, peer: Peer) -> list[ReportBlock]:
    """Return a list into which all go that ``peer`` is told of its stream."""
    blocks: list[ReportBlock] = []

    def receive(compound: bytes, _source: tuple[str, int]) -> None:
        blocks.extend(sender_report(compound).blocks)

    network.bind((peer.address[0], peer.address[1] + 1), receive)
    return blocks


@virtual_time
async def test_rfc3550_a_3_a_stream_that_takes_the_place_of_another_is_reported_by_its_own_losses() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    blocks = told_blocks(network, anna)
    engine = await engine_on(network, random=Random(1))
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    leg.echo()
    await say(anna, leg, 400, lose_each=40)
    of_the_first = len(blocks)
    assert blocks[-1].lost
    anna.ssrc, anna.sequence = 7, 30000  # as when a carrier changes the source in a transfer
    await say(anna, leg, 400, lose_each=50)
    first = blocks[of_the_first]
    assert first.ssrc == 7
    assert first.fraction_lost < 13, "2 % are 5/256"
    assert first.lost < 9, "of the 8 that are lost in all, those until then"
    await leg.close()
    assert leg.statistics["lost"] in range(15, 19), "the journal has those of both, but for the last ones"
    await engine.close()


@virtual_time
async def test_rfc4733_2_3_a_key_press_whose_packets_bear_one_time_is_no_jitter() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    engine = await engine_on(network, random=Random(1))
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    await say(anna, leg, 50)
    for digit in "5555":
        await anna.press(digit, leg.address)
        await asyncio.sleep(0.02)  # which its timestamps go on by
        await say(anna, leg, 3)
    await leg.close()
    assert leg.statistics["jitter_ms"] < 0.1
    assert leg.statistics["lost"] == 0
    await engine.close()


@virtual_time
async def test_rfc3389_comfort_noise_that_nobody_takes_is_lost_to_nobody() -> None:
    network = MemoryRtpNetwork()
    anna, piotr = Peer(network, 4000), Peer(network, 4100)
    engine = await engine_on(network, random=Random(1))
    legs = [await engine.open_leg() for _ in "ab"]
    for leg, peer in zip(legs, (anna, piotr), strict=True):
        leg.connect(peer.agreement())
    legs[0].bridge(legs[1])
    for _ in range(5):
        await say(anna, legs[0], 10)
        for _ in range(4):
            anna.send(b"\x40", legs[0].address, number=COMFORT_NOISE)
            anna.timestamp += 4 * 160
            await asyncio.sleep(0.1)
    await legs[0].close()
    assert legs[0].statistics["lost"] == 0
    assert legs[0].statistics["packets"] == 5 * (10 + 4)
    numbers = [each.packet.sequence for each in piotr.heard]
    assert {(later - earlier) & 0xFFFF for earlier, later in pairwise(numbers)} == {1}, "nor to who listens"
    assert len(numbers) == 50
    await engine.close()


@virtual_time
async def test_rfc3550_6_a_stream_of_ours_is_told_of_by_its_own_packets_and_all_by_one_name() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    told: list[bytes] = []
    network.bind((anna.address[0], anna.address[1] + 1), lambda content, _source: told.append(content))
    engine = await engine_on(network, random=Random(1))
    leg = await engine.open_leg()
    for anna.codec in ("PCMA", "opus"):  # another clock is another stream (RFC 7160 §4.1)
        leg.connect(anna.agreement())
        leg.play([Silence(8.0)])
        await asyncio.sleep(8.0)
    reports = [sender_report(content) for content in told]
    assert len({report.ssrc for report in reports}) == 2
    name = f"{reports[0].ssrc:08x}".encode()
    assert all(name in content for content in told), "RFC 3550 §6.5.1"
    own = [each.packet for each in anna.heard if each.packet.ssrc == reports[-1].ssrc]
    assert 0 < reports[-1].packets <= len(own), "RFC 3550 §6.4.1"
    assert reports[-1].octets == reports[-1].packets * len(own[0].payload)
    await engine.close()


@virtual_time
async def test_what_was_counted_outlives_the_worker_but_for_what_it_had_not_told() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    engine = await MediaEngine.in_process(network=network, address=HOST, random=Random(1), delay_s=0.5)
    leg = await engine.open_leg()
    leg.connect(anna.agreement())
    leg.echo()
    await say(anna, leg, 400, lose_each=40)
    driver = engine.slots[0].driver
    assert isinstance(driver, LocalEngine)
    driver.crash()
    await asyncio.sleep(1.0)
    await say(anna, leg, 400, lose_each=40)
    await leg.close()
    numbers = leg.statistics
    assert 390 + 290 <= numbers["packets"] <= 390 + 390, "told 6.0 to 7.5 s after the beginning"
    assert 10 + 7 <= numbers["lost"] <= 10 + 10
    assert numbers["sent"] >= 390 + 290
    assert numbers["jitter_ms"] < 0.1
    await engine.close()


@virtual_time
async def test_all_is_counted_of_a_leg_that_is_moved_from_worker_to_worker() -> None:
    network = MemoryRtpNetwork()
    anna, piotr = Peer(network, 4000), Peer(network, 4100)
    engine = await MediaEngine.in_process(network=network, address=HOST, random=Random(1), workers=2)
    legs = a, b = [await engine.open_leg() for _ in "ab"]
    for leg, peer in zip(legs, (anna, piotr), strict=True):
        leg.connect(peer.agreement())
    await say(anna, a, 20)
    await say(piotr, b, 20)
    a.bridge(b)
    await asyncio.sleep(0.1)
    assert a.slot is b.slot
    await say(anna, a, 30)
    await say(piotr, b, 30)
    for leg in legs:
        await leg.close()
        assert leg.statistics["packets"] == 50
    await engine.close()


def test_rfc3550_4_a_report_bears_the_time_of_day_in_seconds_since_1900() -> None:
    told = ntp_time(monotonic()) / 2**32 - 2_208_988_800
    assert told == pytest.approx(time(), abs=60)
