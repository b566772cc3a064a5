"""baresip holds, transfers, is transferred, refuses and calls by TLS; who hears whom is decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip
from tests.harness.certificates import Authority, needs_openssl
from tests.harness.markers import with_marked_prompts
from tests.harness.ports import HOST, free_port
from tests.harness.product import Product, until
from tests.interop.voices import LATENCY_S, PATIENCE_S, VOICES, heard_s, until_heard, until_they_talk

pytestmark = [pytest.mark.interop, pytest.mark.timeout(90)]

OFFICE = {"change": with_marked_prompts}


@pytest.fixture
def phones(office: Product, tmp_path: Path) -> Iterator[dict[str, Baresip]]:
    """Three phones, each with a voice of its own."""
    with ExitStack() as stack:
        yield {
            extension: stack.enter_context(
                Baresip.registered(
                    tmp_path / extension, extension=extension, server_port=office.port, says_hz=voice
                )
            )
            for extension, voice in VOICES.items()
        }


def connect(caller: Baresip, called: Baresip, number: str) -> None:
    """Let ``caller`` talk with ``called``."""
    caller.dial(number)
    until(called.is_talking, within=PATIENCE_S, what=f"{number} answers")


def test_row_d9_who_is_held_hears_music_and_after_that_the_voice_again(
    office: Product, phones: dict[str, Baresip]
) -> None:
    anna, piotr = phones["101"], phones["102"]
    connect(anna, piotr, "102")
    until_they_talk(phones, "101", "102", seconds=1.0)
    anna.hold()
    held_at = time.monotonic()
    heard_before = heard_s(piotr, "101")
    until(lambda: time.monotonic() - held_at > 3.0, within=5, what="3 s on hold")
    heard_after = heard_s(piotr, "101")
    assert heard_after - heard_before < LATENCY_S
    anna.resume()
    until_heard(piotr, "101", seconds=heard_after + 1.0)
    heard = piotr.heard()
    assert heard.seconds - heard.seconds_of_sound() < 1.5, "of more than 5 s: it was not silent on hold"
    assert sum(music.seconds for music in heard.music()) > 3.0 - LATENCY_S
    assert (heard.prompts(), heard.clipping()) == ([], [])
    anna.hang_up()
    until(piotr.is_over, within=PATIENCE_S, what="both have hung up")


def test_rfc3515_baresip_transfers_its_caller_who_talks_on_with_the_third(
    office: Product, phones: dict[str, Baresip]
) -> None:
    anna, piotr, olena = phones.values()
    connect(anna, piotr, "102")
    until_they_talk(phones, "101", "102", seconds=1.0)
    piotr.transfer("103")
    until(olena.is_talking, within=PATIENCE_S, what="103 answers")
    until_they_talk(phones, "101", "103", seconds=1.0)
    until(piotr.is_over, within=PATIENCE_S, what="102 is out of it")
    anna.hang_up()
    until(olena.is_over, within=PATIENCE_S, what="both have hung up")
    call = office.finished_calls(of="102")[-1]
    assert call.story.startswith("talked with Piotr Zieliński for ")
    assert "; talked with Olena Kovalenko for " in call.story


def test_rfc3891_baresip_transfers_its_caller_to_whom_it_has_asked(
    office: Product, phones: dict[str, Baresip]
) -> None:
    """baresip 1.0 has no command for it, but sends whatever stands behind the address."""
    anna, piotr, olena = phones.values()
    connect(anna, piotr, "102")
    until_they_talk(phones, "101", "102", seconds=0.5)
    connect(piotr, olena, "103")
    until_they_talk(phones, "102", "103", seconds=0.5)
    piotr.transfer("103", replaces=piotr.dialog_with("103"))
    until_they_talk(phones, "101", "103", seconds=1.0)
    anna.hang_up()
    until(olena.is_over, within=PATIENCE_S, what="both have hung up")


def test_row_f17_baresip_that_refuses_is_busy_and_the_voicemail_answers(
    office: Product, tmp_path: Path
) -> None:
    with (
        Baresip.registered(tmp_path / "103", extension="103", server_port=office.port) as caller,
        Baresip.registered(
            tmp_path / "104", extension="104", server_port=office.port, answers="manual"
        ) as called,
    ):
        caller.dial("104")
        until(called.is_rung, within=PATIENCE_S, what="104 rings")
        called.hang_up()
        until(caller.is_talking, within=PATIENCE_S, what="the voicemail answers")
        caller.hang_up()
    call = office.finished_calls(of="104")[-1]
    assert call.story.startswith("rang Ivan Petrov under 1 s, busy; was asked to leave a message")


@needs_openssl
def test_baresip_calls_by_tls_with_the_offices_own_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("office", f"IP:{HOST},DNS:localhost")
    tls_port = free_port()
    tls = f'tls-port = {tls_port}\ntls-certificate = "{certificate}"\ntls-key = "{key}"'

    def by_tls(text: str) -> str:
        return text.replace('transports = ["udp", "tcp"]', 'transports = ["udp", "tcp", "tls"]')

    with (
        Product.running(tmp_path / "office", sip=tls, change=by_tls) as office,
        Baresip.registered(
            tmp_path / "101",
            extension="101",
            server_port=tls_port,
            transport="tls",
            authority=authority.certificate,
            says_hz=VOICES["101"],
        ) as phone,
        Baresip.registered(
            tmp_path / "102", extension="102", server_port=office.port, says_hz=VOICES["102"]
        ) as colleague,
    ):
        connect(phone, colleague, "102")
        until_they_talk({"101": phone, "102": colleague}, "101", "102", seconds=1.0)
        phone.hang_up()
        until(colleague.is_over, within=PATIENCE_S, what="102 is hung up on")
        assert f"TLS {HOST}:" in phone.output
        office.assert_log_is_clean()
