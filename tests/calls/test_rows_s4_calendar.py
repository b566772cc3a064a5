"""Row S4: a person's calendar says by itself when they are in a meeting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from b2bua.demo.softphone import Habit
from b2bua.people.status import Availability
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.ics import event, ics
from tests.harness.office import NUMBER, SERVER, office

TAKES = Habit(answers_after=1.0)
MONDAY_1355 = datetime(2026, 11, 23, 12, 55, tzinfo=UTC)
MEETING = event("Doctor", "20261123T140000", "20261123T150000")
LUNCH = event("Lunch", "20261123T133000", "20261123T153000", "TRANSP:TRANSPARENT")
SCHEME = '[[step]]\nring = ["101"]\n[[step]]\nring = ["102"]\n[[step]]\nvoicemail = "sales"\n'


def keeping(folder: Path, *events: str) -> Callable[[str], str]:
    """Return what gives Anna a calendar with these events."""
    path = folder / "anna.ics"
    path.write_text(ics(*events))
    table = f'\n[calendar.anna]\nfile = "{path}"\n'
    return lambda text: text.replace("[person.anna]\n", '[person.anna]\ncalendar = "anna"\n') + table


@virtual_time
async def test_row_s4_who_is_in_a_meeting_is_passed_by_and_rung_again_when_it_ends(tmp_path: Path) -> None:
    async with office(
        tmp_path, change=keeping(tmp_path, MEETING, LUNCH), scheme=SCHEME, at=MONDAY_1355
    ) as demo:
        anna, _ = await demo.phone("101", TAKES), await demo.phone("102", TAKES)
        (await (await demo.call_in(NUMBER)).answered(within=2)).hang_up()
        assert len(demo.packets("INVITE", to_port=5101)) == 1, "before it begins"
        with capture_logs() as lines:
            await asyncio.sleep(300)
        [told] = [line["event"] for line in lines if "Anna Nowak is" in line["event"]]
        assert told == "Anna Nowak is in a meeting until 15:00"
        (await (await demo.call_in(NUMBER)).answered(within=2)).hang_up()
        assert len(demo.packets("INVITE", to_port=5101)) == 1
        told_story = story((await demo.stories())[-1])
        assert told_story.startswith("Anna Nowak was in a meeting until 15:00; talked with Piotr")
        assert "Doctor" not in told_story
        await asyncio.sleep(3600)
        await anna.register(SERVER, "101", "demo-101")
        (await (await demo.call_in(NUMBER)).answered(within=2)).hang_up()
        assert len(demo.packets("INVITE", to_port=5101)) == 2


@virtual_time(limit_s=900)
async def test_row_s4_an_agent_who_comes_out_of_a_meeting_gets_who_waits_at_once(tmp_path: Path) -> None:
    short = event("Stand-up", "20261123T135600", "20261123T135700")
    async with office(tmp_path, change=keeping(tmp_path, short), at=MONDAY_1355) as demo:
        await demo.phone("101")
        piotr = await demo.phone("102", TAKES)
        await asyncio.sleep(70)
        assert demo.server.attendance.presence.status("anna").state is Availability.MEETING
        for index in range(2):
            await (await demo.call_in("+48221230004", from_number=f"+4850060070{index}")).answered(within=1)
            if not index:
                await piotr.invited(within=1)
        await asyncio.sleep(40)
        assert demo.packets("INVITE", to_port=5101) == []
        await asyncio.sleep(20)
        [rang] = demo.times("INVITE", to_port=5101, since=demo.started)
        assert 120 <= rang < 121


@virtual_time
async def test_row_s4_an_edit_of_the_calendar_and_of_the_person_counts(tmp_path: Path) -> None:
    change = keeping(tmp_path)
    async with office(tmp_path, change=change, at=MONDAY_1355) as demo:
        presence = demo.server.attendance.presence
        now = event("Now", "20261123T130000", "20261123T160000")
        await asyncio.to_thread((tmp_path / "anna.ics").write_text, ics(now))
        await asyncio.sleep(90)
        assert presence.status("anna").state is Availability.MEETING
        said = await demo.edit(lambda text: text.replace('calendar = "anna"\n', "", 1))
        assert presence.status("anna").is_available
        with capture_logs() as lines:
            await asyncio.sleep(1)
        told = [*said, *(line["event"] for line in lines)]
        assert told.count("Anna Nowak is available") == 1
