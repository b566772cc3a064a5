"""Row S1: a calendar that others keep opens and closes the office, whatever happens to it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from b2bua.demo.softphone import Habit
from tests.harness.clock import virtual_time
from tests.harness.handler import Handler, refuses
from tests.harness.ics import event, ics
from tests.harness.office import NUMBER, Office, office

TRAINING = event("Training", "20261125T130000", "20261125T150000")
TRIP = event("Office trip", "20261126")
SATURDAY = event("Open day", "20261128T100000", "20261128T140000")
SCHEME = """
[calendar.closed]
url = "https://calendar.example/closed.ics"

[calendar.extra]
url = "https://calendar.example/extra.ics"

[hours.office]
mon-fri = "09:00-18:00"
closed-by = "closed"
open-by = ["extra"]

[[step]]
ring = ["101"]
hours = "office"

[[step]]
ring = ["+48600999888"]

[[step]]
voicemail = "sales"
"""
WEDNESDAY = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)  # 13:30 in Warsaw


def online() -> Handler:
    """Return the server of both calendars."""
    return Handler(lambda request: ics(SATURDAY) if "extra" in request.url.path else ics(TRAINING, TRIP))


async def rung(demo: Office) -> str:
    """Return who answers a call now: ``office`` or ``mobile``."""
    since = demo.now
    call = await demo.call_in(NUMBER)
    leg = await call.answered(within=60)
    leg.hang_up()
    await asyncio.sleep(1)
    late = [packet for packet in demo.packets("INVITE", to_port=5101) if packet.at >= since]
    return "office" if late else "mobile"


async def begin(demo: Office) -> None:
    await demo.phone("101", habit=Habit(answers_after=2.0))
    await demo.mobiles(Habit(answers_after=2.0))
    await asyncio.sleep(2)


@virtual_time
@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-11-25 12:59", "office"),
        ("2026-11-25 13:05", "mobile"),  # the training
        ("2026-11-25 15:01", "office"),
        ("2026-11-26 12:00", "mobile"),  # the day of the trip
        ("2026-11-27 12:00", "office"),
        ("2026-11-28 09:00", "mobile"),
        ("2026-11-28 12:00", "office"),  # the open day, a Saturday
    ],
)
async def test_row_s1_events_of_calendars_open_and_close_the_office(
    tmp_path: Path, moment: str, who: str
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Warsaw")).astimezone(UTC)
    async with office(tmp_path, scheme=SCHEME, at=at, http=online()) as demo:
        await begin(demo)
        assert await rung(demo) == who


@virtual_time
async def test_row_s1_a_restart_without_the_internet_still_knows_that_it_is_closed(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME, at=WEDNESDAY, http=online()) as demo:
        await asyncio.sleep(2)
        assert demo.server.plan.hours["office"].is_open(WEDNESDAY) is False
    async with office(tmp_path, scheme=SCHEME, at=WEDNESDAY, http=refuses()) as demo:
        await begin(demo)
        assert await rung(demo) == "mobile"


@virtual_time
async def test_row_s1_without_any_calendar_the_hours_themselves_hold(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with office(tmp_path, scheme=SCHEME, at=WEDNESDAY, http=refuses()) as demo:
            await begin(demo)
            assert await rung(demo) == "office"
    assert sorted(line["calendar"] for line in lines if "calendar" in line) == ["closed", "extra"]


@virtual_time
async def test_row_i15_hours_that_ask_a_calendar_from_now_on(tmp_path: Path) -> None:
    without = SCHEME.replace('closed-by = "closed"\n', "")
    async with office(tmp_path, scheme=without, at=WEDNESDAY, http=online()) as demo:
        await begin(demo)
        assert await rung(demo) == "office"
        said = await demo.edit(lambda text: text.replace("open-by", 'closed-by = "closed"\nopen-by'))
        assert said == [
            "the configuration was read again: 1 table of hours changed (office); from the next call on"
        ]
        await asyncio.sleep(2)
        assert await rung(demo) == "mobile"
