"""baresip's lamp: lit by a message, turned off by listening to it by phone (RFC 3842)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip
from tests.harness.markers import lasts_s, with_marked_prompts
from tests.harness.product import Product, until
from tests.harness.sipp import Cast

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

PATIENCE_S = 20.0
LISTENING_S = 60.0
VOICE_HZ = 440.0
LOST_S = 0.5
"""What a phone on a busy machine may drop."""
TOLD = (
    *("messages-you-have", "number-1", "message-new-one", "message-from", "plus"),
    *(f"number-{digit}" for digit in "48500600700"),
    "message-just-now",
)


def test_rfc3842_baresip_is_told_of_a_message_hears_it_and_its_lamp_goes_off(tmp_path: Path) -> None:
    with (
        Product.running(tmp_path / "office", change=with_marked_prompts) as office,
        Cast.around(tmp_path / "sipp", office.port) as cast,
        Baresip.registered(
            tmp_path / "baresip", extension="101", server_port=office.port, watches_messages=True
        ) as phone,
    ):
        until(lambda: "Messages-Waiting: no" in phone.lamp, within=PATIENCE_S, what="baresip's lamp is known")
        cast.trunk("trunk-leaves-voicemail.xml", "+48221230005").wait()
        until(lambda: "Messages-Waiting: yes" in phone.lamp, within=PATIENCE_S, what="baresip's lamp is lit")
        assert "Voice-Message: 1/0 (0/0)" in phone.lamp
        phone.dial("*97")
        until(lambda: "Messages-Waiting: no" in phone.lamp, within=LISTENING_S, what="the lamp goes off")
        assert "Voice-Message: 0/1 (0/0)" in phone.lamp
        phone.hang_up()
        until(phone.is_over, within=PATIENCE_S, what="baresip hangs up")
        assert phone.heard().seconds_of(VOICE_HZ, above_db=-25.0) > 1.0
        assert phone.heard().clipping() == []
        prompts = phone.heard().prompts()
        assert _one_by_one(each.prompt for each in prompts) == _one_by_one(TOLD)
        assert sum(each.seconds for each in prompts) > sum(map(lasts_s, TOLD)) - LOST_S
        call = office.finished_calls(of="*97")[-1]
        assert (call.outcome, "heard the message of" in call.story) == ("self-served", True)
        [line] = office.command("messages", str(office.config)).splitlines()
        assert line.split("  ")[5] == "heard"
        office.assert_log_is_clean()


def _one_by_one(prompts: Iterable[str]) -> list[str]:
    """Return them without what comes twice in a row: that sounds like one that is longer."""
    return [prompt for prompt, _ in groupby(prompts)]
