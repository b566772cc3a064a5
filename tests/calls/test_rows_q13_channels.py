"""Row Q13: the office is told when its line is full, and the provider refuses whoever calls next."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.office import office


@virtual_time(limit_s=600)
async def test_q13_a_trunk_limit_of_two_is_told_at_the_second_call(tmp_path: Path) -> None:
    def two_channels(text: str) -> str:
        accepts = '[trunk.demo]\naccepts-from = ["127.0.0.0/8"]\n'
        assert accepts in text
        return text.replace(accepts, f"{accepts}channels = 2\n")

    async with office(tmp_path, change=two_channels) as demo:
        await demo.phone("101", Habit(answers_after=1))
        with capture_logs() as lines:
            first = await (await demo.call_in("+48221230004")).answered(within=5)
            assert [line["event"] for line in lines if "channels" in line["event"]] == []
            second = await (await demo.call_in("+48221230004")).answered(within=5)
        [told] = [line for line in lines if "channels" in line["event"]]
        assert told["event"] == "all 2 channels of trunk demo are in use: the next caller hears busy"
        assert told["log_level"] == "warning"
        first.hang_up()
        second.hang_up()
        await demo.settled()
