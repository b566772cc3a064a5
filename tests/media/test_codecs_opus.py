"""Opus and GSM through FFmpeg, packet by packet as calls need it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media import codecs
from media.encoding import Encoding, duration_ticks
from media.errors import NoCommonCodec
from media.tones import tone
from tests.harness.hearing import Hearing

RATE = 48_000


def sine(frequency: float, seconds: float = 1.0) -> NDArray[np.int16]:
    return tone((frequency,), seconds, RATE, -12.0)


def packets(pcm: NDArray[np.int16], *, ptime_ms: int = 20) -> list[bytes]:
    codec = codecs.encoder(Encoding("opus", ptime_ms))
    size = RATE * ptime_ms // 1000
    return [codec.encode(pcm[start : start + size]) for start in range(0, len(pcm) - size + 1, size)]


def decoded(payloads: list[bytes], codec: codecs.Codec | None = None) -> Hearing:
    codec = codec or codecs.by_name("opus")
    return Hearing(np.concatenate([codec.decode(payload) for payload in payloads]), RATE)


@pytest.mark.parametrize("ptime_ms", [10, 20, 40, 60])
def test_rfc7587_4_2_each_packet_is_one_frame_of_the_wanted_length_and_all_are_equally_long(
    ptime_ms: int,
) -> None:
    sent = packets(sine(1000), ptime_ms=ptime_ms)
    assert {len(payload) for payload in sent} == {Encoding("opus", ptime_ms).frame_bytes} == {4 * ptime_ms}
    assert {duration_ticks("opus", payload) for payload in sent} == {48 * ptime_ms}
    codec = codecs.by_name("opus")
    assert {len(codec.decode(payload)) for payload in sent} == {48 * ptime_ms}


def test_rfc7587_4_1_the_clock_runs_at_48_khz() -> None:
    codec = codecs.by_name("opus")
    assert (codec.clock_rate_hz, codec.sample_rate_hz) == (48_000, 48_000)


def test_packets_one_by_one_are_the_same_bytes_as_the_whole_at_once() -> None:
    assert b"".join(packets(sine(1000))) == codecs.by_name("opus").encode(sine(1000))


@pytest.mark.parametrize("frequency", [300.0, 1000.0, 3000.0, 6000.0])
def test_tones_come_out_as_loud_as_they_went_in(frequency: float) -> None:
    heard = decoded(packets(sine(frequency)))
    assert heard.between(0.2, 0.8).level(frequency) == pytest.approx(-12.0, abs=1.0)
    assert heard.gaps() == heard.clipping() == []


@pytest.mark.parametrize("bit_rate", [6400, 12_000, 24_000, 32_000])
def test_the_bit_rate_that_is_asked_for_is_what_is_sent(bit_rate: int) -> None:
    codec = codecs.encoder(Encoding("opus", 20, bit_rate))
    assert len(codec.encode(sine(1000))) * 8 == bit_rate


@pytest.mark.parametrize(
    "pitch", [(425.0,), (440.0, 480.0), (350.0, 440.0), (450.0, 1850.0), (750.0, 3350.0)]
)
def test_signal_tones_are_as_loud_from_the_first_moment_on(pitch: tuple[float, ...]) -> None:
    assert decoded(packets(tone(pitch, 0.6, RATE, -16.0))).levels(*pitch)[2:28].min() > -20.0


def test_rfc6716_what_is_lost_is_made_up_by_the_decoder_and_heard_as_it_was_100_ms_later() -> None:
    codec, sent = codecs.by_name("opus"), packets(sine(1000))
    heard = []
    for number, payload in enumerate(sent):
        made_up = codec.conceal(960) if number in (20, 21) else codec.decode(payload)
        assert made_up is not None
        heard.append(made_up)
    assert {len(each) for each in heard} == {960}
    levels = Hearing(np.concatenate(heard), RATE).levels(1000.0)
    assert levels[20] > -20.0  # the tone goes on for a moment
    assert np.abs(levels[27:45] + 12.0).max() < 2.0


def test_what_was_never_heard_is_made_up_as_silence() -> None:
    made_up = codecs.by_name("opus").conceal(960)
    assert made_up is not None
    assert made_up.tolist() == [0] * 960


@pytest.mark.parametrize(
    ("payload", "ms"),
    [
        (b"\x78\0", 20),  # one frame of a hybrid mode
        (b"\x79\0\0", 40),  # two of the same size
        (b"\x7a\x01\0\0", 40),  # two of different sizes
        (b"\x7b\x03\0\0\0", 60),  # three
        (b"\x18\0", 60),  # speech alone
        (b"\xe0\0", 2.5),
        (b"\x7b\x06", 120),
        (b"\x7b\x07", 0),  # more frames than a packet may have
        (b"\x7b", 0),
        (b"", 0),
    ],
)
def test_rfc6716_3_1_the_first_byte_tells_how_long_a_packet_is(payload: bytes, ms: float) -> None:
    assert duration_ticks("opus", payload) == 48 * ms


@cache
def second_of_sound() -> list[bytes]:
    return packets(sine(1000, 1.2))


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=80), max_size=5))
def test_any_bytes_are_some_sound_and_what_follows_is_heard(payloads: list[bytes]) -> None:
    codec = codecs.by_name("opus")
    for payload in payloads:
        assert len(codec.decode(payload)) <= 5760 * 2
    heard = decoded(second_of_sound(), codec)
    assert heard.levels(1000.0)[50:58].min() > -18.0  # its gain is predicted, and forgets slowly


def test_two_channels_are_mixed_to_one() -> None:
    import av

    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = RATE, "stereo", "s16"
    context.open()
    stereo = np.zeros((1, 1920), np.int16)
    stereo[0, ::2] = np.sin(2 * np.pi * np.arange(960) / 48) * 32_767 * 10 ** (-12 / 20)
    frame = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
    frame.sample_rate = RATE
    codec = codecs.by_name("opus")
    heard = [codec.decode(bytes(packet)) for _ in range(20) for packet in context.encode(frame)]
    assert {len(each) for each in heard} == {960}
    level = Hearing(np.concatenate(heard), RATE).between(0.2).level(1000.0)
    assert level == pytest.approx(-18.0, abs=1.5)


def test_gsm_is_decoded_and_never_encoded() -> None:
    codec = codecs.by_name("GSM")
    silent = bytes.fromhex("d820a2e15a50004924924924500049249249245000492492492450004924924924")
    heard = codec.decode(silent * 3 + b"\xd0")
    assert len(heard) == 480
    assert Hearing(heard, 8000).peak() < 100
    with pytest.raises(NoCommonCodec, match="GSM"):
        codec.encode(heard)


@settings(max_examples=100)
@given(st.binary(max_size=120))
def test_any_bytes_are_some_sound_to_gsm(payload: bytes) -> None:
    assert len(codecs.by_name("GSM").decode(payload)) == len(payload) // 33 * 160
