"""Rows F10, F12, F13, F18, F19, F24, F27 and R14 in real time: two offices, one is a PBX of the other.

The clock is the machine's, so hours, days and holidays are written around the moment at which all begins.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.harness.mail_server import Inbox, mail_server
from tests.harness.ports import HOST, free_port
from tests.harness.product import CallLine, Product, until
from tests.harness.sipp import Cast, Sipp
from tests.harness.web_server import WebServer, web_server

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

EXACT_S = 0.5
BUSY_MACHINE_S = 0.5
AT_ONCE_S = 1.0
TOLD_WITHIN_S = 5.0
LONGEST_S = 135
ROOM_S = 50
"""In which our office is started and the first calls come, also on a busy machine."""
RINGS, ANSWERS, TALKS = "phone-rings-cancelled.xml", "phone-answers.xml", "trunk-calls-answered.xml"
OTHER_HOST = "127.0.0.2"
"""The second address of the other office; there we are called as somebody who has no codec of ours."""
TOKEN = "a-token-that-nobody-guesses"
DUTY, DIRECTOR, VISITOR = "+48600100932", "+48600999888", "+48600100299"
ANSWERING = ("911", "912", "913", "914", "915", "916")
"""Extensions of the phone that answers; it tells by the request-URI which of them was called."""
OFF = ("918", "919", "921")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STORIES = ("account", "codec", "off", "hours", "holiday", "today", "other-days", "missed", "web")
NUMBERS = {name: f"+482212411{index:02}" for index, name in enumerate(STORIES)}


def zone_at_noon(now: datetime) -> str:
    """Return a time zone in which it is between twelve and one, so that no day ends while a play goes on."""
    return f"Etc/GMT{now.hour - 12:+d}"  # named the other way round: GMT-2 is two hours ahead


@dataclass(frozen=True, slots=True)
class Moments:
    """When what the hours say changes."""

    zone: str
    """Of the office."""
    now: datetime
    """There."""
    closing: datetime
    """The minute in which the hours of the step end."""

    @classmethod
    def around(cls, now: datetime) -> Moments:
        zone = zone_at_noon(now)
        local = now.astimezone(ZoneInfo(zone))
        minute = timedelta(minutes=1)
        closing = (local + timedelta(seconds=ROOM_S) + minute).replace(second=0, microsecond=0)
        return cls(zone, local, closing)

    @property
    def weekday(self) -> str:
        return WEEK[self.now.weekday()]


def steps(scheme: str, *each: str) -> str:
    return "".join(f"[[scheme.{scheme}.step]]\n{keys}\n" for keys in (*each, 'voicemail = "sales"'))


def ring(*targets: str, more: str = "") -> str:
    listed = ", ".join(f'"{target}"' for target in targets)
    return f'ring = [{listed}]\nfor = "10s"\n{more}'


def configuration(moments: Moments, *, pbx_port: int, mail_port: int, api_port: int, url: str) -> str:
    """Return the TOML of our office."""
    people = "".join(
        f'[person.phone-{each}]\nname = "Phone {each}"\nextension = "{each}"\npassword = "demo-{each}"\n'
        f'mobile = "+48600100{each}"\n'
        for each in (*ANSWERING, *OFF, "917", "920", "931", "932")
    )
    accounts = "".join(
        f'[trunk.{name}]\n{where}\nusername = "{account}"\npassword = "demo-{account}"\n'
        for name, account, where in (
            ("pbx", "101", f'registrar = "{HOST}:{pbx_port}"'),
            ("pbx-wide", "103", f'host = "{OTHER_HOST}"\nport = {pbx_port}\ncodecs = ["G722"]'),
        )
    )
    others = [day for day in WEEK if day != moments.weekday]
    schemes = {
        "account": steps("account", ring(f"sip:102@{HOST}:{pbx_port}")),
        "codec": steps("codec", ring(f"sip:102@{OTHER_HOST}:{pbx_port}"), ring("911")),
        "off": steps("off", ring(f"sip:102@{HOST}:{pbx_port}"), ring("912")),
        "hours": steps("hours", ring("913", more='hours = "closing"'), ring("914")),
        "holiday": steps("holiday", ring("mobile of rota duty")),
        "today": f'[scheme.today]\ndays = "{moments.weekday}"\notherwise = "voicemail"\n'
        + steps("today", ring("915")),
        "other-days": f'[scheme.other-days]\ndays = {json.dumps(others)}\notherwise = "weekend"\n'
        + steps("other-days", ring("913"))
        + steps("weekend", ring("916")),
        "missed": steps(
            "missed",
            ring(*OFF),
            ring("917").replace("10s", "2s"),
            ring(DIRECTOR, more='whisper = "missed-by-sales"'),
        ),
        "web": steps("web", ring("920")),
    }
    closed = ("in-hours", "off-hours")
    numbers = "".join(
        f'[number."{number}"]\n'
        + (
            'schedule = "festive"\nholiday = "holiday"\n'
            + "".join(f'{each} = "voicemail"\n' for each in closed)
            if name == "holiday"
            else f'scheme = "{name}"\nsource = "google"\n'
        )
        for name, number in NUMBERS.items()
    )
    return f"""
{people}{accounts}{numbers}{"".join(schemes.values())}
[person.maria]
name = "Maria Director"
mobile = "{DIRECTOR}"
[hours.closing]
daily = "08:00-{moments.closing:%H:%M}"
[hours.festive]
daily = "24h"
holidays = ["{moments.now:%Y-%m-%d}"]
[rota.duty]
members = ["phone-931", "phone-932"]
turn = "1d"
since = {moments.now - timedelta(days=1):%Y-%m-%d}
[backup-alert]
emails = ["head@office.example"]
url = "{url}/alert"
[smtp]
host = "{HOST}"
port = {mail_port}
from = "pbx@office.example"
starttls = false
[api]
listen = "{HOST}:{api_port}"
tokens = ["{TOKEN}"]
[callback]
ring-now = true
"""


def ours(moments: Moments) -> Callable[[str], str]:
    """Return what puts the demo office into that time zone, on a trunk that lets calls ring for long."""

    def change(office: str) -> str:
        office = office.replace('timezone = "Europe/Warsaw"', f'timezone = "{moments.zone}"')
        return office.replace('max-unanswered = "5s"', 'max-unanswered = "120s"')

    return change


def theirs(office: str) -> str:
    """Return the other office: no trunk of it is ours, it has two addresses, and Olena another codec."""
    office = office.replace('accepts-from = ["127.0.0.0/8"]', 'accepts-from = ["192.0.2.0/24"]')
    office = re.sub(r'listen = "127.0.0.1:(\d+)"', rf'listen = ["{HOST}:\1", "{OTHER_HOST}:\1"]', office)
    return office.replace("[person.olena]\n", '[person.olena]\ncodecs = ["PCMU"]\n')


@dataclass(slots=True)
class Played:
    """What is left when all calls are over."""

    moments: Moments
    callers: dict[str, Sipp]
    answering: Sipp
    missing: Sipp
    """Phone 917, which rings and nobody takes."""
    agent: Sipp
    """Phone 920, which is put through to the visitor."""
    outside: Sipp
    theirs: Sipp
    """Phone 102 of the other office."""
    inbox: Inbox
    chat: WebServer
    asked_at: float = 0.0
    """When the visitor asked."""
    told: dict[str, Any] = field(default_factory=dict)
    """What the interface has said: of the scheme ``missed``, of what the visitor asked for."""
    calls: dict[str, list[CallLine]] = field(default_factory=dict)
    """The journal, by number."""

    def invited(self, name: str) -> float:
        """Return when a caller called."""
        return self.callers[name].times("INVITE", kind="sent")[0]

    def rung(self, extension: str) -> list[float]:
        """Return when the phone that answers was rung as that extension."""
        return self.answering.times(f"INVITE sip:{extension}@")

    def rung_outside(self, number: str) -> float:
        return self.outside.times(f"INVITE sip:{number}")[0]

    def story(self, name: str) -> str:
        [call] = self.calls[NUMBERS[name]]
        assert call.outcome == "talked", call.story
        return call.story


def begin(folder: Path, stack: ExitStack) -> Callable[[], Played]:
    """Let the calls come in, one of them after the hours of its step; return what waits for their end."""
    inbox, mail_port, api_port = Inbox(), free_port(), free_port()
    stack.enter_context(mail_server(inbox, mail_port))
    chat = stack.enter_context(web_server(lambda _: 200))
    pbx = stack.enter_context(Product.running(folder / "pbx", change=theirs))
    moments = Moments.around(datetime.now(UTC))
    extra = configuration(moments, pbx_port=pbx.port, mail_port=mail_port, api_port=api_port, url=chat.url)
    office = stack.enter_context(Product.running(folder / "office", extra=extra, change=ours(moments)))
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    there = stack.enter_context(Cast.around(folder / "there", pbx.port, limit_s=LONGEST_S))
    first, *also = ANSWERING
    play = Played(
        moments,
        callers={},
        answering=cast.phone(ANSWERS, first, "-d", "300", calls=len(ANSWERING), also=also),
        missing=cast.phone(RINGS, "917"),
        agent=cast.phone("phone-presses-1-and-hangs-up.xml", "920", "-d", "300"),
        outside=cast.carrier(ANSWERS, office.outside_port, "-d", "500", "-m", "3"),
        theirs=there.phone(ANSWERS, "102", "-d", "300"),
        inbox=inbox,
        chat=chat,
    )
    for name in ("account", "codec", "hours", "holiday", "today", "other-days", "missed"):
        play.callers[name] = cast.trunk(TALKS, NUMBERS[name])
    wait_ms = round(1000 * (moments.closing.timestamp() + 2 - time.time()))
    play.callers["closed"] = cast.trunk(TALKS, NUMBERS["hours"], "-r", "1", "-rp", str(wait_ms))
    until(lambda: "ready for calls" in office.log, within=20, what="the interface is there")
    http = stack.enter_context(
        httpx.Client(
            base_url=f"http://{HOST}:{api_port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20
        )
    )
    play.asked_at = time.time()
    asked = http.post("/callback", json={"number": VISITOR, "to": NUMBERS["web"], "now": True})
    assert asked.status_code == 201, asked.text
    for name in ("account", "codec"):
        play.callers[name].wait()
    pbx.kill()
    play.callers["off"] = cast.trunk(TALKS, NUMBERS["off"])

    def end() -> Played:
        for each in (*play.callers.values(), play.answering, play.missing, play.agent, play.outside):
            each.wait()
        play.theirs.wait()
        for call in office.finished_calls(at_least=len(play.callers) + 1):
            play.calls.setdefault(call.dialled.partition(" ")[0], []).append(call)
        play.told["scheme"] = http.get("/v1/schemes/missed").json()
        play.told["callback"] = http.get(f"/callback/{asked.json()['id']}").json()
        until(lambda: inbox.mails and chat.sent, within=20, what="the head of the office is told")
        office.assert_log_is_clean()
        return play

    return end


def test_row_f10_an_account_at_another_office_of_our_own_is_talked_with(played: Played) -> None:
    assert played.story("account").startswith("talked with sip:102@")
    [(rung_at, invite)] = played.theirs.traced("INVITE")
    assert rung_at - played.invited("account") < AT_ONCE_S + BUSY_MACHINE_S
    assert re.search(r"^From: .*<sip:101@", invite, re.MULTILINE), "it knows who we are by the password alone"


def test_row_f10_the_other_office_without_a_common_codec_leads_on_to_the_next_step(played: Played) -> None:
    [rung_at] = played.rung("911")
    assert rung_at - played.invited("codec") < AT_ONCE_S + BUSY_MACHINE_S
    assert played.story("codec").endswith("talked with Phone 911 for 2 s")


def test_row_f10_the_other_office_that_is_off_leads_on_within_a_second(played: Played) -> None:
    [rung_at] = played.rung("912")
    assert rung_at - played.invited("off") < AT_ONCE_S + BUSY_MACHINE_S
    assert played.story("off").endswith("talked with Phone 912 for 2 s")


def test_row_f24_a_step_whose_hours_end_rings_before_and_costs_no_time_after(played: Played) -> None:
    closing = played.moments.closing.timestamp()
    assert closing - 60 - ROOM_S < played.invited("hours") < closing < played.invited("closed") < closing + 60
    before = [at for at in played.rung("913") if at < closing]
    [after] = played.rung("914")
    assert before[0] - played.invited("hours") < EXACT_S + BUSY_MACHINE_S
    assert after - played.invited("closed") < EXACT_S + BUSY_MACHINE_S
    assert [call.story.partition(" for ")[0] for call in played.calls[NUMBERS["hours"]]] == [
        "talked with Phone 913",
        "talked with Phone 914",
    ]


def test_row_f18_on_a_holiday_the_mobile_of_who_is_on_duty_rings(played: Played) -> None:
    assert played.rung_outside(DUTY) - played.invited("holiday") < EXACT_S + BUSY_MACHINE_S
    assert played.story("holiday").startswith(f"talked with Phone 932's mobile {DUTY}")


def test_row_f27_a_scheme_works_on_the_days_of_the_week_that_it_names(played: Played) -> None:
    assert played.story("today").startswith("talked with Phone 915")
    assert played.story("other-days").startswith("talked with Phone 916")


def test_row_f13_three_phones_that_are_not_registered_cost_less_than_a_second(played: Played) -> None:
    [rung_at] = played.missing.times("INVITE")
    assert rung_at - played.invited("missed") < AT_ONCE_S + BUSY_MACHINE_S


def test_row_f12_the_backup_is_told_to_be_last_and_is_rung_last(played: Played) -> None:
    told = played.told["scheme"]
    assert [step["backup"] for step in told["order"]] == [False, False, True, False]
    assert (told["backup"], told["order"][-1]["does"]) == (3, "takes a message for mailbox sales")
    assert played.rung_outside(DIRECTOR) - played.missing.times("INVITE")[0] == pytest.approx(2, abs=EXACT_S)


def test_row_f19_the_director_hears_a_whisper_first_and_the_journal_has_who_missed_the_call(
    played: Played,
) -> None:
    took = next(at for at, ack in played.outside.traced("ACK") if f"To: <sip:{DIRECTOR}@" in ack)
    connected = played.callers["missed"].times("SIP/2.0 200")[0]
    assert 0.8 < connected - took < 5.0, "the caller hears ringing while the whisper is played"
    assert f"rang Phone 917 2 s, no answer; talked with {DIRECTOR} for 2 s" in played.story("missed")


def test_row_f19_the_head_of_the_office_is_told_by_mail_and_chat_within_5_s(played: Played) -> None:
    over = played.callers["missed"].times("SIP/2.0 200")[-1]
    alerts = [
        (at, mail)
        for at, mail in zip(played.inbox.taken_at, played.inbox.mails, strict=True)
        if mail["To"] == "head@office.example"
    ]
    [(mailed_at, mail)] = alerts
    [posted] = [each for each in played.chat.sent if each.path == "/alert"]
    assert 0 < mailed_at - over < TOLD_WITHIN_S
    assert 0 < posted.at - over < TOLD_WITHIN_S
    assert (
        mail["Subject"] == f"Answered on the backup: SIPp trunk, +48500600700 → {DIRECTOR} (Maria Director)"
    )
    off = ", ".join(f"Phone {each} (phone off)" for each in OFF)
    assert f"Missed by: {off}, Phone 917 (0:02)" in text_of(mail)
    told = json.loads(posted.content)
    assert told["is_answered"] is True
    assert [each["who"] for each in told["missed_by"]] == [f"Phone {each}" for each in (*OFF, "917")]
    assert told["missed_by"][-1]["rang_s"] == pytest.approx(2, abs=EXACT_S)


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content())


def test_row_r14_who_asks_to_be_called_at_once_is_put_through_when_somebody_pressed_1(played: Played) -> None:
    [(rung_at, invite)] = played.agent.traced("INVITE")
    assert rung_at - played.asked_at < AT_ONCE_S + BUSY_MACHINE_S
    assert f'From: "google: {VISITOR}"' in invite, "the number that was named has that source"
    [pressed] = played.agent.times("INFO", kind="sent")
    assert 0 < played.rung_outside(VISITOR) - pressed < AT_ONCE_S + BUSY_MACHINE_S
    [call] = played.calls[VISITOR]
    assert call.story.startswith(f"Phone 920 answered; talked with {VISITOR} for ")
    assert played.told["callback"]["state"] == "kept"
