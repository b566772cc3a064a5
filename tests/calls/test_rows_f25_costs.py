"""Row F25: calls to the outside cost what the list says, and a daily cap drops nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from b2bua.cli.app import app
from b2bua.demo.softphone import CallRefused, Habit
from b2bua.sip.uri import SipUri
from b2bua.store.calls import CallOutcome, CallStory
from b2bua.store.story import story
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER_HZ, MOBILES, MONDAY_NOON, NUMBER, Office, office

SCHEME = """
[[step]]
ring = ["mobile of anna"]
for = "20s"

[[step]]
voicemail = "sales"
"""
TEN_TO_MIDNIGHT = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
"""In Warsaw."""
TAKES_IT = Habit(answers_after=2)


def priced(*, trunk: str = "", office_cap: str = "", more: str = "") -> Callable[[str], str]:
    """Return what gives the demo office a price list: a minute to Poland is 0.60 UAH."""
    rates = '\n[rates.list]\ncurrency = "UAH"\nprefixes = { "+48" = "0.60", "+380" = 0 }\n'

    def change(text: str) -> str:
        text = text.replace("port = 5090\n", f'port = 5090\nrates = "list"\n{trunk}\n')
        return text.replace("[office]\n", f"[office]\n{office_cap}\n") + rates + more

    return change


async def talk(demo: Office, seconds: float, number: str = NUMBER) -> CallStory:
    """Let a caller talk for so long with the mobile that takes the call."""
    leg = await (await demo.call_in(number)).answered(within=10)
    await asyncio.sleep(seconds - 0.1)  # the rest is on the way
    assert leg.is_up
    leg.hang_up()
    return (await demo.stories())[-1]


async def message(demo: Office) -> CallStory:
    """Return the story of a caller who leaves one."""
    await leave_message(demo)
    return (await demo.stories())[-1]


async def leave_message(demo: Office) -> None:
    """Let a caller, who must be answered, leave a message."""
    leg = await (await demo.call_in(NUMBER)).answered(within=10)
    leg.loop([Tone((CALLER_HZ,), 1.0)])
    await asyncio.sleep(30)
    assert leg.is_up
    leg.hang_up()


@virtual_time(limit_s=86400)
async def test_f25_a_call_costs_its_minutes_times_the_rate_exactly(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME, change=priced()) as demo:
        await demo.mobiles(TAKES_IT)
        told = await talk(demo, 120)
        [cost] = told.costs
        assert (cost.billed_seconds, cost.amount, cost.currency) == (120, Decimal("1.20"), "UAH")
        assert cost.amount == Decimal("0.60") * cost.billed_seconds / 60
        assert (cost.number, cost.trunk) == ("+48600100200", "demo-out")
        assert story(told).endswith("talked with Anna Nowak's mobile +48600100200 for 2 min; cost 1.20 UAH")
        assert (await talk(demo, 90)).costs[0].amount == Decimal("0.90")
        await demo.settled()


@virtual_time(limit_s=86400)
async def test_f25_whom_nobody_called_outside_costs_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME, change=priced()) as demo:
        await demo.mobiles(Habit(refuses_with=486))
        told = await message(demo)
        assert told.outcome is CallOutcome.MESSAGE
        assert told.costs == ()


@virtual_time(limit_s=3 * 86400)
async def test_f25_once_the_cap_is_reached_callers_get_the_voicemail_until_midnight(tmp_path: Path) -> None:
    capped = priced(trunk="daily-cap = 1")
    async with office(tmp_path, scheme=SCHEME, change=capped, at=TEN_TO_MIDNIGHT) as demo:
        await demo.mobiles(TAKES_IT)
        assert (await talk(demo, 120)).costs[0].amount == Decimal("1.20")
        rung = len(demo.packets("INVITE", to_port=MOBILES[1]))
        told = await message(demo)
        assert told.outcome is CallOutcome.MESSAGE
        assert story(told).startswith(
            "Anna Nowak's mobile +48600100200 was not rung: the 1.00 UAH a day of trunk demo-out are spent; "
            "left a message"
        )
        assert len(demo.packets("INVITE", to_port=MOBILES[1])) == rung
        await asyncio.sleep(600)
        assert (await talk(demo, 30)).outcome is CallOutcome.TALKED
        await demo.settled()


@virtual_time(limit_s=86400)
async def test_f25_who_talks_counts_meanwhile_and_is_never_cut_off(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME, change=priced(office_cap='daily-cap = "1.00"')) as demo:
        await demo.mobiles(TAKES_IT)
        first = await (await demo.call_in(NUMBER)).answered(within=10)
        await asyncio.sleep(60)
        second = await (await demo.call_in(NUMBER)).answered(within=10)  # 0.60 UAH so far
        second.hang_up()
        await asyncio.sleep(60)
        await leave_message(demo)
        assert first.is_up
        first.hang_up()
        longest, _, told = await demo.stories()
        assert "the 1.00 UAH a day of the office are spent; left a message" in story(told)
        assert longest.costs[0].amount > 1.5
        await demo.settled()


@virtual_time(limit_s=86400)
async def test_f25_a_restart_does_not_begin_the_day_anew(tmp_path: Path) -> None:
    capped = priced(trunk="daily-cap = 1")
    async with office(tmp_path, scheme=SCHEME, change=capped) as demo:
        await demo.mobiles(TAKES_IT)
        await talk(demo, 120)
    async with office(tmp_path, scheme=SCHEME, change=capped, at=MONDAY_NOON + timedelta(hours=1)) as demo:
        await demo.mobiles(TAKES_IT)
        told = await message(demo)
        assert "are spent; left a message" in story(told)


@virtual_time(limit_s=86400)
async def test_f25_another_trunk_that_may_still_be_paid_takes_the_call(tmp_path: Path) -> None:
    other = '\n[trunk.other]\nhost = "127.0.0.1"\nport = 5091\n'
    async with office(tmp_path, scheme=SCHEME, change=priced(trunk="daily-cap = 1", more=other)) as demo:
        await demo.mobiles(TAKES_IT)
        backup = await demo.softphone("other", 5091)
        backup.habit = TAKES_IT
        await talk(demo, 120)
        told = await talk(demo, 60)
        assert told.outcome is CallOutcome.TALKED
        assert told.costs == ()  # nobody knows what that trunk costs
        assert len(demo.packets("INVITE", to_port=5091)) == 1


@virtual_time(limit_s=86400)
async def test_f25_emergency_and_free_numbers_are_called_whatever_was_spent(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME, change=priced(trunk="daily-cap = 1")) as demo:
        await demo.mobiles(TAKES_IT)
        phone = await demo.phone("101")
        await talk(demo, 120)
        for number in ("112", "+380671234567"):
            leg = await (await demo.call_from(phone, "101", number)).answered(within=10)
            leg.hang_up()
        with pytest.raises(CallRefused) as refused:
            await (await demo.call_from(phone, "101", "+48600999888")).answered(within=10)
        assert refused.value.status == 480
        assert "are spent" in story((await demo.stories())[-1])
        await demo.settled()


@virtual_time(limit_s=86400)
async def test_f25_the_list_that_holds_at_the_answer_is_the_price(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME, change=priced()) as demo:
        await demo.mobiles(TAKES_IT)
        first = await (await demo.call_in(NUMBER)).answered(within=10)
        said = await demo.edit(lambda text: text.replace('"+48" = "0.60"', '"+48" = "6.00"'))
        assert "1 price list changed (list)" in said[0]
        await asyncio.sleep(60)
        first.hang_up()
        await talk(demo, 60)
        earlier, later = await demo.stories()
        assert earlier.costs[0].amount < 1
        assert later.costs[0].amount > 5


def test_f25_the_days_and_their_sums_are_listed(tmp_path: Path) -> None:
    @virtual_time(limit_s=86400)
    async def two_calls() -> None:
        noon = (datetime.now(UTC) - timedelta(days=1)).replace(hour=12)  # far from midnight
        async with office(tmp_path, scheme=SCHEME, change=priced(), at=noon) as demo:
            await demo.mobiles(TAKES_IT)
            await talk(demo, 60)
            await talk(demo, 60)

    two_calls()
    config = str(tmp_path / "office.toml")
    result = CliRunner().invoke(app, ["costs", config])
    assert "demo-out  2 calls, 2 min, 1.20 UAH" in result.output
    assert result.output.splitlines()[-1].split() == ["together", "1.20", "UAH"]
    shown = CliRunner().invoke(app, ["calls", config, "--show", "last"]).output
    assert "Anna Nowak's mobile +48600100200: 1 min by trunk demo-out, 0.60 UAH" in shown


TOGETHER = """
[[step]]
ring = ["mobile of anna", "mobile of piotr"]
for = "20s"

