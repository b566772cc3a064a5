"""Rows F29, F21, R5, F18: which number was called decides who rings, what they read, and what is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from b2bua.cli.calls import row_of
from b2bua.demo.softphone import Habit
from b2bua.sip.message import parse_message
from b2bua.store.calls import CallOutcome
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, Office, office

FIRST_DID = 48221240000
SITES, DEPARTMENTS = 10, 3
UNLISTED = f"+{FIRST_DID + SITES * DEPARTMENTS}"
PEOPLE = ("101", "102", "103")


def number(site: int, department: int) -> str:
    return f"+{FIRST_DID + site * DEPARTMENTS + department}"


def complexes(text: str) -> str:
    """Add ten complexes with three numbers each: one group of ten numbers for each department."""
    for department, extension in enumerate(PEOPLE):
        numbers = ", ".join(f'"{number(site, department)}"' for site in range(SITES))
        text += f"""
[number-group.department-{department}]
numbers = [{numbers}]
scheme = "department-{department}"
source = "campaign {department}"
label = "Department {department}"
[[scheme.department-{department}.step]]
ring = ["{extension}"]
for = "10s"
[[scheme.department-{department}.step]]
voicemail = "sales"
"""
    return text


async def answered_by(demo: Office, dialled: str) -> str:
    """Call and return which phone answered; hang up."""
    before = {extension: len(phone.invitations) for extension, phone in demo.phones.items()}
    leg = await (await demo.call_in(dialled)).answered(within=5)
    leg.hang_up()
    await asyncio.sleep(0.5)
    [rung] = [
        extension for extension, phone in demo.phones.items() if len(phone.invitations) > before[extension]
    ]
    return rung


@virtual_time(limit_s=900)
async def test_row_f29_r5_thirty_numbers_of_ten_complexes_and_one_that_nobody_listed(tmp_path: Path) -> None:
    async with office(tmp_path, change=complexes) as demo:
        for extension in (*PEOPLE, "104"):
            await demo.phone(extension, Habit(answers_after=1))
        with capture_logs() as logged:
            for site in range(SITES):
                for department, extension in enumerate(PEOPLE):
                    assert await answered_by(demo, number(site, department)) == extension
            assert not [line for line in logged if line["log_level"] == "warning"]
            assert await answered_by(demo, UNLISTED) == "104"  # the default scheme, never a 404
            assert await answered_by(demo, UNLISTED) == "104"
        warnings = [line for line in logged if line["log_level"] == "warning"]
        assert [line["dialled"] for line in warnings] == [UNLISTED]
        assert await mails(demo) == [f"Called, but not configured: {UNLISTED}"]
        stories = await demo.stories()
        assert [each.call.source for each in stories[:4]] == [f"campaign {n}" for n in (0, 1, 2, 0)]
        assert row_of(stories[0], UTC)[2] == f"{number(0, 0)} (campaign 0)"
        assert row_of(stories[-1], UTC)[2] == UNLISTED
        assert {each.outcome for each in stories} == {CallOutcome.TALKED}


def complexes_by_ranges(text: str) -> str:
    """Add the same numbers as three ranges of ten, one for each department."""
    for department, extension in enumerate(PEOPLE):
        first = FIRST_DID + SITES * department
        text += f"""
