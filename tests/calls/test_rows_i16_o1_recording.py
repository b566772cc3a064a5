"""Rows I16 and O1: conversations on record, in stereo, whoever answers and is transferred to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome
from b2bua.store.recordings import KeptRecording
from media.commands import Tone
from tests.calls.test_transfer import refer
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import CALLER_HZ, MONDAY_NOON, NUMBER, PHONE_HZ, TO_ANNA, Office, office, reinvite

ANSWERS = Habit(answers_after=1.0)
ALL = '[recording]\nall = true\nannouncement = ""\n'
TO_MOBILE = """
[[step]]
ring = ["mobile of anna"]
for = "20s"

[[step]]
voicemail = "sales"
"""
PIOTR_HZ = 1400.0


def with_recording(table: str) -> Callable[[str], str]:
    return lambda text: f"{text}\n{table}"


async def recordings(run: Office) -> list[KeptRecording]:
    """Return what was recorded, once every call is over."""
    stories = await run.stories()
    found = [await run.server.store.recordings.of_call(story.call.call_id) for story in stories]
    return [recording for of_call in found for recording in of_call]


def check_sides(path: Path, *, seconds: float) -> None:
    """Check that each side is on its own channel for about that long, whole, and not on the other's."""
    callers, phones = Hearing.channels_of(path)
    for side, own_hz, others_hz in ((callers, CALLER_HZ, PHONE_HZ), (phones, PHONE_HZ, CALLER_HZ)):
        [span] = side.spans_of(own_hz)
        assert span.seconds == pytest.approx(seconds, abs=1.0)
        assert (side.seconds_of(others_hz), side.gaps(), side.clipping()) == (0.0, [], [])


async def talk(caller: Leg, phone: Leg, *, seconds: float = 5.0, phone_hz: float = PHONE_HZ) -> None:
    caller.loop([Tone((CALLER_HZ,), 1.0)])
    phone.loop([Tone((phone_hz,), 1.0)])
    await asyncio.sleep(seconds)


