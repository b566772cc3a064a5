"""Offices out of recipes, as `b2bua new` would write them for the people and lines of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from b2bua.demo.softphone import Habit, Softphone
from b2bua.recipes.answers import Answers, Colleague, Line
from b2bua.recipes.recipe import recipe
from tests.harness.office import MOBILES, MONDAY_NOON, Office, office
from tests.harness.office import Answers as HttpAnswers

NUMBER = "+48221234567"
BACKUP = "+48600999888"
MOBILE_A, MOBILE_B = "+48600100201", "+48600100202"
ANSWERS = Answers(
    number=NUMBER,
    country="PL",
    timezone="Europe/Warsaw",
    language="en",
    address="127.0.0.1",
    line=Line(f"{MOBILES[0]}:{MOBILES[1]}"),
    people=(
        Colleague("anna", "Anna Nowak", "201", "demo-201", MOBILE_A, "anna@office.example"),
        Colleague("piotr", "Piotr Zieliński", "202", "demo-202", MOBILE_B),
    ),
    backup=BACKUP,
    email="office@office.example",
    opening="08:00-18:00",
)


@asynccontextmanager
async def recipe_office(
    folder: Path,
    name: str,
    *,
    told: Mapping[str, str] | None = None,
    at: datetime = MONDAY_NOON,
    http: HttpAnswers | None = None,
) -> AsyncIterator[Office]:
    """Run the office of a recipe, with a line that may ring for long before it is answered."""
    async with office(folder, config=recipe(name).written(ANSWERS, told), at=at, http=http) as run:
        yield run


async def phones(run: Office, *habits: Habit | None) -> list[Softphone]:
    """Return the phones 201, 202… that are registered, one for each habit that is given."""
    return [
        await run.phone(str(201 + index), habit) for index, habit in enumerate(habits) if habit is not None
    ]


def rung(run: Office, number: str, *, since: float) -> list[float]:
    """Return when a number outside was called, in seconds after ``since``."""
    packets = run.packets("INVITE", to_port=MOBILES[1])
    return [round(packet.at - since, 1) for packet in packets if f"sip:{number}@".encode() in packet.wire]
