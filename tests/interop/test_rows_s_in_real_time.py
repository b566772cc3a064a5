"""Rows R1, F2, F18, F24, F27, S1 to S4 and V7 on a real clock, which is moved to the days they tell of."""

from __future__ import annotations

import pytest

from tests.harness.hearing import Hearing
from tests.interop.days import (
    ANNA,
    AT_ONCE_S,
    EWA,
    EXACT_S,
    LONGEST_S,
    MOBILES,
    NUMBERS,
    OLENA,
    PIOTR,
    POLLED_EVERY_S,
    RINGS_FOR_S,
    TALKER,
    VOICEMAIL,
    WEEK,
    Play,
    begin,
)

__all__ = ("LONGEST_S", "begin")  # this is a play of minutes: see stage.py

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

SOON_S = 10.0
"""So long after midnight the next calls have come, also on a busy machine."""
VOICE_HZ = 440.0
JUMPS = ("forward", "back")
"""A machine without a battery learns the time after its start; somebody corrects it by an hour."""


def test_row_r1_whoever_talked_with_the_caller_rings_first_until_the_day_is_over(played: Play) -> None:
    first, second, third = played.rung("sticky first")
    assert [who for _, who in (first, second, third)] == [PIOTR, PIOTR, ANNA]
    other = played.rung("sticky first of another")
    assert [who for _, who in other] == [PIOTR, ANNA]
    for call in ("sticky first", "sticky first of another"):
        pairs = zip(played.called(call), played.rung(call), strict=True)
        delays = [rung_at - called_at for called_at, (rung_at, _) in pairs]
        assert max(delays) < AT_ONCE_S, "who is away, and the end of the day, cost no time"
    assert second[0] < played.at["midnight"] < other[1][0] < played.at["midnight"] + SOON_S
    assert played.journal("sticky first")[0].story.startswith("Anna Nowak was away; talked with Piotr")
    minutes = [call.when[:16] for call in played.journal("sticky first")]
    assert minutes == ["2026-11-10 23:59", "2026-11-10 23:59", "2026-11-11 00:01"]


def test_row_f18_from_the_midnight_of_a_holiday_on_its_own_scheme_is_in_force(played: Play) -> None:
    assert played.first("holiday before midnight") == ANNA
    assert played.first("holiday at midnight") == MOBILES[ANNA]


def test_row_f24_s2_at_17_59_the_hours_of_a_step_and_of_a_scheme_hold_and_from_18_00_on_they_cost_no_time(
    played: Play,
) -> None:
    for name in ("step-hours", "by-hour"):
        rung = {minute: played.first(f"{name} at {minute}") for minute in ("17:59", "18:00", "18:01")}
        assert rung == {"17:59": ANNA, "18:00": PIOTR, "18:01": PIOTR}, name


def test_row_f27_s2_over_seven_days_a_scheme_works_on_those_that_it_names(played: Play) -> None:
    rung = {day: played.first(f"days {day}") for day in WEEK}
    assert rung == {day: who for day, (_, who, _) in WEEK.items()}


def test_row_s1_on_weekends_holidays_and_after_half_a_day_whoever_is_on_duty_that_day_is_rung(
    played: Play,
) -> None:
    rung = {day: played.first(f"weekly {day}") for day in WEEK}
    assert rung == {day: who for day, (_, _, who) in WEEK.items()}
    assert played.first("weekly between the years") == MOBILES[PIOTR], "a day of a range"
    assert played.first("weekly before noon") == ANNA, "New Year's Eve is half a day"
    assert played.first("weekly at noon") == MOBILES[ANNA]
    assert played.first("weekly new year") == MOBILES[PIOTR]


def test_row_s1_duty_changes_hands_at_midnight(played: Play) -> None:
    assert played.first("rota before midnight") == MOBILES[PIOTR]
    assert played.first("rota at midnight") == MOBILES[ANNA]


def test_row_s1_an_office_that_a_phone_closed_until_tomorrow_is_open_again_at_midnight(played: Play) -> None:
    rung = [played.first(f"closing {moment}") for moment in ("before midnight", "closed", "at midnight")]
    assert rung == [ANNA, PIOTR, ANNA]
    assert 0 < played.called("closing at midnight")[0] - played.at["midnight"] < SOON_S


def test_row_s1_in_the_night_in_which_the_clock_is_put_back_hours_begin_and_end_once(played: Play) -> None:
    assert played.first("late before 02:30") == played.first("early before 02:30") == ANNA
    assert played.first("late at 02:30") == PIOTR
    assert played.first("late at 02:00") == PIOTR, "they are over, though it is not half past two once more"
    assert played.first("early at 02:00") == ANNA, "they have begun, at a quarter past two"
    [call] = played.journal("early at 02:00")
    assert call.when.startswith("2026-10-25 02:00:0")


