"""A conversation on a tape of two channels: rows I16 and O1."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest

from media import codecs
from media.commands import Recorded, Tap
from media.encoding import Encoding, clock_rate_hz
from media.soundfile import Spoken
from media.stereofile import Side
from media.tape import Listen, Tapes
from media.tones import tone
from media.track import Track
from tests.harness.hearing import Hearing
from tests.media.test_recorder_slow_disk import PatientDisk

LEFT, RIGHT = 0, 1
CALLER_HZ, CALLEE_HZ = 600.0, 1400.0
LOUD_DB = -25.0


class Deck:
    """An engine's tapes, a disk, and the packets of far ends, on a clock of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files, self.syncs = PatientDisk(), PatientDisk()
        self.told: list[Recorded] = []
        self.tapes = Tapes(self.told.append, files=self.files, syncs=self.syncs)  # type: ignore[arg-type]
        self.now = 100.0

    def on(self, channel: int, codec: str = "PCMA", *, elapsed_s: float = 0.0) -> Listen:
        tap = Tap(1, 7, str(self.path), channel, elapsed_s)
        return self.tapes.tape(tap, self.now).on(channel, codec)

    def run(self, seconds: float, *speakers: Speaker, works: bool = True) -> None:
        """Let time pass, every 20 ms a packet of each of ``speakers``."""
        for _ in range(round(seconds / 0.02)):
            for speaker in speakers:
                speaker.speak(self.now)
            self.tapes.flush(self.now)
            if works:
                self.files.work()
                self.syncs.work()
            self.now += 0.02

    def stop(self) -> Recorded:
        self.tapes.stop(7, self.now)
        self.files.work()
        return self.told[-1]

    def heard(self, channel: int) -> Hearing:
        """Return what is on a channel."""
        return Hearing.channels_of(self.path)[channel]