[[step]]
voicemail = "sales"
"""
BY_THE_MINUTE = """
[rates.list]
currency = "UAH"
[rates.list.prefixes]
"+48" = { minute = "0.60", increment = "60s" }
"""


def by_the_minute(text: str) -> str:
    priced_demo = text.replace("port = 5090\n", 'port = 5090\nrates = "list"\ndaily-cap = "1.80"\n')
    return priced_demo + BY_THE_MINUTE


@virtual_time(limit_s=86400)
async def test_f25_a_200_that_loses_the_race_is_paid_for_and_counts_for_the_cap(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER, change=by_the_minute) as demo:
        await demo.mobiles(Habit(answers_after=2))  # both of them in the same instant
        told = await talk(demo, 90)
        assert len(demo.packets("BYE", to_port=MOBILES[1])) == 2
        [lost, won] = sorted(told.costs, key=lambda cost: cost.seconds)
        assert (lost.billed_seconds, lost.amount) == (60, Decimal("0.60"))
        assert (won.billed_seconds, won.amount) == (120, Decimal("1.20"))
        assert {lost.number, won.number} == {"+48600100200", "+48600100201"}
        assert told.outcome is CallOutcome.TALKED
        assert story(told).endswith("cost 1.80 UAH")
        assert "a day of trunk demo-out are spent" in story(await message(demo))
        await demo.settled()


@virtual_time(limit_s=86400)
async def test_f25_a_200_that_crosses_our_cancel_is_paid_for(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER, change=by_the_minute) as demo:
        mobiles = await demo.mobiles(Habit())
        call = await demo.call_in(NUMBER)
        await mobiles.invited(within=5)
        await asyncio.sleep(1)
        first, second = (each.leg for each in mobiles.invitations)
        demo.network.latency_s = 0.2
        first.answer()
        await asyncio.sleep(0.1)  # its 200 is on the way, and so is our CANCEL soon after
        second.answer()
        leg = await call.answered(within=5)
        await asyncio.sleep(5)
        leg.hang_up()
        [told] = await demo.stories()
        assert len(demo.packets("CANCEL", to_port=MOBILES[1])) == 1
        assert [cost.amount for cost in told.costs] == [Decimal("0.60")] * 2


@virtual_time(limit_s=86400)
async def test_f25_who_is_rung_in_vain_or_cancelled_costs_nothing(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TOGETHER, change=by_the_minute) as demo:
        mobiles = await demo.mobiles(Habit())
        call = await demo.call_in(NUMBER)
        await mobiles.invited(within=5)
        await asyncio.sleep(1)
        mobiles.invitations[0].leg.answer()
        leg = await call.answered(within=5)
        await asyncio.sleep(5)
        leg.hang_up()
        [told] = await demo.stories()
        rung = mobiles.invitations[0].invite.request.target
        assert isinstance(rung, SipUri)
        assert [cost.number for cost in told.costs] == [rung.user_text]
