"""Rooms of three and more: each hears exactly who it is to hear, found out by tones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from media.client import MediaEngine, MediaLeg, MediaRoom, Role
from media.commands import Tone
from media.local import LocalEngine
from media.memory import MemoryRtpNetwork
from media.mixer import LOUDEST, Limiter, Room, Seat
from media.tones import tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.media.peer import Peer

HOST = "10.0.0.9"
PITCHES = (500.0, 850.0, 1250.0, 1700.0, 2300.0)
PROMPT_HZ = 3000.0
LEVEL_DB = -13.0
HEARD_DB, UNHEARD_DB = -20.0, -45.0
RATES = {"PCMA": 8000, "PCMU": 8000, "G722": 16000, "opus": 48000}


@dataclass
class Scene:
    """Far ends that each speak in a pitch of their own."""

    engine: MediaEngine
    network: MemoryRtpNetwork
    room: MediaRoom
    peers: list[Peer] = field(default_factory=list)
    legs: list[MediaLeg] = field(default_factory=list)

    async def person(self, codec: str = "PCMA", *, ptime_ms: int = 20) -> MediaLeg:
        peer = Peer(self.network, 4000 + 2 * len(self.peers), codec=codec, ptime_ms=ptime_ms)
        leg = await self.engine.open_leg()
        leg.connect(peer.agreement())
        self.peers.append(peer)
        self.legs.append(leg)
        return leg

    async def talk(self, seconds: float = 1.5) -> list[set[int]]:
        """Let all speak at once; return whom each one hears in the end: by number, the prompt is -1."""
        for peer in self.peers:
            peer.heard.clear()
        async with asyncio.TaskGroup() as group:
            for peer, pitch, leg in zip(self.peers, PITCHES, self.legs, strict=False):
                said = tone((pitch,), seconds, RATES[peer.codec], LEVEL_DB)
                group.create_task(peer.say(said, leg.address))
        return [self.heard_by(peer) for peer in self.peers]

    def heard_by(self, peer: Peer) -> set[int]:
        if not peer.heard or peer.heard[-1].at < asyncio.get_running_loop().time() - 0.2:
            return set()
        heard = peer.hearing()
        assert heard.gaps() == heard.clipping() == []
        levels = heard.between(heard.seconds - 0.5).levels(*PITCHES, PROMPT_HZ).mean(axis=0)
        pitches = [*range(len(PITCHES)), -1]
        unsure = [level for level in levels if UNHEARD_DB < level < HEARD_DB]
        assert not unsure, levels
        return {number for number, level in zip(pitches, levels, strict=True) if level > HEARD_DB}


@asynccontextmanager
async def scene(codecs: Sequence[str] = (), *, workers: int = 1) -> AsyncIterator[Scene]:
    network = MemoryRtpNetwork()
    engine = await MediaEngine.in_process(
        network=network, address=HOST, ports=(20000, 20100), workers=workers, delay_s=0.5
    )
    made = Scene(engine, network, engine.room())
    for codec in codecs:
        await made.person(codec)
    try:
        yield made
    finally:
        await engine.close()


@virtual_time
async def test_each_of_four_hears_the_other_three_and_not_itself() -> None:
    async with scene(["PCMA", "PCMU", "PCMA", "PCMU"]) as made:
        for leg in made.legs:
            leg.join(made.room)
        everybody = {0, 1, 2, 3}
        assert await made.talk() == [everybody - {number} for number in range(4)]


@virtual_time
async def test_narrow_and_wide_codecs_and_all_packet_lengths_meet_in_one_room() -> None:
    async with scene() as made:
        for codec, ptime_ms in (("PCMA", 20), ("G722", 20), ("opus", 20), ("PCMU", 40), ("PCMA", 10)):
            (await made.person(codec, ptime_ms=ptime_ms)).join(made.room)
        await asyncio.sleep(1)  # the first of a codec needs a moment
        everybody = set(range(5))
        assert await made.talk(2.0) == [everybody - {number} for number in range(5)]


@virtual_time
async def test_a_monitor_hears_all_and_is_heard_by_nobody_until_it_barges_in() -> None:
    async with scene(["PCMA"] * 3) as made:
        caller, agent, boss = made.legs
        caller.join(made.room)
        agent.join(made.room)
        boss.join(made.room, Role.MONITOR)
        assert await made.talk() == [{1}, {0}, {0, 1}]
        boss.join(made.room, Role.PARTY)
        assert await made.talk() == [{1, 2}, {0, 2}, {0, 1}]


@virtual_time
async def test_a_coach_hears_all_and_is_heard_by_one_alone() -> None:
    async with scene(["PCMA"] * 4) as made:
        caller, agent, other, boss = made.legs
        for leg in (caller, agent, other):
            leg.join(made.room)
        boss.join(made.room, Role.COACH, to=agent)
        assert await made.talk() == [{1, 2}, {0, 2, 3}, {0, 1}, {0, 1, 2}]


@virtual_time
async def test_a_prompt_is_whispered_to_one_and_its_voice_still_reaches_the_others() -> None:
    async with scene(["PCMA"] * 3) as made:
        for leg in made.legs:
            leg.join(made.room)
        playback = made.legs[1].play([Tone((PROMPT_HZ,), 2.0, LEVEL_DB)])
        assert await made.talk() == [{1, 2}, {-1}, {0, 1}]
        assert await playback.finished()
        assert await made.talk() == [{1, 2}, {0, 2}, {0, 1}]


@virtual_time
@pytest.mark.parametrize("seconds", [0.04, 0.08, 0.3])
async def test_who_was_played_something_hears_the_others_no_later_than_before(seconds: float) -> None:
    async with scene(["PCMA", "PCMU"]) as made:
        for leg in made.legs:
            leg.join(made.room)
        bob = made.peers[1]

        async def delay_s() -> float:
            bob.heard.clear()
            began = asyncio.get_running_loop().time()
            await made.peers[0].say(tone((PITCHES[0],), 0.4, 8000, LEVEL_DB), made.legs[0].address)
            await asyncio.sleep(0.3)
            return float(bob.hearing(is_timed=True).times_of(PITCHES[0])[0]) - began

        before_s = await delay_s()
        made.legs[1].play([Tone((PROMPT_HZ,), seconds)])
        await asyncio.sleep(1.0)
        assert await delay_s() < before_s + 0.03


@virtual_time
async def test_who_leaves_is_heard_no_more_and_two_of_them_can_be_bridged() -> None:
    async with scene(["PCMA"] * 3) as made:
        for leg in made.legs:
            leg.join(made.room)
        assert await made.talk() == [{1, 2}, {0, 2}, {0, 1}]
        made.legs[2].unbridge()
        assert await made.talk() == [{1}, {0}, set()]
        made.legs[0].bridge(made.legs[1])
        assert made.room.members == []
        assert await made.talk() == [{1}, {0}, set()]
        await made.legs[0].close()
        assert made.heard_by(made.peers[2]) == set()


@virtual_time
async def test_rfc4028_who_refreshes_the_session_misses_nothing_and_is_missed_by_nobody() -> None:
    async with scene(["PCMA", "PCMA"]) as made:
        for leg in made.legs:
            leg.join(made.room)
        await made.talk()
        said = asyncio.ensure_future(made.talk(2.0))
        for leg, peer in zip(made.legs, made.peers, strict=True):
            await asyncio.sleep(0.9)
            leg.connect(peer.agreement())
        assert await said == [{1}, {0}]


@virtual_time
async def test_who_is_on_hold_is_neither_heard_nor_hears() -> None:
    async with scene(["PCMA"] * 3) as made:
        for leg in made.legs:
            leg.join(made.room)
        made.legs[0].connect(made.peers[0].agreement(sends=False, receives=False))
        assert await made.talk() == [set(), {2}, {1}]
        made.legs[0].connect(made.peers[0].agreement())
        assert await made.talk() == [{1, 2}, {0, 2}, {0, 1}]


@virtual_time
async def test_everybody_gets_one_continuous_stream_20_ms_apart_also_while_nobody_speaks() -> None:
    async with scene(["PCMA"] * 3) as made:
        for leg in made.legs:
            leg.join(made.room)
        await asyncio.sleep(1)
        await made.talk(1.0)
        await asyncio.sleep(1)
        for peer in made.peers:
            assert np.allclose(np.diff([each.at for each in peer.heard]), 0.02)
            packets = [each.packet for each in peer.heard]
            assert len({packet.ssrc for packet in packets}) == 1
            numbers = np.diff([packet.sequence for packet in packets]) & 0xFFFF
            stamps = np.diff([packet.timestamp for packet in packets]) & 0xFFFFFFFF
            assert (set(numbers), set(stamps)) == ({1}, {160})


@virtual_time
async def test_a_room_goes_on_with_its_roles_in_the_next_worker() -> None:
    async with scene(["PCMA"] * 4) as made:
        for leg in made.legs[:3]:
            leg.join(made.room)
        made.legs[3].join(made.room, Role.COACH, to=made.legs[1])
        driver = made.engine.slots[0].driver
        assert isinstance(driver, LocalEngine)
        driver.crash()
        await asyncio.sleep(1)
        assert await made.talk() == [{1, 2}, {0, 2, 3}, {0, 1}, {0, 1, 2}]


@virtual_time
async def test_legs_of_two_workers_come_together_in_one() -> None:
    async with scene(["PCMA"] * 3, workers=2) as made:
        assert len({leg.slot for leg in made.legs}) == 2
        for leg in made.legs:
            leg.join(made.room)
        await asyncio.sleep(0.1)
        assert len({leg.slot for leg in made.legs}) == 1
        assert await made.talk() == [{1, 2}, {0, 2}, {0, 1}]


def test_nobody_misses_a_frame_where_all_were_held_up_together() -> None:
    room = Room(lambda _: True, on_empty=lambda: None)
    seats = [Seat(room, leg, Role.PARTY, 0) for leg in range(3)]
    room.seats.update(enumerate(seats))
    for seat in seats:
        seat.connect(Peer(MemoryRtpNetwork(), 4000).agreement())
    for now in (9.0, 9.02, 9.04, 9.3, 9.3, 9.3, 9.32):
        before = room.mixed
        for seat in seats:
            seat.next_frame(now)
        assert room.mixed == before + 1


@pytest.mark.parametrize("voices", [2, 5, 20])
def test_a_sum_that_is_too_loud_is_made_softer_without_a_wrap(voices: int) -> None:
    limiter = Limiter()
    said = tone((500.0,), 1.0, 8000, -1.0).astype(np.int32) * voices
    limited = Hearing(np.concatenate([limiter.limit(frame) for frame in said.reshape(-1, 160)]), 8000)
    assert 0.9 * LOUDEST < limited.peak() <= LOUDEST
    loud = np.abs(said) > 2000
    assert (np.sign(limited.pcm[loud]) == np.sign(said[loud])).all()
    assert limited.between(0.5).level(1500.0) < -40
    assert limited.gaps() == []


def test_what_is_not_too_loud_passes_unchanged_again_a_second_after_it_was() -> None:
    limiter = Limiter()
    limiter.limit(np.full(160, 60_000, np.int32))
    soft = np.full(160, 1000, np.int32)
    first, *_, last = [limiter.limit(soft) for _ in range(60)]
    assert first.max() < 1000
    assert (last == 1000).all()
