"""Linphone on real calls: both ways, hold, both kinds of transfer, digits; who hears whom is decoded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness.linphone import Linphone
from tests.harness.markers import with_marked_prompts
from tests.harness.product import Product, until
from tests.harness.sipp import WRITTEN_LATE_S, Cast
from tests.interop.voices import LATENCY_S, PATIENCE_S, VOICES, heard_s, until_heard, until_they_talk

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

OFFICE = {"change": with_marked_prompts}
TOGETHER_S = 0.1
BUSY_MACHINE_S = 0.5


@pytest.fixture
def phones(office: Product, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, Linphone]]:
    """Three phones that speak one codec, each with a voice of its own."""
    with ExitStack() as stack:
        yield {
            extension: stack.enter_context(
                Linphone.registered(
                    tmp_path / extension,
                    extension=extension,
                    server_port=office.port,
                    says_hz=voice,
                    codec=request.param,
                )
            )
            for extension, voice in VOICES.items()
        }


def music_s(phone: Linphone) -> float:
    """Return for how long ``phone`` has heard music."""
    return sum(each.seconds for each in phone.heard().music())


@pytest.mark.parametrize("phones", ["opus"], indirect=True)
def test_rfc3515_row_d9_linphone_calls_is_held_with_music_and_transferred(
    office: Product, phones: dict[str, Linphone]
) -> None:
    anna, piotr, olena = phones.values()
    anna.dial("102")
    until_they_talk(phones, "101", "102", seconds=1.0)
    anna.hold()
    voice = heard_s(piotr, "101")
    until(lambda: music_s(piotr) > 2.0, within=PATIENCE_S, what="2 s of music")
    assert heard_s(piotr, "101") - voice < LATENCY_S
    anna.resume()
    until_heard(piotr, "101", seconds=voice + LATENCY_S + 1.0)
    piotr.transfer("103")
    until_they_talk(phones, "101", "103", seconds=1.0)
    until(piotr.is_over, within=PATIENCE_S, what="102 is out of it")
    anna.hang_up()
    until(olena.is_over, within=PATIENCE_S, what="103 is hung up on")
    call = office.finished_calls(of="102")[-1]
    assert call.story.startswith("talked with Piotr Zieliński for ")
    assert "; talked with Olena Kovalenko for " in call.story


@pytest.mark.parametrize("phones", ["PCMA"], indirect=True)
def test_rfc3891_rfc4733_linphone_chooses_in_a_menu_and_is_transferred_after_a_talk(
    office: Product, phones: dict[str, Linphone]
) -> None:
    anna, piotr, olena = phones.values()
    olena.dial("+48221230003")
    until(olena.talks, within=PATIENCE_S, what="the menu answers")
    time.sleep(0.5)  # a person does not press in the very instant of the answer either
    olena.type("1")
    until_they_talk(phones, "101", "103", seconds=0.5)
    anna.hold()
    until(lambda: "is now paused" in anna.output, within=PATIENCE_S, what="103 is on hold")
    anna.dial("102")
    until_they_talk(phones, "101", "102", seconds=0.5)
    anna.connect_calls()
    until_they_talk(phones, "102", "103", seconds=1.0)
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
