"""One touch from a phone: the office is closed until the next working day, or all calls go to the backup."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from b2bua.demo.softphone import Habit, Softphone
from b2bua.routing.override import OverrideKind
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import MONDAY_NOON, Office, office
from tests.harness.prompts import marked_office, names

NUMBER, UNLISTED = "+48221239999", "+48229999999"
TAKES = Habit(answers_after=1.0)
FRIDAY_NOON = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)
SUNDAY_23_58 = datetime(2026, 11, 29, 22, 58, tzinfo=UTC)
TABLES = f"""
[hours.office]
mon-fri = "09:00-18:00"

[number."{NUMBER}"]
schedule = "office"
in-hours = "anna"
off-hours = "voicemail"

[[scheme.anna.step]]
ring = ["101"]

[[scheme.anna.step]]
voicemail = "sales"

[[scheme.backup.step]]
ring = ["102"]

[[scheme.backup.step]]
voicemail = "sales"
"""


def with_hours(text: str) -> str:
    return text.replace("[sip]\n", 'backup-scheme = "backup"\n\n[sip]\n', 1) + TABLES


@asynccontextmanager
async def demo_office(
    folder: Path, *, at: datetime = MONDAY_NOON, change: Callable[[str], str] = with_hours
) -> AsyncIterator[Office]:
    async with office(folder, change=change, at=at) as demo:
        yield demo


async def dial(demo: Office, phone: Softphone, code: str) -> None:
    extension = phone.name.removeprefix("phone ")
    leg = await (await demo.call_from(phone, extension, code)).answered(within=2)
    await asyncio.wait_for(leg.ended, 15)


async def rings(demo: Office, number: str = NUMBER) -> str:
    """Call, and return whose phone rings at once; empty: nobody's."""
    began = demo.now
    placed = await demo.call_in(number, from_number="+48500600701")
    await asyncio.sleep(0.5)
    await placed.close()
    rung = {
        packet.destination.port - 5000
        for packet in demo.packets("INVITE", from_port=5060)
        if packet.at >= began
    }
    await asyncio.sleep(1)
    return ", ".join(map(str, sorted(rung)))


@virtual_time
async def test_s1_closed_by_a_code_until_the_next_opening_day_also_over_a_restart(tmp_path: Path) -> None:
    async with demo_office(tmp_path, at=FRIDAY_NOON) as demo:
        anna = await demo.phone("101", TAKES)
        assert await rings(demo) == "101"
        with capture_logs() as lines:
            await dial(demo, anna, "*461")
        [line] = [line for line in lines if line["log_level"] == "warning"]
        assert line["event"] == "the office is closed until mon 2026-11-30 00:00"
        assert line["by"] == "Anna Nowak"
        assert await rings(demo) == ""
        told = (await demo.stories())[1]
        assert story(told) == "said: the office is closed until mon 2026-11-30 00:00"
        assert told.outcome is CallOutcome.SELF_SERVED
        assert demo.server.attendance.decisions.current.kind is OverrideKind.CLOSED
    async with demo_office(tmp_path, at=SUNDAY_23_58) as demo:
        await demo.phone("101", TAKES)
        assert demo.server.attendance.decisions.current.kind is OverrideKind.CLOSED
        assert await rings(demo) == ""
        with capture_logs() as lines:
            await asyncio.sleep(120)
        warnings = [line["event"] for line in lines if line["log_level"] == "warning"]
        assert warnings == ["the office works by its hours"]
        assert demo.server.attendance.decisions.current.kind is OverrideKind.NORMAL


@virtual_time
async def test_s1_all_calls_go_to_the_backup_until_it_is_normal_again(tmp_path: Path) -> None:
    async with demo_office(tmp_path) as demo:
        anna, _ = await demo.phone("101", TAKES), await demo.phone("102", TAKES)
        await dial(demo, anna, "*462")
        assert await rings(demo) == await rings(demo, "+48221230007") == await rings(demo, UNLISTED) == "102"
        await dial(demo, anna, "*460")
        assert await rings(demo) == "101"