[number-group.department-{department}]
numbers = ["+{first}-{department}9"]
scheme = "department-{department}"
label = "Department {department}"
[[scheme.department-{department}.step]]
ring = ["{extension}"]
for = "10s"
[[scheme.department-{department}.step]]
voicemail = "sales"
"""
    return f'{text}[number."+{FIRST_DID + 15}"]\nscheme = "department-2"\n'


@virtual_time(limit_s=900)
async def test_row_f29_ranges_lead_where_their_numbers_lead_and_the_31st_is_told_of(tmp_path: Path) -> None:
    async with office(tmp_path, change=complexes_by_ranges) as demo:
        for extension in (*PEOPLE, "104"):
            await demo.phone(extension, Habit(answers_after=1))
        with capture_logs() as logged:
            for at in range(SITES * DEPARTMENTS):
                expected = PEOPLE[2 if at == 15 else at // SITES]  # the single number wins
                assert await answered_by(demo, f"+{FIRST_DID + at}") == expected
            assert await answered_by(demo, UNLISTED) == "104"
        assert [line["dialled"] for line in logged if line["log_level"] == "warning"] == [UNLISTED]
        assert await mails(demo) == [f"Called, but not configured: {UNLISTED}"]
        assert [each.call.dialled for each in await demo.stories()][:2] == [
            f"+{FIRST_DID}",
            f"+{FIRST_DID + 1}",
        ]


@virtual_time(limit_s=200_000)
async def test_row_f29_an_unlisted_number_is_told_of_once_a_day_and_not_again_after_a_restart(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as demo:
        for _ in range(3):
            await (await demo.call_in(UNLISTED)).close()
        await asyncio.sleep(1)
        demo.server.serving.reception.unlisted._told.clear()  # as after a restart
        await (await demo.call_in(UNLISTED)).close()
        await asyncio.sleep(1)
        assert len(await mails(demo)) == 1
        await asyncio.sleep(24 * 3600)
        await (await demo.call_in(UNLISTED)).close()
        await (await demo.call_in("+48221249999")).close()
        await asyncio.sleep(1)
        assert len(await mails(demo)) == 3


async def mails(demo: Office) -> list[str]:
    """Return the subjects of the mails that were posted."""
    await asyncio.sleep(0.5)
    folder = tmp_outbox(demo)
    found = [path.read_text() for path in sorted(folder.glob("*.eml"))]
    return [
        line.removeprefix("Subject: ")
        for text in found
        for line in text.splitlines()
        if line.startswith("Subject: Called")
    ]


def tmp_outbox(demo: Office) -> Path:
    return demo.folder / "data" / "outbox"


@virtual_time(limit_s=600)
async def test_row_f21_whoever_answers_reads_which_site_was_called(tmp_path: Path) -> None:
    async with office(tmp_path, change=complexes) as demo:
        for extension in PEOPLE:
            await demo.phone(extension, Habit(answers_after=1))
        await answered_by(demo, number(4, 1))
        [invite] = demo.packets("INVITE", to_port=5102)
        shown = parse_message(invite.wire).from_
        assert (shown.display, shown.uri.user_text) == (f"Department 1: {CALLER}", CALLER)  # type: ignore[union-attr]


HOLIDAYS = """
[hours.shop]
mon-fri = "09:00-18:00"
holidays = ["01-01"]

[number."+48221240100"]
schedule = "shop"
in-hours = "shop"
off-hours = "night"
holiday = "duty"

[[scheme.shop.step]]
ring = ["101"]
[[scheme.shop.step]]
voicemail = "sales"
[[scheme.night.step]]
ring = ["102"]
[[scheme.night.step]]
voicemail = "sales"
[[scheme.duty.step]]
ring = ["103"]
[[scheme.duty.step]]
voicemail = "sales"
"""


@pytest.mark.parametrize(
    ("at", "extension"),
    [
        (datetime(2026, 12, 31, 11, tzinfo=UTC), "101"),
        (datetime(2026, 12, 31, 20, tzinfo=UTC), "102"),
        (datetime(2027, 1, 1, 11, tzinfo=UTC), "103"),
        (datetime(2027, 1, 2, 11, tzinfo=UTC), "102"),  # a Saturday like any
    ],
)
def test_row_f18_a_number_has_a_scheme_of_its_own_for_holidays(
    tmp_path: Path, at: datetime, extension: str
) -> None:
    @virtual_time(limit_s=600)
    async def tell() -> None:
        async with office(tmp_path, change=lambda text: text + HOLIDAYS, at=at) as demo:
            for each in PEOPLE:
                await demo.phone(each, Habit(answers_after=1))
            assert await answered_by(demo, "+48221240100") == extension

    tell()
