"""Rows F24, F27 and S1: the same number at another hour, on another day, in the nights of the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.office import NUMBER, office
from tests.harness.prompts import marked_office, names

WARSAW = ZoneInfo("Europe/Warsaw")
BACKUP_IN_WORKING_HOURS = """
[hours.office]
mon-fri = "09:00-18:00"

[[step]]
ring = ["101"]
for = "20s"

[[step]]
ring = ["+48600999888"]
for = "30s"
hours = "office"

[[step]]
voicemail = "sales"
"""
WEEKDAYS = """
[scheme.tested]
days = "mon-fri"
otherwise = "weekend"

[[step]]
ring = ["101"]

[[step]]
voicemail = "sales"

[[scheme.weekend.step]]
ring = ["+48600999888"]

[[scheme.weekend.step]]
voicemail = "sales"
"""
NIGHT_SHIFT = """
[hours.shift]
{days}

[[step]]
ring = ["101"]
hours = "shift"

[[step]]
ring = ["+48600999888"]

[[step]]
voicemail = "sales"
"""
LATE = 'sat = "20:00-02:30"'
AROUND_THE_CLOCK = 'daily = "24h"'


async def who_is_rung(folder: Path, scheme: str, at: datetime, *, zone: str = "Europe/Warsaw") -> str:
    """Return who answers a call at that moment: ``office``, the ``mobile``, or ``voicemail``."""
    rings = Habit(answers_after=2.0)
    async with office(
        folder, scheme=scheme, at=at, change=lambda text: text.replace("Europe/Warsaw", zone)
    ) as demo:
        await demo.phone("101", habit=rings)
        await demo.mobiles(rings)
        call = await demo.call_in(NUMBER)
        await call.answered(within=60)
        by = {5101: "office", 5090: "mobile"}
        (rung,) = [who for port, who in by.items() if demo.packets("INVITE", to_port=port)] or ["voicemail"]
        return rung


def warsaw(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW).astimezone(UTC)


@virtual_time
@pytest.mark.parametrize(("minute", "backup_rings"), [("17:59", True), ("18:01", False)])
async def test_row_f24_the_backup_of_a_step_rings_in_its_working_hours_only(
    tmp_path: Path, minute: str, backup_rings: bool
) -> None:
    at = warsaw(f"2026-11-23 {minute}")
    async with office(tmp_path, scheme=BACKUP_IN_WORKING_HOURS, at=at - timedelta(seconds=20)) as demo:
        await demo.phone("101", habit=Habit(answers_after=None))
        await demo.mobiles(Habit(answers_after=5.0))
        call = await demo.call_in(NUMBER)
        await call.answered(within=60)
        invites = demo.times("INVITE", to_port=5090)
        answered = demo.now - demo.started
        if backup_rings:
            assert invites == [pytest.approx(20, abs=0.5)]
            assert answered == pytest.approx(25, abs=0.5)
        else:  # passed over in no time: the message is taken when the phones have rung
            assert invites == []
            assert answered == pytest.approx(20, abs=0.5)


@virtual_time
@pytest.mark.parametrize("day", range(7))
async def test_row_f27_over_seven_days_each_scheme_works_on_its_days(tmp_path: Path, day: int) -> None:
    at = warsaw("2026-11-23 12:00") + timedelta(days=day)
    assert await who_is_rung(tmp_path, WEEKDAYS, at) == ("office" if day < 5 else "mobile")


@virtual_time
@pytest.mark.parametrize(
    ("moment", "rung"),
    [
        ("2026-10-25 00:29:00", "office"),  # 02:29 in summer time
        ("2026-10-25 00:31:00", "mobile"),  # 02:31
        ("2026-10-25 01:15:00", "mobile"),  # 02:15 again, in winter time: the shift is over
        ("2026-03-29 00:59:00", "office"),  # 01:59
        ("2026-03-29 01:00:30", "mobile"),  # 03:00: there is no 02:30 in that night
    ],
)
async def test_row_s1_a_shift_that_ends_at_half_past_two_in_the_nights_of_the_clock(
    tmp_path: Path, moment: str, rung: str
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert await who_is_rung(tmp_path, NIGHT_SHIFT.format(days=LATE), at) == rung


@virtual_time
@pytest.mark.parametrize("zone", ["Europe/Warsaw", "Europe/Kyiv"])
@pytest.mark.parametrize("moment", ["2026-10-25 00:45:00", "2026-10-25 01:15:00", "2026-03-29 01:00:30"])
async def test_row_s1_who_works_around_the_clock_does_so_in_the_nights_of_the_clock(
    tmp_path: Path, moment: str, zone: str
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    scheme = NIGHT_SHIFT.format(days=AROUND_THE_CLOCK)
    assert await who_is_rung(tmp_path, scheme, at, zone=zone) == "office"


WISHES = """
[hours.christmas]
"12-20..12-26" = "24h"

[[step]]
say = "welcome"
hours = "christmas"

[[step]]
menu = "main"

[[step]]
voicemail = "sales"
"""


@virtual_time
@pytest.mark.parametrize(("day", "is_heard"), [("2026-12-24", True), ("2027-01-07", False)])
async def test_row_i19_wishes_are_heard_before_the_menu_on_the_days_that_they_are_for(
    tmp_path: Path, day: str, is_heard: bool
) -> None:
    async with marked_office(tmp_path, scheme=WISHES, at=warsaw(f"{day} 12:00")) as (demo, ears):
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=5)
        await asyncio.sleep(6)
        assert names(ears.heard(leg.media)) == (["welcome", "menu-demo…"] if is_heard else ["menu-demo…"])
