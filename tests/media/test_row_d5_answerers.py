"""Row D5: a person is told from a mailbox by the first seconds of what is heard."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from bench.answerers import Line, Told, Wave, listen, on_line, read
from media import codecs
from media.answerers import Answerers
from media.commands import AnswererJudged, Event
from media.encoding import Encoding, clock_rate_hz
from media.resample import resample

RATE = 8000
ROOT = Path(__file__).resolve().parents[2]
VOICES = ROOT / "tests" / "data" / "answerers"
CLEAN = Line(-20, -65, 0.0)
LANGUAGES = ("en", "pl", "ru", "uk")
HELLOS = sorted(path.stem for path in VOICES.glob("*.wav") if not path.stem.endswith("-mailbox"))


def voice(name: str) -> Wave:
    return read(VOICES / f"{name}.wav")


def tone(hz: float, seconds: float, level_db: float = -15.0) -> Wave:
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def silence(seconds: float) -> Wave:
    return np.zeros(round(seconds * RATE))


def told_of(*pieces: Wave, line: Line = CLEAN) -> Told:
    whole = np.concatenate((*pieces, silence(16)))[: 16 * RATE]
    noise = np.random.default_rng(1).standard_normal(len(whole)) * 10 ** (-70 / 20)
    [told] = listen([whole + noise], line)
    return told


@pytest.mark.parametrize("name", HELLOS)
@pytest.mark.parametrize(
    "line", [CLEAN, Line(-10, -65, 0.0), Line(-35, -65, 0.05), Line(-20, -40, 0.05)], ids=str
)
def test_row_d5_who_says_hello_and_waits_is_a_person_a_second_later(name: str, line: Line) -> None:

    [told] = listen([on_line(voice(name), line, Random(3))], line)
    assert told.first == "person"
    starts_s = Random(3).uniform(0.1, 0.9)
    ends_s = starts_s + len(voice(name)) / RATE
    assert ends_s + 0.6 < told.at_s < ends_s + 1.4  # a voice fades into the noise of its line


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("of", ["working", "off-hours"])
def test_row_d5_who_talks_on_is_asked_after_4_s_and_known_for_a_recording_after_6(
    language: str, of: str
) -> None:
    greeting = read(ROOT / "prompts" / language / f"voicemail-greeting-{of}.wav")
    told = told_of(silence(0.4), greeting)
    assert (told.first, told.at_s) == ("unclear", pytest.approx(4.1, abs=0.15))
    assert told.machine_at_s is not None
    assert 5 < told.machine_at_s < 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_d5_a_mailbox_beeps_behind_a_greeting_that_was_short(language: str) -> None:
    told = told_of(
        silence(0.2), voice(f"{language}-name"), voice(f"{language}-speaking"), silence(0.3), tone(1000, 0.3)
    )
    assert told.first == "machine"
    assert told.at_s < 4


def test_row_d5_a_network_that_announces_something_begins_with_its_three_tones() -> None:
    sit = [tone(950, 0.33), tone(1400, 0.33), tone(1800, 0.33)]
    told = told_of(silence(0.3), *sit, voice("pl-mailbox"))
    assert told.first == "machine"
    assert told.at_s < 1.3


@pytest.mark.parametrize(("hz", "seconds"), [(1000, 0.5), (1400, 0.5), (2100, 3.0), (1100, 0.5)])
def test_row_d5_a_mailbox_that_only_beeps_and_a_fax_are_no_persons(hz: float, seconds: float) -> None:
    assert told_of(silence(0.5), tone(hz, seconds)).first == "machine"


@pytest.mark.parametrize("pieces", [(), (tone(425, 1.0), silence(4), tone(425, 1.0)), (tone(1400, 0.2),)])
def test_row_d5_who_is_silent_or_still_rings_or_only_clicks_is_asked(pieces: tuple[Wave, ...]) -> None:
    told = told_of(silence(0.5), *pieces)
    assert (told.first, told.machine_at_s) == ("unclear", None)
    assert told.at_s <= 3


def test_row_d5_a_line_that_only_hums_and_hisses_is_asked() -> None:
    noise = np.random.default_rng(2).standard_normal(16 * RATE) * 10 ** (-30 / 20)
    assert told_of(noise + np.resize(tone(50, 16, -30), len(noise))).first == "unclear"


def test_row_d5_music_is_no_person() -> None:
    told = told_of(read(ROOT / "prompts" / "music" / "calm.wav")[: 16 * RATE])
    assert told.first != "person"


def test_row_d5_a_person_who_says_more_than_hello_is_asked_and_never_taken_for_a_recording() -> None:
    long = [voice("pl-name"), silence(0.2), voice("pl-speaking"), silence(0.2), voice("pl-hello")]
    told = told_of(silence(0.4), *long)
    assert (told.first, told.machine_at_s) == ("unclear", None)


def test_row_d5_the_echo_of_our_question_makes_no_recording_of_who_listens_to_it() -> None:
    echo = read(ROOT / "prompts" / "pl" / "voicemail-greeting-working.wav") * 10 ** (-16 / 20)
    told = told_of(silence(0.4), voice("pl-name"), silence(0.3), voice("pl-speaking"), silence(0.6), echo)
    assert (told.first, told.machine_at_s) == ("unclear", None)


def test_row_d5_who_says_hello_where_others_talk_is_never_taken_for_a_recording() -> None:
    others = np.resize(read(ROOT / "prompts" / "en" / "voicemail-greeting-working.wav"), 16 * RATE)
    room = sum(np.roll(others, shift * RATE) for shift in range(3)) * 10 ** (-14 / 20)
    hello = np.concatenate((silence(0.6), voice("pl-speaking"), silence(16)))[: len(room)]
    told = told_of(room + hello)
    assert told.first in ("person", "unclear")
    assert told.machine_at_s is None


def test_row_d5_who_says_hello_again_and_again_is_asked_and_never_taken_for_a_recording() -> None:
    told = told_of(silence(0.3), *[voice("pl-hello"), silence(0.65)] * 9)
    assert (told.first, told.machine_at_s) == ("unclear", None)


def test_row_d5_a_far_end_that_sends_nothing_is_told_of_all_the_same() -> None:
    events: list[Event] = []
    answerers = Answerers(events.append, has_codec=lambda _: True)
    answerers.add(5, 0.0)
    for look in range(1, 40):
        answerers.hear(look / 10)
    assert events == [AnswererJudged(5, events[0].who, "was silent")]  # type: ignore[union-attr]


@pytest.mark.parametrize("codec", ["PCMU", "G722", "opus"])
@pytest.mark.parametrize(("name", "who"), [("uk-speaking", "person"), ("uk-mailbox", "unclear")])
def test_row_d5_the_voice_is_told_in_every_codec(codec: str, name: str, who: str) -> None:
    events: list[Event] = []
    answerers = Answerers(events.append, has_codec=lambda _: True)
    take, encoder = answerers.add(1, 0.0), codecs.encoder(Encoding(codec))
    whole = np.concatenate((silence(0.4), voice(name), silence(6)))[: 6 * RATE]
    pcm = resample((whole * 32767).astype(np.int16), RATE, encoder.sample_rate_hz)
    size, ticks = encoder.sample_rate_hz // 50, clock_rate_hz(codec) // 50
    for packet in range(len(pcm) // size):
        now = (packet + 1) / 50
        take(codec, encoder.encode(pcm[packet * size : (packet + 1) * size]), packet * ticks, 1, now)
        if packet % 5 == 4 and not events:
            answerers.hear(now)
    assert [event.who.value for event in events if isinstance(event, AnswererJudged)] == [who]


def test_row_d5_silence_that_is_not_sent_counts_as_silence() -> None:
    events: list[Event] = []
    answerers = Answerers(events.append, has_codec=lambda _: True)
    take, law = answerers.add(1, 0.0), codecs.by_name("PCMU")
    payload = law.encode((voice("en-speaking") * 32767).astype(np.int16))
    now = 0.0
    for start in range(0, 6 * RATE, 160):  # speech from 0.5 s on; nothing is sent before and after it
        now += 0.02
        said = payload[start - RATE // 2 : start - RATE // 2 + 160] if start >= RATE // 2 else b""
        if len(said) == 160:
            take("PCMU", said, start, 1, now)
        if start % 800 == 640:
            answerers.hear(now)
            if events:
                break
    assert [event.who.value for event in events if isinstance(event, AnswererJudged)] == ["person"]
    assert now == pytest.approx(2.7, abs=0.3)
