"""Row F18: at weekends and on holidays another scheme with the number of whoever is on duty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.handler import always
from tests.harness.ics import event, ics
from tests.harness.office import Office, office

WARSAW = ZoneInfo("Europe/Warsaw")
NUMBER = "+48221239998"
OFFICE = f"""
[hours.office]
mon-fri = "09:00-18:00"
holidays = "PL"

[rota.duty]
members = ["mobile of anna", "mobile of piotr"]
since = 2026-12-28
handover = "08:00"
{{more}}

[number."{NUMBER}"]
schedule = "office"
in-hours = "by-day"
off-hours = "on-duty"

[[scheme.by-day.step]]
ring = ["103"]

[[scheme.by-day.step]]
voicemail = "sales"

[[scheme.on-duty.step]]
ring = ["rota duty"]
for = "30s"

[[scheme.on-duty.step]]
voicemail = "sales"
"""
ANNA, PIOTR = "+48600100200", "+48600100201"


def warsaw(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARSAW).astimezone(UTC)


def with_duty(more: str = "") -> Callable[[str], str]:
    return lambda demo: demo + OFFICE.format(more=more)


async def rung(demo: Office) -> list[str]:
    """Return the numbers and extensions that a call rings now, in their order."""
    since = demo.now
    call = await demo.call_in(NUMBER)
    leg = await call.answered(within=90)
    leg.hang_up()
    await asyncio.sleep(1)
    packets = [*demo.packets("INVITE", to_port=5090), *demo.packets("INVITE", to_port=5103)]
    lines = [packet.wire.split(b"\r\n", 1)[0].decode() for packet in packets if packet.at >= since]
    return [line.split("sip:")[1].split("@")[0] for line in lines]


@virtual_time
@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-12-31 12:00", "103"),
        ("2027-01-01 12:00", ANNA),  # New Year's Day: the duty mobile rings
        ("2027-01-02 12:00", ANNA),
        ("2027-01-04 07:59", ANNA),
        ("2027-01-04 08:01", PIOTR),  # he takes over before the office opens
        ("2027-01-04 12:00", "103"),
        ("2027-01-06 12:00", PIOTR),  # Epiphany
    ],
)
async def test_row_f18_on_a_holiday_the_mobile_of_who_is_on_duty_rings(
    tmp_path: Path, moment: str, who: str
) -> None:
    async with office(tmp_path, change=with_duty(), at=warsaw(moment)) as demo:
        await demo.mobiles(Habit(answers_after=2.0))
        await demo.phone("103", habit=Habit(answers_after=2.0))
        assert await rung(demo) == [who]


@virtual_time
async def test_row_f18_duty_changes_hands_while_the_office_runs(tmp_path: Path) -> None:
    monday = warsaw("2027-01-04 08:00")
    async with office(tmp_path, change=with_duty(), at=monday - timedelta(seconds=40)) as demo:
        await demo.mobiles(Habit(answers_after=2.0))
        assert await rung(demo) == [ANNA]
        await asyncio.sleep(40)
        assert await rung(demo) == [PIOTR]


@virtual_time
async def test_row_s1_a_calendar_names_who_is_on_duty(tmp_path: Path) -> None:
    more = 'calendar = "duty"\notherwise = "mobile of anna"\n[calendar.duty]\nurl = "https://c.example/duty.ics"\n'
    text = ics(event("Dyżur: Piotr", "20270101", "20270102"))
    for moment, who in {"2027-01-01 12:00": PIOTR, "2027-01-02 12:00": ANNA}.items():
        folder = tmp_path / who
        folder.mkdir()
        async with office(folder, change=with_duty(more), at=warsaw(moment), http=always(text)) as demo:
            await demo.mobiles(Habit(answers_after=2.0))
            await asyncio.sleep(2)
            assert await rung(demo) == [who]


@virtual_time
async def test_row_f18_whoever_is_on_duty_does_not_answer_then_the_voicemail_takes_it(tmp_path: Path) -> None:
    async with office(tmp_path, change=with_duty(), at=warsaw("2027-01-01 12:00")) as demo:
        await demo.mobiles(Habit(answers_after=None))
        began = demo.now
        assert await rung(demo) == [ANNA]
        assert demo.times("CANCEL", to_port=5090, since=began) == [pytest.approx(30, abs=0.5)]
