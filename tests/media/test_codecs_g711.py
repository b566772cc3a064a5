"""D8: G.711 without audioop, against the values printed in ITU-T G.711."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import codecs
from media.codecs.g711 import ALAW_TO_ULAW, PCMA, PCMU, ULAW_TO_ALAW
from media.encoding import Encoding
from media.errors import NoCommonCodec
from tests.harness.hearing import Hearing
from tests.harness.soundfiles import silence

ALL_CODES = bytes(range(256))
EVERY_SAMPLE = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)

# First and last value of each of the eight segments, in the units of the tables.
TABLE_1A = {1: 1, 16: 31, 17: 33, 32: 63, 33: 66, 48: 126, 49: 132, 64: 252, 65: 264, 80: 504}
TABLE_1A |= {81: 528, 96: 1008, 97: 1056, 112: 2016, 113: 2112, 128: 4032}
TABLE_2A = {0: 0, 15: 30, 16: 33, 31: 93, 32: 99, 47: 219, 48: 231, 63: 471, 64: 495, 79: 975}
TABLE_2A |= {80: 1023, 95: 1983, 96: 2079, 111: 3999, 112: 4191, 127: 8031}


def by_g191_alaw(sample: int) -> int:
    """The reference encoder of ITU-T G.191, word for word."""
    magnitude = (~sample if sample < 0 else sample) >> 4
    if magnitude > 15:
        exponent = 1
        while magnitude > 16 + 15:
            magnitude >>= 1
            exponent += 1
        magnitude += (exponent << 4) - 16
    return (magnitude | (0x80 if sample >= 0 else 0)) ^ 0x55


def by_g191_ulaw(sample: int) -> int:
    """The reference encoder of ITU-T G.191, word for word."""
    magnitude = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
    segment, rest = 1, magnitude >> 6
    while rest:
        segment, rest = segment + 1, rest >> 1
    code = (8 - segment) << 4 | 0xF - (magnitude >> segment & 0xF)
    return code | (0x80 if sample >= 0 else 0)


@pytest.mark.parametrize(("number", "value"), TABLE_1A.items())
def test_d8_alaw_decodes_to_the_values_of_g711_table_1(number: int, value: int) -> None:
    positive = (0x80 | number - 1) ^ 0x55
    assert PCMA().decode(bytes((positive, positive ^ 0x80))).tolist() == [8 * value, -8 * value]


@pytest.mark.parametrize(("number", "value"), TABLE_2A.items())
def test_d8_ulaw_decodes_to_the_values_of_g711_table_2(number: int, value: int) -> None:
    positive = 0xFF - number
    assert PCMU().decode(bytes((positive, positive ^ 0x80))).tolist() == [4 * value, -4 * value]


def test_d8_both_laws_encode_every_sample_as_the_reference_of_itu_g191() -> None:
    samples = EVERY_SAMPLE.tolist()
    assert PCMA().encode(EVERY_SAMPLE) == bytes(map(by_g191_alaw, samples))
    assert PCMU().encode(EVERY_SAMPLE) == bytes(map(by_g191_ulaw, samples))


@pytest.mark.parametrize(
    ("codec", "codes", "overload_dbm0"),
    [(PCMA(), "342121 34b4a1a1b4", 3.14), (PCMU(), "1e0b0b1e9e8b8b9e", 3.17)],
    ids=["PCMA", "PCMU"],
)
def test_d8_g711_tables_5_and_6_are_a_milliwatt_at_1_khz(
    codec: codecs.Codec, codes: str, overload_dbm0: float
) -> None:
    heard = Hearing(codec.decode(bytes.fromhex(codes) * 20), 8000)
    full_scale = {"PCMA": 4096 * 8, "PCMU": 8159 * 4}[codec.name]
    sine_db = 20 * math.log10(full_scale / math.sqrt(2) / 32_768)
    assert heard.loudness() - sine_db + overload_dbm0 == pytest.approx(0.0, abs=0.02)
    assert heard.pitch(0.0, 1000.0, 2000.0, 3000.0, 4000.0) == 1000.0, "all that eight samples can be"


@pytest.mark.parametrize("codec", [PCMA(), PCMU()], ids=["PCMA", "PCMU"])
def test_d8_codes_survive_decoding_and_encoding(codec: codecs.Codec) -> None:
    sound = codec.decode(ALL_CODES)
    assert np.array_equal(sound, Hearing.of_payloads(codec.name, [ALL_CODES]).pcm), "as FFmpeg has them"
    again = codec.encode(sound)
    negative_zero = {0x7F: 0xFF} if codec.name == "PCMU" else {}
    assert list(again) == [negative_zero.get(code, code) for code in ALL_CODES]


@pytest.mark.parametrize("codec", [PCMA(), PCMU()], ids=["PCMA", "PCMU"])
def test_d8_speech_level_is_coded_38_db_above_its_noise(codec: codecs.Codec) -> None:
    pcm = np.rint(10_000 * np.sin(np.arange(8000) * 0.7)).astype(np.int16)
    noise = codec.decode(codec.encode(pcm)) - pcm
    assert Hearing(pcm, 8000).loudness() - Hearing(noise, 8000).loudness() > 36


def test_d8_one_law_becomes_the_other_as_if_decoded_and_encoded_and_within_its_step() -> None:
    for table, source, target in ((ALAW_TO_ULAW, PCMA(), PCMU()), (ULAW_TO_ALAW, PCMU(), PCMA())):
        assert table == target.encode(source.decode(ALL_CODES))
        before, after = source.decode(ALL_CODES).astype(int), target.decode(table).astype(int)
        assert (np.abs(after - before) <= np.maximum(np.abs(before) * 0.04, 8)).all()


def test_a_frame_of_20_ms_is_160_bytes_and_silence_decodes_to_nothing() -> None:
    for codec in (PCMA(), PCMU()):
        silent = codec.encode(silence(0.02, 8000))
        assert Encoding(codec.name).frame_bytes == len(silent) == 160
        assert Hearing(codec.decode(silent), 8000).peak() <= 8
        assert silent[:1] == {"PCMA": b"\xd5", "PCMU": b"\xff"}[codec.name]


def test_a_view_with_gaps_or_of_wider_numbers_is_encoded_like_its_copy() -> None:
    pcm = np.arange(-4000, 4000, dtype=np.int16)
    assert PCMA().encode(pcm[::2]) == PCMA().encode(pcm[::2].copy())
    assert PCMU().encode(pcm.astype(np.int64)) == PCMU().encode(pcm)


@given(st.binary(max_size=400))
def test_any_bytes_are_some_sound(payload: bytes) -> None:
    for codec in (PCMA(), PCMU()):
        assert len(codec.decode(payload)) == len(payload)


def test_codecs_are_found_by_name() -> None:
    assert [codecs.by_name(name).name for name in ("pcmu", "PCMA", "G722", "Opus")] == [
        "PCMU",
        "PCMA",
        "G722",
        "opus",
    ]
    with pytest.raises(NoCommonCodec, match="speex"):
        codecs.by_name("speex")
