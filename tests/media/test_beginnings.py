"""What begins behind something else in one stream begins no louder than it is, though the codec adapts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from media.commands import Clip, Tone
from media.encoding import Encoding
from media.memory import MemoryRtpNetwork
from media.payloads import encode
from media.tones import tone
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.soundfiles import silence
from tests.media.engines import engine_on
from tests.media.peer import Peer

WELCOME = Clip(Path(__file__).resolve().parents[2] / "prompts" / "en" / "welcome.wav")


def heard(encoding: Encoding, *payloads: bytes) -> Hearing:
    """Return what is heard of ``payloads`` that are sent in one stream."""
    size = encoding.frame_bytes
    packets = [payload[at : at + size] for payload in payloads for at in range(0, len(payload), size)]
    return Hearing.of_payloads(encoding.codec, packets)


@pytest.mark.parametrize("codec", ["PCMA", "G722", "opus"])
@pytest.mark.parametrize("hertz", [440.0, 1000.0])
def test_music_that_begins_anew_or_behind_a_prompt_is_no_louder_there(codec: str, hertz: float) -> None:
    encoding = Encoding(codec)
    music = encode(Tone((hertz,), 1.0), encoding)
    hearing = heard(encoding, encode(WELCOME, encoding), music, music)
    assert hearing.clipping() == []
    assert hearing.between(hearing.seconds - 2.0).peak() < 1.5 * heard(encoding, music).between(0.2).peak()


@pytest.mark.parametrize("pauses", [False, True])
@pytest.mark.parametrize("in_room", [False, True])
@virtual_time
async def test_who_is_heard_again_behind_music_is_no_louder_there(in_room: bool, pauses: bool) -> None:
    """Whether the speaker sends silence meanwhile, or as some phones do, nothing."""
    network = MemoryRtpNetwork()
    engine = await engine_on(network)
    anna, bob = Peer(network, 4000), Peer(network, 4002, codec="G722")
    a, b = await engine.open_leg("anna"), await engine.open_leg("bob")
    a.connect(anna.agreement())
    b.connect(bob.agreement())
    if in_room:
        room = engine.room()
        a.join(room)
        b.join(room)
    else:
        a.bridge(b)
    voice = tone((440.0,), 1.0, 8000, -16.0)
    await anna.say(np.concatenate((voice, silence(0.4, 8000))), a.address)
    await asyncio.sleep(0.4 if pauses else 0.0)
    playing = b.play([Tone((1000.0,), 1.0)])
    if not pauses:
        await anna.say(silence(1.0, 8000), a.address)
    await playing.finished()
    await anna.say(voice, a.address)
    await engine.close()
    hearing = bob.hearing()
    assert [hertz for hertz, _ in hearing.melody(440.0, 1000.0)] == [440.0, 1000.0, 440.0]
    assert hearing.clipping() == []
    assert hearing.between(2.3).peak() < 3 * hearing.between(0.5, 0.9).peak()  # a bang has six times as much
