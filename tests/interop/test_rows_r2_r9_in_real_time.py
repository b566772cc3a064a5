"""Rows R2-R5 and R9 in real time: a CRM that knows nobody, fails or hangs, and what it is told of calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.harness.product import CallLine, Product, until
from tests.harness.sipp import Cast, Sipp
from tests.harness.web_server import HANGS, Sent, WebServer, web_server

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

EXACT_S = 0.5
BUSY_MACHINE_S = 0.5
BUDGET_S = 1.5
LONGEST_S = 60
CALLER, ANSWERED, MISSED, CLOSED = "+48500600700", "+48221240530", "+48221240537", "+48221240538"
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = ZoneInfo("Europe/Warsaw")
OPENS = (datetime.now(OFFICE) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
"""When the office opens again that has closed already: after two whole days, as on a Friday evening."""
TROUBLES: dict[str, str | int] = {"404": 404, "500": 500, "hangs": HANGS}
CRM = """
[crm]
kind = "http"
url = "{url}"
{records}
[crm.find.contact]
path = "/find/{{digits}}"
user = "owner.id"
id = "id"
"""
TICKED = 'unknown-callers = ["contact", "deal", "task"]'
RECORDS = """
[crm.create.contact]
path = "/contacts"
fields = { phone = "{caller}", source = "{source}" }
id = "id"
[crm.create.deal]
path = "/deals"
fields = { title = "{title}", contact = "{contact}", source = "{source}" }
id = "id"
[crm.create.task]
path = "/tasks"
fields = { title = "{title}", due = "{due}", deal = "{deal}", call = "{call_id}" }
id = "id"
[crm.create.call]
path = "/calls/{call_id}"
method = "PUT"
fields = { from = "{caller}", to = "{dialled}", outcome = "{outcome}", recording = "{recording}", source = "{source}" }
[recording]
all = true
announcement = ""
"""  # noqa: E501 - inline tables of TOML are one line
SCHEME = f"""
[number."{ANSWERED}"]
scheme = "known"
source = "google"
[[scheme.known.step]]
crm = "responsible"
[[scheme.known.step]]
ring = ["101"]
for = "20s"
[[scheme.known.step]]
voicemail = "sales"
[number."{MISSED}"]
scheme = "missed"
source = "google"
[[scheme.missed.step]]
ring = ["102"]
for = "20s"
[[scheme.missed.step]]
voicemail = "sales"
[number."{CLOSED}"]
schedule = "later"
source = "google"
in-hours = "missed"
off-hours = "missed"
"""


@dataclass(frozen=True, slots=True)
class Played:
    """What is left of the calls to one office."""

    manager: Sipp
    caller: Sipp
    calls: dict[str, CallLine]
    sent: list[Sent]

    def told(self, path: str) -> list[dict[str, Any]]:
        """Return what the CRM was sent to that path and below."""
        return [json.loads(each.content) for each in self.sent if each.path.startswith(path)]


def begin(folder: Path, stack: ExitStack) -> Callable[[], dict[str, Played]]:
    """Let one call come to each office, and to one of them a second; return what waits for their end."""
    opened = {name: _open(folder / name, stack, trouble) for name, trouble in TROUBLES.items()}
    endings = {name: call_in() for name, call_in in opened.items()}  # no office starts any more meanwhile
    return lambda: {name: end() for name, end in endings.items()}


def _open(folder: Path, stack: ExitStack, trouble: str | int) -> Callable[[], Callable[[], Played]]:
    """Start an office with its phones; return what lets the calls come in."""
    server = stack.enter_context(
        web_server(lambda path: trouble if path.startswith("/find") else '{"id": 7}')
    )
    has_records = trouble == 404
    crm = CRM.format(url=server.url, records=TICKED if has_records else "record-calls = false")
    tables = RECORDS if has_records else ""
    hours = f'[hours.later]\n{WEEK[OPENS.weekday()]} = "09:00-18:00"\n'
    office = stack.enter_context(Product.running(folder, extra=crm + tables + SCHEME + hours))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    manager = cast.phone("phone-answers.xml", "101", "-d", "300")
    missed = cast.phone("phone-rings-cancelled.xml", "102", calls=2) if has_records else None

    def call_in() -> Callable[[], Played]:
        caller = cast.trunk("trunk-calls-answered.xml", ANSWERED)
        everybody = [manager, caller]
        if missed is not None:
            everybody += [missed]
            everybody += [cast.trunk("trunk-cancels-ringing-487.xml", number) for number in (MISSED, CLOSED)]

        def end() -> Played:
            for each in everybody:
                each.wait()
            calls = {
                call.dialled.split()[0]: call
                for call in office.finished_calls(at_least=3 if has_records else 1)
            }
            if has_records:
                until(lambda: _told_of(server) == 3, within=20, what="the CRM is told of all calls")
            office.assert_log_is_clean()
            return Played(manager, caller, calls, list(server.sent))

        return end

    return call_in


def _told_of(server: WebServer) -> int:
    return sum(each.path.startswith("/calls/") for each in server.sent)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_row_r9_a_new_client_or_a_bad_crm_reaches_the_managers_within_2_s(
    played: dict[str, Played], trouble: str
) -> None:
    play = played[trouble]
    began = play.caller.times("INVITE", kind="sent")[0]
    rung, heard = play.manager.times("INVITE")[0] - began, play.caller.times("SIP/2.0 180")[0] - began
    assert rung < 2.0
    if trouble == "hangs":
        assert rung == pytest.approx(BUDGET_S + 0.1, abs=EXACT_S)
    assert heard < EXACT_S + BUSY_MACHINE_S
    assert play.calls[ANSWERED].outcome == "talked"


def test_row_r2_the_crm_has_exactly_one_record_of_each_call_with_its_recording(
    played: dict[str, Played],
) -> None:
    told = {each["to"]: each for each in played["404"].told("/calls/")}
    assert len(played["404"].told("/calls/")) == len(told) == 3
    assert (told[ANSWERED]["from"], told[ANSWERED]["outcome"]) == (CALLER, "talked")
    assert told[ANSWERED]["recording"].endswith(".wav")
    assert told[MISSED]["outcome"] == told[CLOSED]["outcome"] == "promise"
    keys = [each.key for each in played["404"].sent]
    assert len(set(keys)) == len(keys)
    assert all(keys)


def test_row_r3_r5_an_unknown_caller_is_made_a_contact_a_deal_and_a_task_with_the_source(
    played: dict[str, Played],
) -> None:
    sent = played["404"].sent
    call_ids = {each.key.rpartition("-")[0] for each in sent}
    for call_id in call_ids:
        made = [each for each in sent if each.key.startswith(call_id) and not each.path.startswith("/calls/")]
        assert sorted(each.path for each in made) == ["/contacts", "/deals", "/tasks"]
        sources = {json.loads(each.content).get("source", "google") for each in made}
        assert sources == {"google"}


def test_row_r4_the_task_of_a_missed_call_is_due_in_15_minutes(played: dict[str, Played]) -> None:
    missed, due = task_of(played["404"], MISSED)
    assert due.timestamp() - missed.at == pytest.approx(15 * 60, abs=5)


def test_row_r4_that_of_a_call_before_two_closed_days_is_due_15_minutes_after_the_office_opens(
    played: dict[str, Played],
) -> None:
    _, due = task_of(played["404"], CLOSED)
    assert due == OPENS + timedelta(minutes=15)


def task_of(play: Played, number: str) -> tuple[Sent, datetime]:
    """Return what the CRM was told of the call to that number, and when its task is due."""
    [missed] = [
        each
        for each in play.sent
        if each.path.startswith("/calls/") and json.loads(each.content)["to"] == number
    ]
    call_id = missed.path.rpartition("/")[2]
    [task] = [each for each in play.told("/tasks") if each["call"] == call_id]
    return missed, datetime.fromisoformat(task["due"])
