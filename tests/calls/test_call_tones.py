"""What callers hear of how their call stands, in the tones of the office's country."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome
from tests.harness.clock import virtual_time
from tests.harness.hearing import Hearing
from tests.harness.office import NUMBER, office

DEAD_END = """
[scheme.tested]
allow-dead-end = true

[[step]]
ring = ["101"]
for = "70s"
"""


def in_country(country: str) -> Callable[[str], str]:
    return lambda text: text.replace('country = "PL"', f'country = "{country}"')


@pytest.mark.parametrize(
    ("country", "hertz", "beat_s"), [("PL", 425.0, 0.5), ("DE", 425.0, 0.24), ("US", 480.0, 0.25)]
)
def test_who_was_answered_and_whom_nobody_takes_hears_congestion_before_the_end(
    country: str, hertz: float, beat_s: float, tmp_path: Path
) -> None:
    @virtual_time(limit_s=600)
    async def story() -> None:
        async with office(tmp_path, scheme=DEAD_END, change=in_country(country)) as run:
            await run.phone("101")
            placed = await run.call_in(NUMBER)
            caller = await placed.answered(within=62)  # it rings on as sound
            await asyncio.sleep(70.0 - (run.now - run.started) - 0.2)
            recording = caller.media.record(tmp_path / "end.wav")
            await asyncio.wait({caller.ended}, timeout=10)
            assert not caller.is_up
            hearing = Hearing.of_file((await recording.stop()).path)
            beats, pauses = hearing.spans_of(hertz)[1:-1], hearing.gaps()[1:]
            assert beats
            assert all(each.seconds == pytest.approx(beat_s, abs=0.05) for each in (*beats, *pauses))
            [told] = await run.stories()
            assert told.outcome is CallOutcome.PROMISE
            await run.settled()

    story()


@virtual_time(limit_s=600)
async def test_a_ring_in_america_is_two_tones_for_two_seconds_of_six(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=DEAD_END, change=in_country("US")) as run:
        await run.phone("101", Habit())
        caller = await (await run.call_in(NUMBER)).answered(within=62)
        recording = caller.media.record(tmp_path / "ring.wav")
        await asyncio.sleep(9)
        hearing = Hearing.of_file((await recording.stop()).path)
        first, second = hearing.spans_of(440.0, 480.0)
        assert second.at - first.until == pytest.approx(4.0, abs=0.1)
        assert max(first.seconds, second.seconds) == pytest.approx(2.0, abs=0.1)
        caller.hang_up()
        await run.stories()
