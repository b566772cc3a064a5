"""Prompts, music and key presses in every codec and length of packet."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media import codecs
from media.client import Clip, Silence, Tone
from media.encoding import Encoding
from media.memory import MemoryRtpNetwork
from media.sounds import Encoded, SoundLibrary
from media.tones import tone
from tests.harness.clock import run_virtually, virtual_time
from tests.harness.soundfiles import write_sound
from tests.media.engines import AtOnce, engine_on, leg_to
from tests.media.peer import Peer

CODECS = ("PCMA", "PCMU", "G722", "opus")


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
@pytest.mark.parametrize("codec", CODECS)
def test_rfc3264_6_1_a_prompt_leaves_in_packets_as_long_as_the_peer_wants_evenly_in_time(
    codec: str, ptime_ms: int
) -> None:
    if codec == "opus" and ptime_ms == 30:
        ptime_ms = 20  # what negotiation makes of it: Opus has no such frames

    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, codec=codec, ptime_ms=ptime_ms)
        async with leg_to(anna, network) as leg:
            assert await leg.play([Tone((1000.0,), 0.6), Silence(0.12), Tone((400.0,), 0.6)]).finished()
            await asyncio.sleep(0.01)
        assert len(anna.heard) == 1320 // ptime_ms
        frame_bytes = Encoding(codec, ptime_ms).frame_bytes
        assert {len(each.packet.payload) for each in anna.heard} == {frame_bytes}
        assert np.allclose(np.diff([each.at for each in anna.heard]), ptime_ms / 1000)
        stamps = [each.packet.timestamp for each in anna.heard]
        assert {(later - earlier) & 0xFFFFFFFF for earlier, later in pairwise(stamps)} == {anna.ticks}
        heard = anna.hearing()
        assert heard.between(0.1, 0.5).level(1000.0) == pytest.approx(-13, abs=1.0)
        assert heard.between(0.9, 1.2).level(400.0) == pytest.approx(-13, abs=1.0)
        assert heard.between(0.9, 1.2).level(1000.0) < -40
        [pause] = heard.gaps()
        assert (pause.at, pause.until) == pytest.approx((0.6, 0.72), abs=0.03)
        assert heard.clipping() == []

    run_virtually(story())


@pytest.mark.parametrize(
    ("first", "then"),
    [(("PCMA", 20), ("opus", 20)), (("opus", 60), ("G722", 20)), (("PCMU", 20), ("PCMU", 60))],
)
def test_another_codec_or_length_in_mid_play_goes_on_where_it_was(
    first: tuple[str, int], then: tuple[str, int]
) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, codec=first[0], ptime_ms=first[1])
        async with leg_to(anna, network) as leg:
            playback = leg.play([Tone((1000.0,), 0.6), Tone((400.0,), 0.6)])
            await asyncio.sleep(0.595)
            before = len(anna.heard)
            anna.heard.clear()
            anna.codec, anna.ptime_ms = then
            leg.connect(anna.agreement())
            assert await playback.finished()
            await asyncio.sleep(0.01)
        assert before * first[1] == 600
        assert len(anna.heard) * then[1] == 600
        heard = anna.hearing()
        assert heard.between(0.1, 0.5).level(400.0) == pytest.approx(-13, abs=1.0)
        assert heard.gaps() == []

    run_virtually(story())


@pytest.mark.parametrize("ptime_ms", [10, 20, 40, 60])
@pytest.mark.parametrize("codec", ["PCMA", "opus"])
def test_rfc4733_2_5_1_2_digits_are_pressed_on_the_clock_of_the_codec_and_once_each(
    codec: str, ptime_ms: int
) -> None:
    async def story() -> None:
        network = MemoryRtpNetwork()
        anna = Peer(network, 4000, codec=codec, ptime_ms=ptime_ms)
        clock_hz = codecs.by_name(codec).clock_rate_hz
        async with leg_to(anna, network) as leg:
            leg.play([Tone((1000.0,), 1.0)], loop=True)
            await asyncio.sleep(0.12)
            began = asyncio.get_running_loop().time()
            leg.send_digits("1,55#")
            await asyncio.sleep(4.0)
        assert anna.pressed() == "155#"
        events = [each for each in anna.heard if each.packet.payload_type == anna.event]
        assert max(int.from_bytes(each.packet.payload[2:], "big") for each in events) == clock_hz // 10
        second = next(each.at for each in events if each.packet.payload[0] == 5)
        assert second - began == pytest.approx(2.25, abs=0.2)
        numbers = [each.packet.sequence for each in anna.heard]
        assert {(later - earlier) & 0xFFFF for earlier, later in pairwise(numbers)} == {1}
        elapsed = [
            each.at - anna.heard[0].at for each in anna.heard if each.packet.payload_type != anna.event
        ]
        stamped = [
            ((each.packet.timestamp - anna.heard[0].packet.timestamp) & 0xFFFFFFFF) / clock_hz
            for each in anna.heard
            if each.packet.payload_type != anna.event
        ]
        assert np.allclose(elapsed, stamped, atol=0.001 + ptime_ms / 1000)

    run_virtually(story())


@virtual_time
async def test_listeners_with_packets_of_different_lengths_do_not_disturb_each_other() -> None:
    network = MemoryRtpNetwork()
    peers = [Peer(network, 4000 + 2 * index, ptime_ms=ms) for index, ms in enumerate((10, 20, 30, 60))]
    engine = await engine_on(network)
    for peer in peers:
        leg = await engine.open_leg()
        leg.connect(peer.agreement())
        leg.play([Tone((1000.0,), 1.0)], loop=True)
        await asyncio.sleep(0.007)
    await asyncio.sleep(2.0)
    await engine.close()
    for peer in peers:
        assert np.allclose(np.diff([each.at for each in peer.heard]), peer.ptime_ms / 1000)
        assert len(peer.heard) >= 2000 // peer.ptime_ms


@virtual_time
async def test_rfc7160_4_1_another_clock_in_mid_call_is_another_stream_and_the_same_clock_is_not() -> None:
    network = MemoryRtpNetwork()
    anna = Peer(network, 4000)
    async with leg_to(anna, network) as leg:
        leg.play([Tone((1000.0,), 1.0)], loop=True)
        sources = []
        for codec in ("PCMA", "G722", "opus", "PCMU"):
            anna.codec = codec
            leg.connect(anna.agreement())
            anna.heard.clear()
            await asyncio.sleep(0.2)
            sources.append(anna.heard[-1].packet.ssrc)
    assert sources[0] == sources[1]
    assert len(set(sources)) == 3


@pytest.mark.parametrize("ptime_ms", [20, 60])
@pytest.mark.parametrize("codec", CODECS)
def test_clips_that_follow_each_other_have_no_pause_between_them(
    codec: str, ptime_ms: int, tmp_path: Path
) -> None:
    whole = tone((1000.0,), 2.0, 8000, -13.0)
    cuts = (0, 3005, 7010, 11_111, 16_000)
    clips = [Clip(tmp_path / f"{begin}.wav") for begin in cuts[:-1]]
    for clip, (begin, end) in zip(clips, pairwise(cuts), strict=True):
        write_sound(clip.path, whole[begin:end], 8000, "pcm_s16le")

    async def story() -> None:
        network, begun = MemoryRtpNetwork(), list[int]()
        anna = Peer(network, 4000, codec=codec, ptime_ms=ptime_ms)
        async with leg_to(anna, network) as leg:
            playback = leg.play(clips)
            playback.on_item = begun.append
            assert await playback.finished()
            await asyncio.sleep(0.01)
        assert begun == [1, 2, 3]
        heard = anna.hearing()
        assert heard.seconds == pytest.approx(2.0, abs=ptime_ms / 1000)
        assert heard.between(0.06, 1.96).softest(0.005) > -16 - 3  # by G.722 it begins softly
        assert heard.clipping() == []

    run_virtually(story())


@pytest.mark.parametrize("codec", ["opus", "G722", "PCMA"])
@pytest.mark.parametrize(
    "is_gone", [(False, True, False), (True, False, False), (True,), (True, True, False)]
)
def test_what_cannot_be_read_leaves_the_rest_as_it_is_also_at_the_beginning(
    is_gone: tuple[bool, ...], codec: str, tmp_path: Path
) -> None:
    write_sound(tmp_path / "there.wav", tone((1000.0,), 0.5, 8000, -13.0), 8000, "pcm_s16le")
    there, gone = Clip(tmp_path / "there.wav"), Clip(tmp_path / "gone.wav")
    told: list[tuple[Encoded, list[str]]] = []
    library = SoundLibrary(AtOnce())
    items = tuple(gone if each else there for each in is_gone)
    for _ in range(2):
        library.load(items, Encoding(codec), lambda *each: told.append(each))
    for encoded, troubles in told:
        packets = [len(sound) // encoded.frame_bytes for sound in encoded.sounds]
        assert packets == [0 if each else 25 for each in is_gone]
        assert len(troubles) == sum(is_gone)
        assert "gone.wav" in troubles[0]


def test_a_pause_of_no_length_before_a_sound_changes_nothing() -> None:
    told: list[tuple[Encoded, list[str]]] = []
    library = SoundLibrary(AtOnce())
    items = (Silence(0.0), Tone((1000.0,), 0.5))
    library.load(items, Encoding("opus"), lambda *each: told.append(each))
    [(encoded, troubles)] = told
    assert [len(sound) // encoded.frame_bytes for sound in encoded.sounds] == [0, 25]
    assert not troubles


def test_a_sound_is_encoded_once_for_all_who_hear_it_alike() -> None:
    library = SoundLibrary(AtOnce())
    loaded: list[Encoded] = []

    def load(encoding: Encoding) -> bytes:
        library.load((Tone((1000.0,), 0.5),), encoding, lambda encoded, _: loaded.append(encoded))
        return loaded[-1].sounds[0]

    for codec in CODECS:
        assert load(Encoding(codec)) is load(Encoding(codec))
    assert load(Encoding("opus", 20)) is not load(Encoding("opus", 60))
    assert len(load(Encoding("opus", 20, 16_000))) * 2 == len(load(Encoding("opus", 20)))
