"""Row I21: a caller enters a meter reading, hears it again, a server gets it, and says what is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from b2bua.call.callee import CalleeLeg
from b2bua.config.load import load_config
from b2bua.demo.softphone import Habit
from b2bua.errors import ConfigError
from b2bua.routing.words import short
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.handler import Handler, always, hangs
from tests.harness.office import NUMBER, Office, office
from tests.harness.prompts import Ears, names, with_marked_prompts

READINGS = """
[[step]]
webhook = "readings"

[[step]]
ring = ["101"]
for = "5s"

[[step]]
voicemail = "sales"

[webhook.readings]
url = "https://billing.example/readings"
digits = "4-8"
"""
HEARD = ["form-heard", *(f"number-{digit}" for digit in "12345"), "form-right…"]


@asynccontextmanager
async def billing(folder: Path, server: Handler) -> AsyncIterator[tuple[Office, Ears, CalleeLeg]]:
    """Run an office whose server takes readings; somebody has called it and been asked for one."""
    async with office(folder, change=with_marked_prompts, scheme=READINGS, http=server) as demo:
        ears = Ears(demo.rtp, lambda: demo.now)
        caller = await (await demo.call_in(NUMBER)).answered(within=1)
        await ears.until_prompt(caller.media, "form-ask", within=2)
        yield demo, ears, caller


async def press(caller: CalleeLeg, keys: str) -> None:
    caller.media.send_digits(keys)
    await asyncio.sleep(0.25 * len(keys))


@virtual_time(limit_s=600)
async def test_row_i21_the_server_gets_12345_and_the_balance_is_read_to_the_caller(tmp_path: Path) -> None:
    server = always({"say": ["connected", 120, "07", 1500]})
    async with billing(tmp_path, server) as (demo, ears, caller):
        await press(caller, "12345#")
        await ears.until_prompt(caller.media, "form-right", within=20)
        assert server.asked == []
        await press(caller, "1")
        await demo.until(lambda: not caller.is_up, within=30)
        assert [(each["digits"], each["caller"]) for each in server.asked] == [("12345", "+48500600700")]
        digits = [f"number-{word}" for word in (100, 20, 0, 7, 1, 5, 0, 0)]
        balance = ["connected", *digits[:-1], "goodbye"]
        assert names(ears.heard(caller.media)) == ["form-ask…", *HEARD, *balance]
        [told] = await demo.stories()
        assert told.outcome is CallOutcome.SELF_SERVED
        assert "said connected 120 07 1500 (entered: 12345)" in story(told)


@virtual_time(limit_s=600)
async def test_row_i21_a_slip_is_entered_again_and_too_few_digits_are_asked_for_once_more(
    tmp_path: Path,
) -> None:
    server = always({})
    async with billing(tmp_path, server) as (demo, ears, caller):
        await press(caller, "12#")
        await ears.until_prompt(caller.media, "form-ask", within=20)
        await press(caller, "12344#")
        await ears.until_prompt(caller.media, "form-right", within=20)
        await press(caller, "2")
        await ears.until_prompt(caller.media, "form-ask", within=20)
        await press(caller, "12345678")
        await ears.until_prompt(caller.media, "form-right", within=20)
        await press(caller, "1")
        await demo.until(lambda: not caller.is_up, within=30)
        assert [each["digits"] for each in server.asked] == ["12345678"]
        assert names(ears.heard(caller.media))[-2:] == ["form-thanks", "goodbye"]


@virtual_time(limit_s=600)
@pytest.mark.parametrize(
    ("server", "why"),
    [
        (hangs(), "did not answer within 1.5 s (entered: 12345)"),
        (always(500), "(entered: 12345)"),
        (always({"say": ["no-such-prompt"]}), "'no-such-prompt', which is no prompt here (entered: 12345)"),
        (always({"say": [{"a": 1}]}), "no prompt, number or row of digits (entered: 12345)"),
    ],
)
async def test_row_i21_what_was_entered_is_in_the_journal_when_the_server_fails_and_somebody_is_rung(
    tmp_path: Path, server: Handler, why: str
) -> None:
    async with billing(tmp_path, server) as (demo, ears, caller):
        anna = await demo.phone("101", Habit(answers_after=1.0))
        await press(caller, "12345#")
        await ears.until_prompt(caller.media, "form-right", within=20)
        await press(caller, "1")
        await anna.invited(within=5)
        await asyncio.sleep(3)
        caller.hang_up()
        [told] = await demo.stories()
        assert told.outcome is CallOutcome.TALKED
        assert why in story(told)


@virtual_time(limit_s=600)
async def test_row_i21_what_is_typed_ahead_counts_and_a_late_hash_confirms_nothing(tmp_path: Path) -> None:
    server = always("OK")
    async with billing(tmp_path, server) as (demo, ears, caller):
        await press(caller, "#12345678#")
        await ears.until_prompt(caller.media, "form-right", within=20)
        assert server.asked == []
        await press(caller, "#")  # means nothing: they are asked again
        await ears.until_prompt(caller.media, "form-heard", within=5)
        await ears.until_prompt(caller.media, "form-right", within=20)
        await press(caller, "1")
        await demo.until(lambda: not caller.is_up, within=30)
        assert [each["digits"] for each in server.asked] == ["12345678"]
        assert names(ears.heard(caller.media))[-2:] == ["form-thanks", "goodbye"]


@virtual_time(limit_s=600)
async def test_row_i21_who_enters_nothing_reaches_somebody_after_three_times(tmp_path: Path) -> None:
    server = always({})
    async with billing(tmp_path, server) as (demo, ears, caller):
        anna = await demo.phone("101", Habit(answers_after=1.0))
        await anna.invited(within=45)
        assert names(ears.heard(caller.media)) == ["form-ask"] * 3
        assert server.asked == []


@virtual_time(limit_s=600)
async def test_row_i21_the_server_may_tell_something_and_send_the_caller_on(tmp_path: Path) -> None:
    server = always({"say": "transferring", "person": "anna"})
    async with billing(tmp_path, server) as (demo, ears, caller):
        anna = await demo.phone("101", Habit(answers_after=1.0))
        await press(caller, "12345#")
        await ears.until_prompt(caller.media, "form-right", within=20)
        await press(caller, "1")
        await anna.invited(within=8)
        assert "transferring" in names(ears.heard(caller.media))


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ('digits = "8-4"', "webhook.x.digits: expected at least one digit and at most 20, found '8-4'"),
        ('digits = "few"', "webhook.x.digits: 'few' is no number of digits"),
        ("digits = 21", "webhook.x.digits: expected at least one digit"),
        ('ask = "welcome"', "webhook.x: ask, read-back and tries belong to digits"),
    ],
)
def test_row_i21_what_cannot_be_asked_for_is_refused(tmp_path: Path, key: str, why: str) -> None:
    path = tmp_path / "office.toml"
    path.write_text(f'[webhook.x]\nurl = "https://billing.example"\n{key}\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert why in str(caught.value)


def test_row_i21_explain_says_what_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    steps = READINGS.replace("[[step]]", "[[scheme.tested.step]]").replace(
        'ring = ["101"]', 'ring = ["+48600100200"]'
    )
    path.write_text(f'{steps}[trunk.x]\nhost = "127.0.0.1"\n[voicemail.sales]\n')
    plan = load_config(path).plan()
    told: Any = short(plan, plan.schemes["tested"].steps[0].destination)
    assert told.startswith("asks for 4 to 8 digits, then asks the webhook readings at billing.example")