@virtual_time
async def test_s1_a_call_that_waits_already_stays_where_it_is(tmp_path: Path) -> None:
    async with demo_office(tmp_path) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102", TAKES)
        placed = await demo.call_in(NUMBER)
        await asyncio.sleep(2)
        await dial(demo, piotr, "*462")
        await asyncio.sleep(5)
        assert demo.packets("INVITE", to_port=5102) == []
        await placed.close()


@virtual_time
async def test_s1_who_may_not_and_what_cannot_be_is_refused_and_told(tmp_path: Path) -> None:
    def but_not_anna(text: str) -> str:
        text = with_hours(text).replace('backup-scheme = "backup"\n', "")
        return text.replace("[person.anna]\n", "[person.anna]\nmay-override = false\n")

    async with demo_office(tmp_path, change=but_not_anna) as demo:
        anna, piotr = await demo.phone("101", TAKES), await demo.phone("102", TAKES)
        await dial(demo, anna, "*461")
        await dial(demo, piotr, "*462")
        await dial(demo, piotr, "*467")
        assert demo.server.attendance.decisions.current.kind is OverrideKind.NORMAL
        told = [story(one) for one in await demo.stories()]
        assert told[:2] == [
            "Anna Nowak: may not decide for the office",
            "Piotr Zieliński: [office] has no backup-scheme",
        ]
        await dial(demo, piotr, "*461")
        assert demo.server.attendance.decisions.current.kind is OverrideKind.CLOSED


@virtual_time
async def test_s1_a_phone_hears_what_holds(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=with_hours) as (demo, ears):
        anna = await demo.phone("101")
        for code, prompt in (
            ("*46", "override-normal"),
            ("*461", "override-closed"),
            ("*46", "override-closed"),
            ("*462", "override-backup"),
            ("*460", "override-normal"),
            ("*4611", "invalid"),
        ):
            leg = await (await demo.call_from(anna, "101", code)).answered(within=2)
            await asyncio.wait_for(leg.ended, 15)
            assert names(ears.heard(leg.media)) == [prompt], code
        told = [story(call) for call in await demo.stories()]
        assert told[0] == "heard that the office works by its hours"
        assert told[2].startswith("heard that the office is closed until ")
        assert told[5] == "heard that *4611 is no code"


@virtual_time
async def test_s1_v2_who_calls_an_office_that_was_closed_hears_that_it_is_closed(tmp_path: Path) -> None:
    async with marked_office(tmp_path, change=with_hours) as (demo, ears):
        anna = await demo.phone("101")
        await dial(demo, anna, "*461")
        leg = await (await demo.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(5)
        assert names(ears.heard(leg.media)) == ["voicemail-greeting-off-hours…"]
        await dial(demo, anna, "*460")
        leg = await (await demo.call_in("+48221230005")).answered(within=5)
        await asyncio.sleep(5)
        assert names(ears.heard(leg.media)) == ["voicemail-greeting-working…"]


@virtual_time
async def test_f27_v2_who_calls_on_a_day_on_which_the_scheme_does_not_work_hears_that_it_is_closed(
    tmp_path: Path,
) -> None:
    def shop(text: str) -> str:
        number = f'[number."{NUMBER}"]\nscheme = "shop"\n[scheme.shop]\ndays = "tue-sat"\n'
        return text + number + 'otherwise = "voicemail"\n[[scheme.shop.step]]\nvoicemail = "sales"\n'

    async with marked_office(tmp_path, change=shop) as (demo, ears):
        leg = await (await demo.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(5)
        assert names(ears.heard(leg.media)) == ["voicemail-greeting-off-hours…"]


@virtual_time
async def test_s1_the_command_reaches_the_office_that_runs(tmp_path: Path) -> None:
    from b2bua.cli.override import Wish, decide

    async with demo_office(tmp_path, at=datetime.now(UTC)) as demo:
        await dial(demo, await demo.phone("101"), "*461")
        await decide(demo.server.config, Wish("backup", "1h", ""))
        await asyncio.sleep(0.5)
        assert demo.server.attendance.decisions.current.kind is OverrideKind.BACKUP
