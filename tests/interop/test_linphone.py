"""Linphone on real calls: both ways, hold, both kinds of transfer, digits; who hears whom is decoded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.harness.baresip import seconds_of
from tests.harness.linphone import Linphone
from tests.harness.product import Product, until
from tests.harness.sipp import WRITTEN_LATE_S, Cast

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

VOICES = {"101": 700.0, "102": 1000.0, "103": 1300.0}
PATIENCE_S = 15.0
LATENCY_S = 0.6
"""From a key to what is heard at the other end, on a busy machine."""
TOGETHER_S = 0.1
BUSY_MACHINE_S = 0.5


@pytest.fixture
def phones(office: Product, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[list[Linphone]]:
    """Three phones that speak one codec, each with a voice of its own."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                Linphone.registered(
                    tmp_path / extension,
                    extension=extension,
                    server_port=office.port,
                    says_hz=voice,
                    codec=request.param,
                )
            )
            for extension, voice in VOICES.items()
        ]


def heard_s(phone: Linphone, whom: str) -> float:
    """Return how long ``phone`` has heard the voice of ``whom``."""
    return seconds_of(*phone.heard(), VOICES[whom])


def until_heard(phone: Linphone, whom: str, *, seconds: float) -> None:
    """Wait for it."""
    until(lambda: heard_s(phone, whom) >= seconds, within=PATIENCE_S, what=f"{whom} is heard {seconds} s")


def loud_s(phone: Linphone) -> float:
    """Return how long ``phone`` has heard anything."""
    pcm, rate = phone.heard()
    frames = pcm[: len(pcm) // (rate // 50) * (rate // 50)].reshape(-1, rate // 50).astype(float)
    return float(np.count_nonzero(np.abs(frames).max(axis=1) > 100)) * 0.02


@pytest.mark.parametrize("phones", ["opus"], indirect=True)
def test_rfc3515_row_d9_linphone_calls_is_held_with_music_and_transferred(
    office: Product, phones: list[Linphone]
) -> None:
    anna, piotr, olena = phones
    anna.dial("102")
    until_heard(piotr, "101", seconds=1.0)
    until_heard(anna, "102", seconds=1.0)
    anna.hold()
    voice, anything = heard_s(piotr, "101"), loud_s(piotr)
    until(lambda: loud_s(piotr) > anything + 2.0, within=PATIENCE_S, what="2 s of music")
    assert heard_s(piotr, "101") - voice < LATENCY_S
    anna.resume()
    until_heard(piotr, "101", seconds=voice + LATENCY_S + 1.0)
    piotr.transfer("103")
    until_heard(anna, "103", seconds=1.0)
    until_heard(olena, "101", seconds=1.0)
    until(piotr.is_over, within=PATIENCE_S, what="102 is out of it")
    anna.hang_up()
    until(olena.is_over, within=PATIENCE_S, what="103 is hung up on")
    call = office.finished_calls(of="102")[-1]
    assert call.story.startswith("talked with Piotr Zieliński for ")
    assert "; talked with Olena Kovalenko for " in call.story


@pytest.mark.parametrize("phones", ["PCMA"], indirect=True)
def test_rfc3891_rfc4733_linphone_chooses_in_a_menu_and_is_transferred_after_a_talk(
    office: Product, phones: list[Linphone]
) -> None:
    olena, piotr, anna = phones[2], phones[1], phones[0]
    olena.dial("+48221230003")
    until(olena.talks, within=PATIENCE_S, what="the menu answers")
    time.sleep(0.5)  # a person does not press in the very instant of the answer either
    olena.type("1")
    until_heard(anna, "103", seconds=0.5)
    anna.hold()
    until(lambda: "is now paused" in anna.output, within=PATIENCE_S, what="103 is on hold")
    anna.dial("102")
    until_heard(piotr, "101", seconds=0.5)
    anna.connect_calls()
    until_heard(olena, "102", seconds=1.0)
    until_heard(piotr, "103", seconds=1.0)
    until(lambda: anna.is_over(1) and anna.is_over(2), within=PATIENCE_S, what="101 is out of it")
    olena.hang_up()
    until(piotr.is_over, within=PATIENCE_S, what="102 is hung up on")
    call = office.finished_calls(of="+48221230003")[-1]
    assert call.story.startswith("pressed 1 in the menu main; talked with Anna Nowak for ")
    assert "; talked with Piotr Zieliński for " in call.story


def test_row_f8_linphone_shows_no_missed_call_when_another_phone_took_it(
    office: Product, tmp_path: Path
) -> None:
    number = "+48221230002"  # rings 101, 102 and 103 together
    with (
        Cast.around(tmp_path / "sipp", office.port) as cast,
        Linphone.registered(
            tmp_path / "101", extension="101", server_port=office.port, answers=False
        ) as phone,
    ):
        answers = cast.phone("phone-answers.xml", "102", "-d", "1000")
        loses = cast.phone("phone-hears-it-was-answered-elsewhere.xml", "103")
        cast.trunk("trunk-calls-answered.xml", number).wait()
        answers.wait()
        loses.wait()
        [answered] = answers.times("SIP/2.0 200 OK", kind="sent")[:1]
        [(cancelled, cancel)] = loses.traced("CANCEL")[:1]
        assert -WRITTEN_LATE_S <= cancelled - answered < TOGETHER_S + BUSY_MACHINE_S
        assert re.findall(r"^Reason: *(.+?)\r?$", cancel, re.MULTILINE) == [
            'SIP;cause=200;text="Call completed elsewhere"'
        ]
        until(phone.is_over, within=PATIENCE_S, what="the phone stops ringing")
        assert phone.call_log() == ["answered elsewhere"]
        cast.trunk("trunk-cancels-ringing-487.xml", number).wait()
        until(lambda: phone.is_over(2), within=PATIENCE_S, what="the phone stops ringing again")
        assert phone.call_log() == ["missed", "answered elsewhere"], "whom nobody took was missed"
