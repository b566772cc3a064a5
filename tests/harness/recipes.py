"""Offices out of recipes, as `b2bua new` would write them for the people and lines of the tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from b2bua.demo.softphone import Habit, Softphone
from b2bua.recipes.answers import Answers, Colleague, Line
from b2bua.recipes.recipe import recipe
from tests.harness.office import MOBILES, MONDAY_NOON, Office, office
from tests.harness.office import Answers as HttpAnswers
from tests.harness.ports import HOST

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


ALWAYS, NEVER = 'daily = "24h"', 'daily = "closed"'


def started_recipe(
    demo: str, name: str, *, told: Mapping[str, str] | None = None, hours: str = ALWAYS, change: str = ""
) -> str:
    """Return a recipe as the office of `Product`, on the ports of ``demo``, open as ``hours`` says.

    ``change`` is "old -> new", of which the recipe must have the first.
    """
    port = re.search(r'^listen = "[\d.]+:(\d+)"', demo, re.MULTILINE)
    outside = re.search(r"^port = (\d+)", demo, re.MULTILINE)
    rtp = re.search(r'^ports = "([\d-]+)"', demo, re.MULTILINE)
    assert port
    assert outside
    assert rtp
    text = recipe(name).written(replace(ANSWERS, line=Line(f"{HOST}:{outside[1]}")), told)
    changes = [
        (f'"{HOST}:5060"', f'"{HOST}:{port[1]}"'),
        ("[rtp]\n", f'[rtp]\nports = "{rtp[1]}"\n'),
        ('mon-fri = "08:00-18:00"', hours),
        ('holidays = "PL"', ""),
        ('qualify-every = "30s"', ""),
    ]
    changes += [tuple(change.split(" -> "))] if change else []  # type: ignore[list-item]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


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
