"""Linphone and baresip by DTLS-SRTP: over a hold, and over the death of what their sound goes through."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip
from tests.harness.hearing import Party, deaf
from tests.harness.linphone import Linphone
from tests.harness.product import Product, until

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

LINPHONE_HZ, BARESIP_HZ = 700.0, 1300.0
HEARD_DB = -25.0
PATIENCE_S = 20.0


def test_rfc5763_two_phones_that_shake_hands_once_hear_each_other_to_the_end_of_their_call(
    tmp_path: Path,
) -> None:
    with (
        Product.running(tmp_path / "office", sip='srtp = "dtls"') as office,
        Linphone.registered(
            tmp_path / "linphone",
            extension="101",
            server_port=office.port,
            says_hz=LINPHONE_HZ,
            codec="PCMA",
            encryption="dtls",
        ) as linphone,
        Baresip.registered(
            tmp_path / "baresip",
            extension="104",
            server_port=office.port,
            says_hz=BARESIP_HZ,
            encryption="dtls_srtp",
            multiplexes=True,
        ) as baresip,
    ):

        def until_both_hear(seconds: float) -> None:
            said = {"linphone": (linphone, LINPHONE_HZ), "baresip": (baresip, BARESIP_HZ)}
            begun = {name: phone.heard().seconds for name, (phone, _) in said.items()}

            def faults() -> list[str]:
                parties = (
                    Party(name, hertz, phone.heard().between(begun[name]))
                    for name, (phone, hertz) in said.items()
                )
                return deaf(*parties, for_s=seconds, above_db=HEARD_DB)

            what = f"both have heard each other for {seconds} s more"
            until(lambda: not faults(), within=PATIENCE_S, what=what)

        baresip.dial("101")
        until_both_hear(1.5)
        linphone.hold()
        until(lambda: "is now paused" in linphone.output, within=PATIENCE_S, what="linphone holds")
        linphone.resume()
        until_both_hear(1.5)
        killed = office.media_pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        until_both_hear(1.5)
        baresip.hang_up()
        until(baresip.is_over, within=PATIENCE_S, what="baresip hangs up")
        office.finished_calls(of="101")
        told = office.command("calls", str(office.config), "--show", "last")
        assert told.count("PCMA encrypted") == 2, told