@virtual_time
async def test_i16_a_conversation_on_a_mobile_is_recorded_with_both_in_stereo(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_MOBILE, change=with_recording(ALL)) as run:
        mobile = await run.mobiles(ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        await talk(caller, (await mobile.invited(within=5)).leg)
        caller.hang_up()
        [kept] = await recordings(run)
        assert kept.seconds == pytest.approx(5.0, abs=1.5)
        assert kept.path.is_relative_to(tmp_path / "data" / "recordings" / "2026-11")
        check_sides(kept.path, seconds=5.0)
        await run.settled()


@virtual_time
async def test_o1_a_chain_of_three_legs_with_holds_is_one_continuous_file(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=with_recording(ALL)) as run:
        anna, piotr = await run.phone("101", ANSWERS), await run.phone("102", ANSWERS)
        olena = await run.phone("103", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        began = run.now
        first = (await anna.invited(within=5)).leg
        await talk(caller, first)
        await reinvite(first, "sendonly")
        await asyncio.sleep(3)
        await reinvite(first, "sendrecv")
        await talk(caller, first, seconds=2)
        assert await refer(first, "102").result == 200
        second = (await piotr.invited(within=5)).leg
        await talk(caller, second, phone_hz=PIOTR_HZ)
        assert await refer(second, "103").result == 200
        third = (await olena.invited(within=5)).leg
        await talk(caller, third, phone_hz=2000.0)
        whole = run.now - began
        caller.hang_up()
        [kept] = await recordings(run)
        assert kept.seconds == pytest.approx(whole, abs=1.0)
        callers, phones = Hearing.channels_of(kept.path)
        for hertz in (PIOTR_HZ, 2000.0):
            assert phones.seconds_of(hertz) == pytest.approx(5.0, abs=1.0)
            assert len(phones.spans_of(hertz)) == 1
        assert phones.seconds_of(PHONE_HZ) >= 6.0
        assert callers.seconds_of(CALLER_HZ) == pytest.approx(20.0, abs=2.0)
        for side in (callers, phones):
            rings = [gap.seconds for gap in side.gaps()]
            assert rings == pytest.approx([1.0, 1.0], abs=0.1)
            assert side.clipping() == []
        await run.settled()


@virtual_time
async def test_both_are_told_before_they_are_connected_and_the_announcement_is_not_on_record(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=with_recording("[recording]\nall = true\n")) as run:
        anna = await run.phone("101", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        phone = (await anna.invited(within=5)).leg
        heard = [leg.media.record(tmp_path / f"{leg.name}.wav") for leg in (caller, phone)]
        caller.loop([Tone((CALLER_HZ,), 1.0)])
        phone.loop([Tone((PHONE_HZ,), 1.0)])
        await asyncio.sleep(6)
        for recording, others_hz in zip(heard, (PHONE_HZ, CALLER_HZ), strict=True):
            hearing = Hearing.of_file((await recording.stop()).path)
            [talk] = hearing.spans_of(others_hz)
            assert 0.7 < talk.at < 4.0
            assert hearing.between(0, talk.at).loudness() > -40  # somebody spoke before
            assert hearing.clipping() == []
        caller.hang_up()
        [kept] = await recordings(run)
        assert kept.seconds == pytest.approx(6 - talk.at, abs=0.5)
        await run.settled()


@virtual_time
async def test_a_caller_who_hangs_up_while_being_told_is_owed_a_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=with_recording("[recording]\nall = true\n")) as run:
        await run.phone("101", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        await asyncio.sleep(0.3)
        caller.hang_up()
        [story] = await run.stories()
        assert story.outcome is CallOutcome.PROMISE
        assert await recordings(run) == []
        await run.settled()


@pytest.mark.parametrize(
    ("table", "is_recorded"),
    [
        ("", False),
        ('numbers = ["+48 22 123 99 99"]', True),
        ('numbers = ["+48221230001"]', False),
        ('trunks = ["demo"]', True),
        ('trunks = ["demo-out"]', False),
        ('people = ["anna"]', True),
        ('people = ["piotr"]', False),
    ],
)
def test_what_is_recorded_goes_by_number_trunk_and_person(
    table: str, is_recorded: bool, tmp_path: Path
) -> None:
    @virtual_time
    async def story() -> None:
        change = with_recording(f'[recording]\nannouncement = ""\n{table}\n')
        async with office(tmp_path, scheme=TO_ANNA, change=change) as run:
            await run.phone("101", ANSWERS)
            caller = await (await run.call_in(NUMBER)).answered(within=20)
            await asyncio.sleep(3)
            caller.hang_up()
            assert len(await recordings(run)) == is_recorded

    story()


@virtual_time
async def test_a_conversation_with_somebody_who_was_called_by_a_trunk_is_recorded(tmp_path: Path) -> None:
    change = with_recording('[recording]\nannouncement = ""\ntrunks = ["demo-out"]\n')
    async with office(tmp_path, change=change) as run:
        await run.mobiles(ANSWERS)
        anna = await run.phone("101")
        caller = await (await run.call_from(anna, "101", "+48600999888")).answered(within=20)
        await asyncio.sleep(3)
        caller.hang_up()
        assert len(await recordings(run)) == 1


@virtual_time
async def test_a_disk_that_is_full_ends_the_recording_and_not_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "full").write_text("no folder can be here")
    change = with_recording(f'{ALL}folder = "{tmp_path / "full"}"\n')
    async with office(tmp_path, scheme=TO_ANNA, change=change) as run:
        anna = await run.phone("101", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        phone = (await anna.invited(within=5)).leg
        await talk(caller, phone, seconds=5)
        recording = phone.media.record(tmp_path / "still.wav")
        await asyncio.sleep(2)
        still = Hearing.of_file((await recording.stop()).path)
        assert still.seconds_of(CALLER_HZ) > 1.9
        assert still.gaps() == []
        caller.hang_up()
        [kept] = await recordings(run)
        assert kept.seconds == 0
        assert kept.error
        assert sum("ended early" in record.message for record in caplog.records) == 1


@pytest.mark.parametrize("suffix", ["opus", "mp3"])
def test_after_the_call_the_file_is_made_small_and_the_wav_file_goes(suffix: str, tmp_path: Path) -> None:
    kept: list[KeptRecording] = []

    @virtual_time
    async def story() -> None:
        change = with_recording(f'{ALL}format = "{suffix}"\n')
        async with office(tmp_path, scheme=TO_ANNA, change=change) as run:
            anna = await run.phone("101", ANSWERS)
            caller = await (await run.call_in(NUMBER)).answered(within=20)
            await talk(caller, (await anna.invited(within=5)).leg)
            caller.hang_up()
            async with asyncio.timeout(30):
                while not (found := await recordings(run)) or found[0].path.suffix == ".wav":
                    await asyncio.sleep(0.5)
            kept.extend(found)

    story()
    [path] = [each.path for each in kept]
    assert path.suffix == f".{suffix}"
    assert list(path.parent.iterdir()) == [path]
    check_sides(path, seconds=5.0)


@virtual_time
async def test_recordings_are_deleted_when_their_time_is_over(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=with_recording(f'{ALL}keep = "2h"\n')) as run:
        await run.phone("101", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        await asyncio.sleep(3)
        caller.hang_up()
        [kept] = await recordings(run)
        for suffix in (".opus", ".opus.part"):  # it may have died in the middle of making that
            kept.path.with_suffix(suffix).touch()
        another = kept.path.with_stem(f"{kept.path.stem}-2")
        another.touch()
        await asyncio.sleep(3600)
        assert kept.path.exists()
        await asyncio.sleep(2 * 3600)
        [kept] = await recordings(run)
        assert kept.deleted_at is not None
        assert kept.deleted_at > MONDAY_NOON
        assert list(kept.path.parent.iterdir()) == [another]


@virtual_time
async def test_row_o1_what_was_recorded_before_the_clock_was_set_by_years_lasts_as_long_as_the_rest(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=with_recording(f'{ALL}keep = "2h"\n')) as run:
        await run.phone("101", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        await asyncio.sleep(3)
        caller.hang_up()
        [kept] = await recordings(run)
        run.clock.set_by(timedelta(days=3653))
        await asyncio.sleep(3700)
        assert kept.path.exists()
        [kept] = await recordings(run)
        assert kept.deleted_at is None
        assert kept.ended_at is not None
        assert abs(kept.ended_at - MONDAY_NOON - timedelta(days=3653)) < timedelta(minutes=1)
        await asyncio.sleep(2 * 3600)
        assert not kept.path.exists()


@virtual_time
async def test_a_worker_that_dies_does_not_end_the_recording(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA, change=with_recording(ALL), worker_starts_in=0.6) as run:
        anna = await run.phone("101", ANSWERS)
        caller = await (await run.call_in(NUMBER)).answered(within=20)
        phone = (await anna.invited(within=5)).leg
        await talk(caller, phone)
        run.crash_media()
        await asyncio.sleep(0.8)
        await talk(caller, phone)
        caller.hang_up()
        [kept] = await recordings(run)
        assert kept.error == ""
        assert kept.seconds == pytest.approx(10.8, abs=1.0)
        for side, hertz in zip(Hearing.channels_of(kept.path), (CALLER_HZ, PHONE_HZ), strict=True):
            assert side.seconds_of(hertz) > 8.0
            [gap] = side.gaps()
            assert gap.seconds < 1.2, "the new worker takes 0.6 s, and half a second is lost with the old one"
