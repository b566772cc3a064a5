"""The ear of the tests hears what was put into a sound, and each fault that a caller would."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from media import codecs
from media.dtmf import encode_digit
from media.encoding import Encoding
from media.rtp import RtpPacket
from media.tones import tone
from media.wav import WavFormat, WavWriter, read_channels
from tests.harness.hearing import FLOOR_DB, FRAME_S, Decoder, Hearing, Party, deaf, keys_of, presses_of
from tests.harness.markers import lasts_s, marked_prompts
from tests.harness.soundfiles import silence, write_sound

RATE = 8000
ANNA_HZ, BOB_HZ = 700.0, 1200.0


def joined(*parts: np.ndarray) -> Hearing:
    return Hearing(np.concatenate([np.empty(0, np.int16), *parts]), RATE)


def marker(name: str) -> np.ndarray:
    return Hearing.of_file(marked_prompts() / f"{name}.wav").pcm


def pressed(low: float, high: float, seconds: float) -> np.ndarray:
    return np.concatenate((tone((low, high), seconds, RATE, -16.0), silence(0.06, RATE)))


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("level_db", [-6.0, -20.0, -40.0])
def test_levels_and_times_of_tones_are_those_that_were_made(rate: int, level_db: float) -> None:
    pcm = np.concatenate((silence(0.4, rate), tone((ANNA_HZ,), 1.0, rate, level_db), silence(0.2, rate)))
    hearing = Hearing(pcm, rate)
    assert np.median(hearing.between(0.5, 1.3).levels(ANNA_HZ)) == pytest.approx(level_db, abs=0.1)
    [span] = hearing.spans_of(ANNA_HZ, above_db=level_db - 3)
    assert (span.at, span.until) == (pytest.approx(0.4, abs=FRAME_S), pytest.approx(1.4, abs=FRAME_S))
    assert hearing.seconds_of(ANNA_HZ, BOB_HZ, above_db=level_db - 3) == 0.0, "not both at once"
    assert hearing.pitch(BOB_HZ, ANNA_HZ) == ANNA_HZ
    assert hearing.seconds == pytest.approx(1.6)
    assert hearing.between(0.5, 1.3).loudness() == pytest.approx(level_db - 3.0, abs=0.1)


def test_speech_is_as_loud_as_it_is_without_its_pauses_and_a_tone_is_all_in_its_band() -> None:
    heard = joined(tone((ANNA_HZ,), 1.0, RATE, -17.0), silence(1.0, RATE))
    assert heard.loudness() == pytest.approx(-23.0, abs=0.1)
    assert heard.loudness(within_db=25.0) == pytest.approx(-20.0, abs=0.1)
    assert heard.share_between(ANNA_HZ - 50, ANNA_HZ + 50) > 0.99
    assert heard.share_between(BOB_HZ - 50, BOB_HZ + 50) < 0.01


def test_silence_measures_the_floor_and_what_is_shorter_than_20_ms_nothing() -> None:
    assert (joined(silence(0.1, RATE)).levels(ANNA_HZ) == FLOOR_DB).all()
    assert joined(silence(0.019, RATE)).levels(ANNA_HZ).shape == (0, 1)
    assert joined(silence(0.1, RATE)).sounds() == joined(silence(0.019, RATE)).sounds() == []


@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "G722", "opus"])
def test_payloads_of_each_codec_are_heard_as_they_were_said(codec: str) -> None:
    line = codecs.encoder(Encoding(codec))
    said = Hearing(tone((ANNA_HZ,), 1.0, line.sample_rate_hz), line.sample_rate_hz)
    step = line.sample_rate_hz // 50
    payloads = [line.encode(said.pcm[at : at + step]) for at in range(0, len(said.pcm), step)]
    heard = Hearing.of_payloads(codec, payloads)
    assert (heard.rate, heard.seconds) == (said.rate, said.seconds)
    assert heard.between(0.2).likeness(said.between(0.2)) > 0.99  # G.722 begins softly
    assert Hearing.of_payloads(codec, []).seconds == 0.0


@pytest.mark.parametrize("kind", list(WavFormat))
def test_files_of_each_kind_are_read_as_the_product_reads_them(kind: WavFormat, tmp_path: Path) -> None:
    pcm = tone((ANNA_HZ,), 0.5, RATE)
    is_linear = kind is WavFormat.PCM16
    stored = pcm.astype("<i2").tobytes() if is_linear else codecs.by_name(kind).encode(pcm)
    with WavWriter(tmp_path / "one.wav", RATE, kind) as wav:
        wav.append(stored)
    hearing = Hearing.of_file(tmp_path / "one.wav")
    assert np.array_equal(hearing.pcm, read_channels(tmp_path / "one.wav")[0][:, 0])
    assert hearing.rate == RATE


def test_a_file_that_is_being_written_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "growing.wav"
    assert Hearing.so_far(path).seconds_of(ANNA_HZ) == 0.0
    path.touch()
    assert Hearing.so_far(path).seconds_of_sound() == 0.0
    wav = WavWriter(path, RATE)
    for seconds in (0.0, 0.5, 1.0):
        assert Hearing.so_far(path).seconds_of(ANNA_HZ) == pytest.approx(seconds, abs=2 * FRAME_S)
        assert Hearing.so_far(path).seconds_of_sound() == pytest.approx(seconds, abs=2 * FRAME_S)
        wav.append(codecs.by_name("PCMA").encode(tone((ANNA_HZ,), 0.5, RATE)))
    wav.append(codecs.by_name("PCMA").encode(silence(0.5, RATE)))
    wav.close()
    assert Hearing.so_far(path).seconds_of_sound() == pytest.approx(1.5, abs=2 * FRAME_S)


def test_half_a_sample_at_the_end_of_a_file_that_is_being_written_is_none(tmp_path: Path) -> None:
    path = tmp_path / "growing.wav"
    with WavWriter(path, RATE, WavFormat.PCM16) as wav:
        wav.append(tone((ANNA_HZ,), 1.0, RATE).astype("<i2").tobytes())
    content = path.read_bytes()
    header, block = 44, 4096  # what FFmpeg reads at once
    for rest in range(4):
        path.write_bytes(content[: header + 3 * block + rest])
        assert Hearing.so_far(path).seconds_of_sound() == pytest.approx(1.5 * block / RATE, abs=2 * FRAME_S)


def test_the_sides_of_a_conversation_are_told_from_one_another_also_when_compressed(tmp_path: Path) -> None:
    pcm = tone((ANNA_HZ,), 1.0, 48_000)
    path = write_sound(tmp_path / "both.opus", pcm, 48_000, "libopus", layout="stereo")
    left, right = Hearing.channels_of(path, rate=RATE)
    assert left.seconds_of(ANNA_HZ) == right.seconds_of(ANNA_HZ) == pytest.approx(1.0, abs=0.05)
    with pytest.raises(AssertionError, match="2 channels"):
        Hearing.of_file(path)


def test_a_marked_prompt_is_named_with_when_and_how_much_of_it_is_missing() -> None:
    welcome, goodbye = marker("welcome"), marker("goodbye")
    cut_s = 0.1
    hearing = joined(silence(1.0, RATE), welcome, silence(0.3, RATE), goodbye[round(cut_s * RATE) :])
    first, second = hearing.prompts()
    assert (first.prompt, second.prompt) == ("welcome", "goodbye")
    assert first.at == pytest.approx(1.0, abs=FRAME_S)
    assert second.at == pytest.approx(1.3 + lasts_s("welcome"), abs=FRAME_S)
    assert first.missing_s < 2 * FRAME_S
    assert second.missing_s == pytest.approx(cut_s, abs=2 * FRAME_S)
    assert hearing.music() == []


def test_music_is_no_prompt() -> None:
    hearing = Hearing.of_file(marked_prompts() / "music" / "calm.wav").between(0.0, 2.0)
    assert hearing.prompts() == []
    assert hearing.music()[0].seconds == pytest.approx(2.0, abs=FRAME_S)


def test_a_gap_is_found_whether_it_is_silence_or_packets_that_never_came() -> None:
    one = tone((ANNA_HZ,), 1.0, RATE)
    [gap] = joined(one, silence(0.1, RATE), one).gaps()
    assert (gap.at, gap.seconds) == (pytest.approx(1.0, abs=FRAME_S), pytest.approx(0.1, abs=FRAME_S))
    times = [number * FRAME_S + (0.1 if number >= 50 else 0.0) for number in range(100)]
    [gap] = Hearing(np.concatenate((one, one)), RATE, times).gaps()
    assert gap.seconds == pytest.approx(0.1)
    assert joined(one, silence(0.02, RATE), one).gaps() == []
    assert joined(one, one).gaps() == []
    assert joined(one, silence(0.5, RATE), one).seconds_of_sound() == pytest.approx(2.0)


def test_the_longest_wait_counts_from_when_somebody_listens_until_the_end() -> None:
    hearing = Hearing(silence(0.06, RATE), RATE, [10.0, 10.02, 10.10])
    assert hearing.longest_wait(10.0, 10.1) == pytest.approx(0.08)
    assert hearing.longest_wait(9.9, 10.1) == pytest.approx(0.1)
    assert hearing.longest_wait(10.0, 10.3) == pytest.approx(0.2)


def test_tones_that_follow_one_another_are_a_melody_and_a_pause_is_no_part_of_it() -> None:
    anna, bob = tone((ANNA_HZ,), 0.4, RATE), tone((BOB_HZ,), 0.2, RATE)
    hearing = joined(anna, bob, silence(0.1, RATE), bob, anna)
    assert hearing.melody(BOB_HZ, ANNA_HZ) == [(ANNA_HZ, 0.4), (BOB_HZ, 0.2), (BOB_HZ, 0.2), (ANNA_HZ, 0.4)]
    assert hearing.melody(BOB_HZ) == [(BOB_HZ, 0.2), (BOB_HZ, 0.2)]


def test_a_pause_that_is_shorter_than_any_frame_makes_the_softest_piece_soft() -> None:
    whole = tone((1000.0,), 1.0, RATE, -10.0)
    cut = joined(whole[: RATE // 2], silence(0.004, RATE), whole[RATE // 2 :]).between(0.02, 0.98)
    assert joined(whole).between(0.02, 0.98).softest(0.002) == pytest.approx(-13.0, abs=0.1)
    assert cut.softest(0.002) < -100.0
    assert cut.gaps() == []
    assert cut.peak() == pytest.approx(32_767 * 10 ** (-10 / 20), abs=1)
    assert joined(np.int16([-32_768, 5])).peak() == 32_768
    assert joined().peak() == 0


@pytest.mark.parametrize("codec", ["PCMA", "PCMU", ""])
def test_tops_that_are_cut_off_are_found_and_what_is_only_loud_is_none(codec: str) -> None:
    def through(pcm: np.ndarray) -> np.ndarray:
        return codecs.by_name(codec).decode(codecs.by_name(codec).encode(pcm)) if codec else pcm

    loud = tone((ANNA_HZ,), 0.5, RATE, -1.0)
    too_loud = np.clip(loud.astype(np.int32) * 2, -32_767, 32_767).astype(np.int16)
    assert joined(through(loud)).clipping() == []
    spans = joined(through(loud), through(too_loud)).clipping()
    assert len(spans) > 100
    assert 0.5 <= spans[0].at < 0.52


def test_keys_in_the_sound_are_read_once_each_and_speech_has_none() -> None:
    keys = {"1": (697.0, 1209.0), "5": (770.0, 1336.0), "#": (941.0, 1477.0)}
    said = "115#"
    assert joined(*(pressed(*keys[key], 0.1) for key in said)).keys() == said
    assert joined(pressed(697.0, 1209.0, 0.06), tone((697.0,), 0.2, RATE)).keys() == "1"
    noise = np.asarray([Random(1).randint(-8000, 8000) for _ in range(RATE)], np.int16)
    assert joined(noise).keys() == ""


@pytest.mark.parametrize("codec", ["PCMA", "G722", "opus"])
def test_packets_are_decoded_one_by_one_at_the_rate_that_is_asked_for(codec: str) -> None:
    line, decoder = codecs.encoder(Encoding(codec)), Decoder(codec, RATE)
    step = line.sample_rate_hz // 50
    said = tone((ANNA_HZ,), 1.0, line.sample_rate_hz)
    pieces = [decoder.hear(line.encode(said[at : at + step])) for at in range(0, len(said), step)]
    assert {len(piece) for piece in pieces} == {RATE // 50}
    assert joined(*pieces).between(0.2).likeness(joined(tone((ANNA_HZ,), 1.0, RATE)).between(0.2)) > 0.99
    assert joined(*pieces).gaps() == joined(*pieces).clipping() == []
    assert len(decoder.hear(b"")) == 0


def test_keys_in_events_are_read_once_each_although_packets_are_lost_and_repeated() -> None:
    random, packets, begin = Random(2), [], 1000
    for key in "1155*0D":
        for marker, offset, payload in encode_digit(key):
            packet = RtpPacket(101, len(packets), begin + offset, 1, marker, payload)
            packets += [packet] * random.choice((0, 1, 2))
        packets.append(RtpPacket(8, len(packets), begin, 1, False, bytes(160)))
        begin += 3200
    assert keys_of(packets, 101) == "1155*0D"
    timed = presses_of(((packet.sequence * FRAME_S, packet) for packet in packets), 101)
    assert "".join(key for _, key in timed) == "1155*0D"
    assert [at for at, _ in timed] == sorted(at for at, _ in timed)


@pytest.mark.parametrize(
    ("anna_hears", "bob_hears", "faults"),
    [
        (BOB_HZ, ANNA_HZ, []),
        (BOB_HZ, None, ["bob hears anna for 0.00 s of 0.90 s"]),
        (None, ANNA_HZ, ["anna hears bob for 0.00 s of 0.90 s"]),
        (ANNA_HZ, ANNA_HZ, ["anna hears bob for 0.00 s of 0.90 s", "anna hears an echo for 1.00 s"]),
    ],
)
def test_sound_that_goes_one_way_or_comes_back_is_told(
    anna_hears: float | None, bob_hears: float | None, faults: list[str]
) -> None:
    def party(name: str, says: float, hears: float | None) -> Party:
        return Party(name, says, joined(tone((hears,), 1.0, RATE) if hears else silence(1.0, RATE)))

    parties = party("anna", ANNA_HZ, anna_hears), party("bob", BOB_HZ, bob_hears)
    assert deaf(*parties, for_s=0.9) == faults


def test_likeness_is_one_for_the_same_later_and_low_for_something_else() -> None:
    said = Hearing.of_file(marked_prompts() / "welcome.wav")
    assert joined(silence(0.123, RATE), said.pcm).likeness(said) > 0.999
    assert Hearing.of_file(marked_prompts() / "goodbye.wav").likeness(said) < 0.3


def test_each_prompt_has_a_marker_of_its_own() -> None:
    paths = sorted(marked_prompts().glob("*.wav"))
    told = [Hearing.of_file(path).prompts()[0].prompt for path in paths]
    assert told == [path.stem for path in paths]
    assert all(one != other for one, other in pairwise(told))
