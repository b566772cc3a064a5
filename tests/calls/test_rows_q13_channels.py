"""Row Q13: the office is told when its line is full, and the provider refuses whoever calls next."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from b2bua.demo.softphone import CallRefused, Habit
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


@virtual_time(limit_s=600)
async def test_q13_who_dials_112_gets_through_also_while_all_channels_are_in_use(tmp_path: Path) -> None:
    def one_channel(text: str) -> str:
        return text.replace("[trunk.demo-out]\n", "[trunk.demo-out]\nchannels = 1\n")

    async with office(tmp_path, change=one_channel) as demo:
        anna, piotr = await demo.phone("101"), await demo.phone("102")
        await demo.mobiles(Habit(answers_after=1))
        talk = await (await demo.call_from(anna, "101", "+48600999888")).answered(within=5)
        with pytest.raises(CallRefused):
            await (await demo.call_from(piotr, "102", "+48600999777")).answered(within=5)
        help_ = await (await demo.call_from(piotr, "102", "112")).answered(within=5)
        assert talk.is_up
        talk.hang_up()
        help_.hang_up()
        await demo.settled()
