"""Row F21: managers of the other site are the backup, and learn which site was called."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.demo.softphone import Habit
from b2bua.sip.message import parse_message
from tests.harness.clock import virtual_time
from tests.harness.office import MOBILES, NUMBER, SERVER, office
from tests.harness.prompts import marked_office, names

CALLER = "+380441234567"
SITE_B = """
[[step]]
ring = ["101"]
for = "5s"

[[step]]
ring = ["102"]
for = "20s"
whisper = "transferring"

[[step]]
voicemail = "sales"
"""


def labelled(text: str) -> str:
    return (
        text
        + f'\n[number-group.site-b]\nnumbers = ["{SITE_B_NUMBER}"]\nscheme = "tested"\nlabel = "Site B"\n'
    )


SITE_B_NUMBER = "+48221238777"


@virtual_time(limit_s=600)
@pytest.mark.parametrize(
    ("number", "name", "shown"),
    [
        (CALLER, "", f"Site B: {CALLER}"),
        (CALLER, CALLER, f"Site B: {CALLER}"),
        (CALLER, "044 123-45-67", f"Site B: {CALLER}"),
        (CALLER, "Taras Bondar", f"Site B: {CALLER} Taras Bondar"),
        ("anonymous", "", "Site B: unknown caller"),
    ],
)
async def test_row_f21_the_other_site_reads_site_b_and_the_number(
    tmp_path: Path, number: str, name: str, shown: str
) -> None:
    async with office(tmp_path, scheme=SITE_B, change=labelled) as demo:
        await demo.phone("101")
        await demo.phone("102", Habit(answers_after=1))
        trunk = await demo.softphone("trunk", 6900)
        call = await trunk.call(SERVER, SITE_B_NUMBER, from_number=number, display=name)
        await call.answered(within=20)
        displays = [
            parse_message(demo.packets("INVITE", to_port=port)[0].wire).from_.display for port in (5101, 5102)
        ]
        assert displays == [shown, f"{shown} (missed by Anna Nowak)"]


@virtual_time(limit_s=600)
async def test_row_f21_the_other_site_hears_a_whisper_and_the_caller_does_not(tmp_path: Path) -> None:
    async with marked_office(tmp_path, scheme=SITE_B) as (demo, ears):
        await demo.phone("101")
        piotr = await demo.phone("102", Habit(answers_after=1))
        leg = await (await demo.call_in(NUMBER, from_number=CALLER)).answered(within=20)
        await asyncio.sleep(2)
        assert names(ears.heard(piotr.invitations[0].leg.media)) == ["transferring"]
        assert names(ears.heard(leg.media)) == []
        assert demo.times("INVITE", to_port=MOBILES[1]) == []
