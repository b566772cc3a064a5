"""baresip on real calls; what each side hears is decoded and is what the other said."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.callee import CalleeLeg
from media.commands import Tone
from tests.harness.baresip import Baresip
from tests.harness.hearing import Hearing, Party, deaf
from tests.harness.markers import lasts_s, with_marked_prompts
from tests.harness.product import Product, until
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

BARESIP_HZ, TRUNK_HZ = 700.0, 1200.0
HEARD_DB = -25.0
TALK_S = 3.0
ROOM_S = 1.0
"""What may be missing at the ends of what is heard."""
LOST_S = 0.3
"""Of a prompt: what a phone on a busy machine may drop."""
PATIENCE_S = 20.0
DIRECT = """
[number."+48221240{0}"]
scheme = "direct-{0}"
[[scheme.direct-{0}.step]]
ring = ["{0}"]
for = "10s"
[[scheme.direct-{0}.step]]
voicemail = "sales"
"""


OFFICE = {
    "extra": "".join(DIRECT.format(extension) for extension in ("101", "102", "103")),
    "change": with_marked_prompts,
}


@pytest.mark.parametrize(
    ("baresip_codec", "trunk_codec", "extension", "transport"),
    [
        ("PCMA", "PCMA", "101", "udp"),
        ("PCMU", "PCMA", "102", "udp"),
        ("PCMU", "PCMU", "103", "tcp"),
        ("opus", "opus", "101", "udp"),
        ("opus", "PCMA", "102", "udp"),
        ("G722", "opus", "103", "udp"),
    ],
)
async def test_row_d8_baresip_and_trunk_hear_each_other(
    office: Product, tmp_path: Path, baresip_codec: str, trunk_codec: str, extension: str, transport: str
) -> None:
    heard_by_trunk = tmp_path / "trunk.wav"
    with Baresip.registered(
        tmp_path / "baresip",
        extension=extension,
        server_port=office.port,
        codec=baresip_codec,
        says_hz=BARESIP_HZ,
        transport=transport,
    ) as phone:
        async with carrier_call(office, f"+48221240{extension}", trunk_codec) as leg:
            await _talk(leg, heard_by_trunk)
        await asyncio.to_thread(until, phone.is_over, within=PATIENCE_S, what="baresip is hung up on")
    assert f"Set audio encoder: {baresip_codec} " in phone.output
    by_baresip = Party("baresip", BARESIP_HZ, phone.heard())
    by_trunk = Party("trunk", TRUNK_HZ, Hearing.of_file(heard_by_trunk))
    assert deaf(by_baresip, by_trunk, for_s=TALK_S - ROOM_S, above_db=HEARD_DB) == []
    assert by_baresip.hearing.clipping() == by_trunk.hearing.clipping() == []
    call = (await asyncio.to_thread(office.finished_calls, of=f"+48221240{extension}"))[-1]
    assert (call.outcome, call.story.partition(" for ")[0][:12]) == ("talked", "talked with ")


async def _talk(leg: CalleeLeg, record_to: Path) -> None:
    recording = leg.media.record(record_to)
    async with asyncio.timeout(PATIENCE_S):
        await leg.play([Tone((TRUNK_HZ,), TALK_S)])
    await recording.stop()
    leg.hang_up()


def test_baresip_calls_the_echo_and_hears_itself(office: Product, tmp_path: Path) -> None:
    with Baresip.registered(
        tmp_path / "baresip", extension="104", server_port=office.port, codec="PCMU", says_hz=BARESIP_HZ
    ) as phone:
        phone.dial("+48221230007")
        until(phone.is_talking, within=PATIENCE_S, what="the echo answers")
        until(lambda: _seconds_echoed(phone) > TALK_S, within=PATIENCE_S, what="the tone comes back")
        phone.hang_up()
        until(phone.is_over, within=PATIENCE_S, what="baresip hangs up")
    heard = phone.heard()
    assert {each.prompt for each in heard.prompts()} == {"connected"}
    assert sum(each.seconds for each in heard.prompts()) > lasts_s("connected") - LOST_S
    assert heard.clipping() == []
    call = office.finished_calls(of="+48221230007")[-1]
    assert call.caller.startswith("104")
    assert call.outcome == "self-served"


def _seconds_echoed(phone: Baresip) -> float:
    return phone.heard().seconds_of(BARESIP_HZ, above_db=HEARD_DB)