class Speaker:
    """A far end that says one tone."""

    def __init__(self, listen: Listen, frequency: float, codec: str = "PCMA", *, ssrc: int = 1) -> None:
        self.listen, self.codec, self.ssrc = listen, codec, ssrc
        encoder = codecs.encoder(Encoding(codec))
        pcm = tone((frequency,), 10.0, encoder.sample_rate_hz)
        size = encoder.sample_rate_hz // 50
        self.payloads = [encoder.encode(pcm[at : at + size]) for at in range(0, len(pcm), size)]
        self.count = 0
        self.timestamp = 2**32 - 1000

    def speak(self, now: float) -> None:
        self.listen(self.codec, self.next(), self.timestamp, self.ssrc, now)

    def next(self) -> bytes:
        self.timestamp = (self.timestamp + clock_rate_hz(self.codec) // 50) % 2**32
        self.count += 1
        return self.payloads[self.count % len(self.payloads)]


def assert_spans(heard: Hearing, hertz: float, *expected: tuple[float, float]) -> None:
    """Assert that a tone is heard in these stretches and in no others."""
    found = heard.spans_of(hertz, above_db=LOUD_DB)
    assert [(one.at, one.until) for one in found] == [pytest.approx(one, abs=0.08) for one in expected]


@pytest.mark.parametrize("callee", ["PCMA", "PCMU", "G722", "opus"])
@pytest.mark.parametrize("caller", ["PCMA", "opus"])
def test_i16_the_caller_is_on_the_left_and_the_callee_on_the_right(
    caller: str, callee: str, tmp_path: Path
) -> None:
    deck = Deck(tmp_path / "call.wav")
    left = Speaker(deck.on(LEFT, caller), CALLER_HZ, caller)
    right = Speaker(deck.on(RIGHT, callee), CALLEE_HZ, callee)
    deck.run(3.0, left, right)
    told = deck.stop()
    assert (told.error, told.is_silent) == ("", False)
    assert told.seconds == pytest.approx(3.0, abs=0.03)
    on_the_left, on_the_right = deck.heard(LEFT), deck.heard(RIGHT)
    assert_spans(on_the_left, CALLER_HZ, (0.0, 3.0))
    assert_spans(on_the_right, CALLEE_HZ, (0.0, 3.0))
    assert on_the_left.seconds_of(CALLEE_HZ) == on_the_right.seconds_of(CALLER_HZ) == 0.0
    assert on_the_left.clipping() == on_the_right.clipping() == []


def test_o1_hold_and_a_transfer_leave_one_continuous_file_in_time(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "call.wav")
    caller = Speaker(deck.on(LEFT), CALLER_HZ)
    anna = Speaker(deck.on(RIGHT), CALLEE_HZ, ssrc=2)
    deck.run(2.0, caller, anna)
    deck.run(2.0, caller)  # Anna holds
    deck.run(1.0, caller, anna)
    deck.run(1.5)  # it rings at Piotr's
    piotr = Speaker(deck.on(RIGHT), 1800.0, ssrc=3)
    caller.listen = deck.on(LEFT)
    deck.run(2.0, caller, piotr)
    assert deck.stop().seconds == pytest.approx(8.5, abs=0.03)
    assert_spans(deck.heard(LEFT), CALLER_HZ, (0.0, 5.0), (6.5, 8.5))
    assert_spans(deck.heard(RIGHT), CALLEE_HZ, (0.0, 2.0), (4.0, 5.0))
    assert_spans(deck.heard(RIGHT), 1800.0, (6.5, 8.5))


@pytest.mark.parametrize("count", [25, 100, 400])
def test_after_any_instant_the_file_is_playable_up_to_the_last_second(count: int, tmp_path: Path) -> None:
    deck = Deck(tmp_path / "call.wav")
    left, right = Speaker(deck.on(LEFT), CALLER_HZ), Speaker(deck.on(RIGHT), CALLEE_HZ)
    deck.run(2.0 + count * 0.02, left, right)
    heard_s = deck.heard(LEFT).seconds_of(CALLER_HZ)  # nothing was stopped, flushed or closed
    assert heard_s > 2.0 + count * 0.02 - 1.0


def test_another_worker_goes_on_with_the_file_where_the_call_is_by_then(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    dead = Deck(path)
    dead.run(3.0, Speaker(dead.on(LEFT), CALLER_HZ), Speaker(dead.on(RIGHT), CALLEE_HZ))
    deck = Deck(path)
    deck.now = dead.now + 1.0
    elapsed_s = deck.now - 100.0
    left = Speaker(deck.on(LEFT, elapsed_s=elapsed_s), CALLER_HZ, ssrc=1)
    deck.run(2.0, left)
    assert deck.stop().seconds == pytest.approx(6.0, abs=0.03)
    [before, after] = deck.heard(LEFT).spans_of(CALLER_HZ, above_db=LOUD_DB)
    assert before.until > 2.22
    assert (after.at, after.until) == pytest.approx((4.0, 6.0), abs=0.08)


def test_packets_that_come_late_twice_or_not_at_all_leave_the_rest_in_place(tmp_path: Path) -> None:
    deck, random = Deck(tmp_path / "call.wav"), Random(4)
    left = Speaker(deck.on(LEFT), CALLER_HZ)
    waiting: list[tuple[float, bytes, int]] = []
    for step in range(300):
        now = 100.0 + step * 0.02
        payload, timestamp = left.next(), left.timestamp
        chance = random.random()
        if chance > 0.05:
            waiting += [(now + random.random() * 0.15, payload, timestamp)] * (2 if chance > 0.9 else 1)
        for at, due, stamp in sorted(each for each in waiting if each[0] <= now):
            left.listen("PCMA", due, stamp, 1, at)
        waiting = [each for each in waiting if each[0] > now]
        deck.now = now
        deck.tapes.flush(now)
        deck.files.work()
    deck.stop()
    heard = deck.heard(LEFT)
    assert heard.seconds_of(CALLER_HZ, above_db=LOUD_DB) == pytest.approx(6.0, abs=0.4)
    assert_spans(heard, CALLER_HZ, (0.0, 6.0))


def test_who_is_heard_later_from_some_time_on_is_recorded_all_the_same(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "call.wav")
    left = Speaker(deck.on(LEFT), CALLER_HZ)
    deck.run(2.0, left)
    held_up = [(left.next(), left.timestamp) for _ in range(75)]  # the network's way grows by 1.5 s
    deck.run(1.5)
    for payload, timestamp in held_up * 1:
        left.listen("PCMA", payload, timestamp, 1, deck.now)
        deck.run(0.02)
    deck.stop()
    assert deck.heard(LEFT).seconds_of(CALLER_HZ, above_db=LOUD_DB) == pytest.approx(3.5, abs=0.1)


def test_a_full_disk_ends_the_tape_and_is_told_once(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "no such folder" / "call.wav")
    left = Speaker(deck.on(LEFT), CALLER_HZ)
    deck.run(2.0, left)
    [told] = deck.told
    assert "No such file" in told.error
    deck.run(1.0, left)
    assert len(deck.told) == 1
    assert not deck.tapes.is_busy


def test_a_tape_that_is_over_keeps_nothing_of_who_is_still_on_it(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "call.wav")
    listen = deck.on(LEFT)
    speaker = Speaker(listen, CALLER_HZ)
    deck.run(1.0, speaker)
    deck.stop()
    deck.run(2.0, speaker)
    assert isinstance(listen, partial)
    (track,) = listen.args
    assert track.settle(100 * 8000) == []


def test_a_slow_disk_loses_nothing(tmp_path: Path) -> None:
    deck = Deck(tmp_path / "call.wav")
    left, right = Speaker(deck.on(LEFT), CALLER_HZ), Speaker(deck.on(RIGHT), CALLEE_HZ)
    deck.run(5.0, left, right, works=False)
    deck.run(1.0, left, right)
    assert deck.stop().seconds == pytest.approx(6.0, abs=0.03)
    assert_spans(deck.heard(LEFT), CALLER_HZ, (0.0, 6.0))


def test_what_comes_again_after_it_was_written_is_not_decoded_again() -> None:
    track = Track()
    for count in range(100):
        track.write("PCMA", bytes(160), timestamp=160 * count, ssrc=1, arrived=160 * count)
    assert len(track.settle(160 * 90)) == 90
    track.write("PCMA", bytes(160), timestamp=160 * 20, ssrc=1, arrived=160 * 100)
    assert len(track.settle(160 * 101)) == 10


def test_a_packet_that_begins_within_the_one_before_it_adds_what_is_new() -> None:
    line = codecs.by_name("PCMA")
    said = line.encode(tone((500.0,), 0.02, 8000))
    side = Side(8000, 0)
    both = side.render([Spoken(0, "PCMA", said), Spoken(80, "PCMA", said)], 320)
    assert np.array_equal(both[:160], line.decode(said))
    assert np.array_equal(both[160:240], line.decode(said)[80:])
    assert not both[240:].any()