def test_row_s1_in_the_night_in_which_the_clock_is_put_forward_hours_of_the_skipped_one_are_at_its_end(
    played: Play,
) -> None:
    assert (played.first("late before 03:00"), played.first("early before 03:00")) == (ANNA, PIOTR)
    assert (played.first("late at 03:00"), played.first("early at 03:00")) == (PIOTR, ANNA)
    assert played.journal("late before 03:00")[0].when.startswith("2027-03-28 01:59:4")
    assert played.journal("late at 03:00")[0].when.startswith("2027-03-28 03:00:0")


def test_row_s2_each_condition_on_the_load_holds_while_one_of_two_talks_and_no_longer(played: Play) -> None:
    assert [played.first(f"{name} calm") for name in ("free", "share", "crowd")] == [ANNA, PIOTR, ANNA]
    assert [played.first(f"{name} busy") for name in ("free", "share", "crowd")] == [OLENA] * 3
    assert played.first("crowd calm again") == ANNA
    stories = {name: played.journal(f"{name} busy")[0].story for name in ("free", "share", "crowd")}
    assert stories["free"].startswith("as free in pair < 2; talked with Olena")
    assert stories["share"].startswith("as talking in pair >= 50%; talked with Olena")


def test_row_s3_s4_whoever_is_said_to_be_away_is_passed_by_at_once_and_rung_again_when_back(
    played: Play,
) -> None:
    [first_at, *_], [(rung_at, who), *_] = played.called("sticky first"), played.rung("sticky first")
    assert who == PIOTR
    assert rung_at - first_at < AT_ONCE_S
    assert played.first("closing before midnight") == ANNA


def test_row_s4_a_meeting_in_a_calendar_excludes_from_its_first_second_to_its_last(played: Play) -> None:
    moments = ("before 14:00", "at 14:00", "before 15:00", "at 15:00")
    rung = [played.first(f"meeting {each}") for each in moments]
    assert rung == [OLENA, PIOTR, PIOTR, OLENA]
    [call] = played.journal("meeting at 14:00")
    assert call.story.startswith("Olena Kovalenko was in a meeting until 15:00; talked with Piotr")
    assert call.when.startswith("2026-11-16 14:00:0")


def test_row_s4_a_meeting_that_is_written_down_is_known_when_the_calendar_is_next_read(played: Play) -> None:
    reads = [at for at, path in played.website.asked if path == "/ewa"]
    later = reads.index(played.at["training read"])
    assert reads[later] - reads[later - 1] < POLLED_EVERY_S + EXACT_S
    assert played.at["training known"] - reads[later] < AT_ONCE_S + EXACT_S
    assert played.first("training in training") == PIOTR


@pytest.mark.parametrize("jump", JUMPS)
def test_row_f2_a_phone_rings_for_its_seconds_though_the_clock_is_set(played: Play, jump: str) -> None:
    (ewa_at, ewa), (piotr_at, piotr) = played.rung(f"rings {jump}")
    assert (ewa, piotr) == (EWA, PIOTR), "phones are registered as before"
    assert ewa_at < played.at[jump] < piotr_at
    assert piotr_at - ewa_at == pytest.approx(RINGS_FOR_S, abs=EXACT_S)
    [call] = played.journal(f"rings {jump}")
    assert call.story.startswith("rang Ewa Test 4 s, no answer; talked with Piotr")


def test_a_talk_goes_on_though_the_clock_is_set_meanwhile(played: Play) -> None:
    talks = [call for call in played.calls[TALKER] if call.dialled == NUMBERS["closing"]]
    assert [call.when[:10] for call in talks] == ["2016-11-01", "2027-03-29"]
    for call in talks:
        assert call.story in ("talked with Anna Nowak for 2 s", "talked with Anna Nowak for 3 s"), (
            "on a busy machine"
        )


def test_row_v7_a_message_is_whole_and_told_of_though_the_clock_is_set_meanwhile(played: Play) -> None:
    left = [call for call in played.calls[TALKER] if call.dialled == VOICEMAIL]
    assert [call.when[:10] for call in left] == ["2016-11-01", "2027-03-29"]
    recordings = played.office.recordings()
    assert len(recordings) == len(left)
    for call, path in zip(left, recordings, strict=True):
        assert call.story in ("left a message of 3 s", "left a message of 4 s")
        heard = Hearing.of_file(path)
        assert heard.seconds == pytest.approx(3, abs=EXACT_S)
        assert heard.seconds_of(VOICE_HZ, above_db=-20.0) > 1.0, "on a busy machine SIPp skips"
        assert heard.clipping() == []
    assert [seconds < 5.0 for seconds in played.mailed_after.values()] == [True] * len(JUMPS)
