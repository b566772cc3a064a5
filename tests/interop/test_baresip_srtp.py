"""baresip with SRTP, plain trunk: each hears the other, and neither hears noise."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from media.commands import Tone
from tests.harness.baresip import Baresip
from tests.harness.hearing import Hearing, Party, deaf
from tests.harness.product import Product, until
from tests.interop.carrier import carrier_call

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

BARESIP_HZ, TRUNK_HZ = 700.0, 1200.0
HEARD_DB = -25.0
NUMBER = "+48221240101"
TALK_S, ROOM_S, PATIENCE_S = 3.0, 1.0, 20.0
SRTP_IS_ON = re.compile(r"SRTP is Enabled|DTLS-SRTP complete")
REPORTED_S = 12.0
"""By then each side has told the other how it hears, and has heard that."""
DIRECT = f"""
[number."{NUMBER}"]
scheme = "direct"
[[scheme.direct.step]]
ring = ["101"]
for = "10s"
[[scheme.direct.step]]
voicemail = "sales"
"""


@pytest.mark.parametrize(
    ("policy", "encryption"),
    [("required", "srtp-mand"), ("offered", ""), ("dtls", "dtls_srtp")],
)
async def test_baresip_with_and_without_srtp_talks_to_a_plain_trunk(
    tmp_path: Path, policy: str, encryption: str
) -> None:
    sip = f'srtp = "{policy}"'
    with (
        Product.running(tmp_path / "office", extra=DIRECT, sip=sip) as office,
        Baresip.registered(
            tmp_path / "baresip",
            extension="101",
            server_port=office.port,
            says_hz=BARESIP_HZ,
            encryption=encryption,
        ) as phone,
    ):
        async with carrier_call(office, NUMBER) as leg:
            recording = leg.media.record(tmp_path / "trunk.wav")
            async with asyncio.timeout(PATIENCE_S):
                await leg.play([Tone((TRUNK_HZ,), TALK_S)])
            await recording.stop()
            leg.hang_up()
        await asyncio.to_thread(until, phone.is_over, within=PATIENCE_S, what="baresip is hung up on")
        assert bool(encryption) == (SRTP_IS_ON.search(phone.output) is not None), phone.output
        office.assert_log_is_clean()
    by_baresip = Party("baresip", BARESIP_HZ, phone.heard())
    by_trunk = Party("trunk", TRUNK_HZ, Hearing.of_file(tmp_path / "trunk.wav"))
    assert deaf(by_baresip, by_trunk, for_s=TALK_S - ROOM_S, above_db=HEARD_DB) == []
    assert by_baresip.hearing.clipping() == by_trunk.hearing.clipping() == [], "and no noise"


def test_baresip_calls_the_echo_by_savpf_with_a_suite_of_its_choice_and_hears_itself(tmp_path: Path) -> None:
    with (
        Product.running(tmp_path / "office", sip='srtp = "required"') as office,
        Baresip.registered(
            tmp_path / "baresip",
            extension="104",
            server_port=office.port,
            says_hz=BARESIP_HZ,
            encryption="srtp-mandf",
        ) as phone,
    ):
        phone.dial("+48221230007")
        until(phone.is_talking, within=PATIENCE_S, what="the echo answers")
        until(lambda: _seconds_echoed(phone) > TALK_S, within=PATIENCE_S, what="the tone comes back")
        phone.hang_up()
        until(phone.is_over, within=PATIENCE_S, what="baresip hangs up")
        assert "SRTP is Enabled" in phone.output


@pytest.mark.parametrize("encryption", ["", "srtp-mand"], ids=["rtp", "srtp"])
def test_rfc5761_baresip_with_rtp_and_rtcp_on_one_port_hears_itself_and_reports(
    tmp_path: Path, encryption: str
) -> None:
    with (
        Product.running(tmp_path / "office", sip='srtp = "offered"') as office,
        Baresip.registered(
            tmp_path / "baresip",
            extension="104",
            server_port=office.port,
            says_hz=BARESIP_HZ,
            encryption=encryption,
            multiplexes=True,
        ) as phone,
    ):
        phone.dial("+48221230007")
        until(phone.is_talking, within=PATIENCE_S, what="the echo answers")
        until(lambda: _seconds_echoed(phone) > REPORTED_S, within=PATIENCE_S, what="the tone comes back")
        phone.hang_up()
        until(phone.is_over, within=PATIENCE_S, what="baresip hangs up")
        assert "RTP/RTCP multiplexing enabled" in phone.output
        office.finished_calls(of="+48221230007")
        told = office.command("calls", str(office.config), "--show", "last")
        assert "round trip" in told, "it heard our reports and we heard its"


def _seconds_echoed(phone: Baresip) -> float:
    return phone.heard().seconds_of(BARESIP_HZ, above_db=HEARD_DB)
