"""Days of an office whose clock is moved from one of their moments to the next.

What happens there (a day ends, hours begin, a clock is put forward) is waited for, not jumped over.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from tests.harness.ics import event, ics
from tests.harness.moved_clock import MovedClock
from tests.harness.ports import HOST, free_port
from tests.harness.product import CallLine, Product, until
from tests.harness.sipp import Cast, Sipp
from tests.harness.web_server import web_server

EXACT_S = 0.5
BUSY_MACHINE_S = 1.0
"""Nobody is rung before the call is on disk, and others may keep that busy: one of so many calls waits."""
AT_ONCE_S = EXACT_S + BUSY_MACHINE_S
LONGEST_S = 150
"""All days together."""
PLACED_S = 15
"""Nobody waits for so long until a call of a moment is over."""
ZONE = ZoneInfo("Europe/Warsaw")
TOKEN = "a-token-that-nobody-guesses"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
RINGS, ANSWERS, TALKS = "phone-rings-cancelled.xml", "phone-answers.xml", "trunk-calls-answered.xml"
LEAVES_MESSAGE = "trunk-leaves-voicemail.xml"
ANNA, PIOTR, OLENA, EWA = "101", "102", "103", "105"
MOBILES = {ANNA: "+48600100200", PIOTR: "+48600100201"}
POLLED_EVERY_S = 30
RINGS_FOR_S = 4.0
VOICEMAIL = "+48221230005"
TALKER = "+48500600700"
"""Who talks, and who leaves a message."""
STORIES = ("sticky", "rota", "holiday", "closing", "days", "weekly", "step-hours", "by-hour", "late", "early")
STORIES += ("meeting", "training", "free", "share", "crowd", "rings")
NUMBERS = {name: f"+482212412{index:02}" for index, name in enumerate(STORIES)} | {"voicemail": VOICEMAIL}


WEEK = {
    "mon": ("2026-11-09", ANNA, ANNA),
    "tue": ("2026-11-10", PIOTR, ANNA),
    "wed": ("2026-11-11", ANNA, MOBILES[ANNA]),  # Independence Day in Poland
    "thu": ("2026-11-12", ANNA, ANNA),
    "fri": ("2026-11-13", PIOTR, ANNA),
    "sat": ("2026-11-14", ANNA, MOBILES[PIOTR]),
    "sun": ("2026-11-15", PIOTR, MOBILES[ANNA]),
}
"""Each day with who rings by the scheme of some days, and by hours with somebody on duty."""
MORE_THAN_COME = 200
"""Calls for which a phone is there: which of them ring it is for the tests to say."""
MEETING = event("Doctor", "20261116T140000", "20261116T150000")
TRAINING = event("Training", "20261116T130000", "20261116T160000")
MIDNIGHT = "2026-11-11 00:00"


def steps(scheme: str, *each: str) -> str:
    """Return a scheme that ends with the mailbox."""
    return "".join(f"[[scheme.{scheme}.step]]\n{keys}\n" for keys in (*each, 'voicemail = "sales"'))


def ring(target: str, more: str = "") -> str:
    return f'ring = ["{target}"]\nfor = "4s"\n{more}'


def configuration(url: str, api_port: int) -> str:
    """Return what is added to the demo office: Anna rings where hours are open, Piotr where they are not."""
    by_hours = {
        "holiday": 'schedule = "festive"\nin-hours = "usual"\noff-hours = "other"\nholiday = "rota"\n',
        "closing": 'schedule = "always"\nin-hours = "usual"\noff-hours = "other"\n',
        "weekly": 'schedule = "office"\nin-hours = "usual"\noff-hours = "rota"\n',
        "sticky": 'scheme = "usual"\nsticky = "today"\n',
        "by-hour": 'scheme = "day"\n',
    }
    numbers = "".join(
        f'[number."{number}"]\n' + by_hours.get(name, f'scheme = "{name}"\n')
        for name, number in NUMBERS.items()
        if number != VOICEMAIL
    )
    schemes = (
        steps("usual", ring(ANNA), ring(PIOTR)),
        steps("other", ring(PIOTR)),
        steps("rota", ring("mobile of rota duty")),
        '[scheme.days]\ndays = ["mon", "wed-thu", "sat"]\notherwise = "other"\n' + steps("days", ring(ANNA)),
        '[scheme.day]\nhours = "office"\notherwise = "other"\n' + steps("day", ring(ANNA)),
        steps("step-hours", ring(ANNA, 'hours = "office"'), ring(PIOTR)),
        steps("late", ring(ANNA, 'hours = "late"'), ring(PIOTR)),
        steps("early", ring(ANNA, 'hours = "early"'), ring(PIOTR)),
        steps("meeting", ring(OLENA), ring(PIOTR)),
        steps("training", ring(EWA), ring(PIOTR)),
        steps("free", ring(OLENA, 'when = "free in pair < 2"'), ring(ANNA)),
        steps("share", ring(OLENA, 'when = "talking in pair >= 50%"'), ring(PIOTR)),
        '[scheme.crowd]\nwhen = "free in pair >= 2"\notherwise = "overflow"\n' + steps("crowd", ring(ANNA)),
        steps("overflow", ring(OLENA)),
        steps("rings", ring(EWA), ring(PIOTR)),
    )
    return f"""
[person.ewa]
name = "Ewa Test"
extension = "{EWA}"
password = "demo-{EWA}"
calendar = "ewa"
[group.pair]
members = ["{ANNA}", "{PIOTR}"]
[calendar.olena]
url = "{url}/olena"
[calendar.ewa]
url = "{url}/ewa"
refresh = "{POLLED_EVERY_S}s"
[hours.always]
daily = "24h"
[hours.festive]
daily = "24h"
holidays = "PL"
[hours.office]
mon-fri = "09:00-18:00"
12-31 = "09:00-12:00"
holidays = ["PL", "12-28..12-30"]
[hours.late]
sat = "20:00-02:30"
[hours.early]
sun = "02:15-12:00"
[rota.duty]
members = ["anna", "piotr"]
turn = "1d"
since = 2026-11-09
[api]
listen = "{HOST}:{api_port}"
tokens = ["{TOKEN}"]
{numbers}{"".join(schemes)}"""


def change(office: str) -> str:
    """Return the demo office with Olena's calendar, in which mobiles are shown who calls."""
    office = office.replace("[person.olena]\n", '[person.olena]\ncalendar = "olena"\n')
    return office.replace("[trunk.demo-out]\n", '[trunk.demo-out]\ncaller-id = "caller"\n')


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(slots=True)
class Website:
    """Has the calendars of Olena and Ewa."""

    texts: dict[str, str]
    asked: list[tuple[float, str]] = field(default_factory=list)
    """When and what for."""

    def says(self, path: str) -> str:
        self.asked.append((time.time(), path))
        return self.texts[path]


@dataclass(slots=True)
class Play:
    """The office, who calls it, and whose phones ring."""

    office: Product
    clock: MovedClock
    cast: Cast
    website: Website
    http: httpx.Client
    answering: Sipp
    """Anna's, Piotr's and Olena's phone."""
    ringing: Sipp
    """Ewa's, which nobody takes."""
    outside: Sipp
    callers: dict[str, str] = field(default_factory=dict)
    """The number of the caller of each call."""
    calling: list[Sipp] = field(default_factory=list)
    at: dict[str, float] = field(default_factory=dict)
    """When something happened that no phone sees."""
    calls: dict[str, list[CallLine]] = field(default_factory=dict)
    """The journal, by caller."""
    mailed_after: dict[str, float] = field(default_factory=dict)
    """How long after a message a mail told of it."""
    is_over: bool = False

    def place(self, moment: str, *names: str, caller: str = "") -> None:
        """Let a call come in for each of these, and return when all were answered and hung up."""
        if self.is_over:
            raise RuntimeError("the play was broken off")
        if not names:
            return
        lines = [(self.new_caller(f"{name} {moment}", caller), NUMBERS[name]) for name in names]
        self.calling.append(self.cast.many_callers(lines))
        self.calling[-1].wait(within=PLACED_S)

    def new_caller(self, call: str, caller: str = "") -> str:
        """Return the number from which a call comes; none has come from it before, unless it is named."""
        assert call not in self.callers, call
        self.callers[call] = caller or f"+48500701{len(self.callers):03}"
        return self.callers[call]

    def says(self, person: str, state: str) -> None:
        answer = self.http.put(f"/v1/people/{person}/status", json={"state": state})
        assert answer.status_code == 200, answer.text

    def mails(self) -> int:
        """Return how many have been sent so far."""
        return len(list((self.office.folder / "data" / "outbox").glob("*")))

    # --- what was seen -------------------------------------------------------------------------------------

    def called(self, call: str) -> list[float]:
        """Return when calls of that caller came."""
        return sorted(
            at
            for each in self.calling
            for at, invite in each.traced("INVITE", kind="sent")
            if self.callers[call] in invite
        )

    def rung(self, call: str) -> list[tuple[float, str]]:
        """Return when which phones were rung for that caller, in their order."""
        rung = {
            invite: (at, invite.partition("sip:")[2].partition("@")[0])
            for phone in (self.outside, self.ringing, self.answering)
            for at, invite in reversed(phone.traced("INVITE"))
            if re.search(rf"^From: .*{re.escape(self.callers[call])}", invite, re.MULTILINE)
        }
        return sorted(rung.values())

    def journal(self, call: str) -> list[CallLine]:
        return self.calls[self.callers[call]]

    def first(self, call: str) -> str:
        """Return whose phone alone rang for a call, which it did at once."""
        [called_at], [(rung_at, who)] = self.called(call), self.rung(call)
        assert rung_at - called_at < AT_ONCE_S, f"{call}: after {rung_at - called_at:.1f} s"
        return who


# --- the days ----------------------------------------------------------------------------------------------


def around(play: Play, moment: datetime, what: str, before: tuple[str, ...], at: tuple[str, ...]) -> None:
    """Let calls come shortly before that moment and, when it has come by itself, others."""
    play.clock.set(moment - timedelta(seconds=20))
    play.place(f"before {what}", *before)
    play.clock.set(moment - timedelta(seconds=0.7))
    play.clock.wait(moment, within=5)
    play.place(f"at {what}", *at)


def across(play: Play, jump: str, moment: datetime) -> None:
    """Set the clock while one caller leaves a message, one talks, and for one it rings."""
    known, mails = len(play.office.recordings()), play.mails()
    message = play.cast.trunk(LEAVES_MESSAGE, VOICEMAIL)
    until(lambda: len(play.office.recordings()) > known, within=PLACED_S, what="a message is being left")
    talk = play.cast.trunk(TALKS, NUMBERS["closing"])
    waits = play.cast.many_callers([(play.new_caller(f"rings {jump}"), NUMBERS["rings"])])
    play.calling += [message, talk, waits]
    until(
        lambda: talk.received("SIP/2.0 200") and play.rung(f"rings {jump}"),
        within=PLACED_S,
        what="one caller talks, for the other it rings",
        every=0.02,
    )
    play.clock.set(moment)
    play.at[jump] = time.time()
    for each in (message, talk, waits):
        each.wait(within=PLACED_S)
    over_at = message.times("SIP/2.0 200")[-1]
    until(lambda: play.mails() > mails, within=PLACED_S, what="a mail tells of the message")
    play.mailed_after[jump] = time.time() - over_at


def the_clock_of_a_machine_without_a_battery_is_set(play: Play) -> None:
    across(play, "forward", local("2026-10-24 12:00"))


def the_night_in_which_the_clock_is_put_back(play: Play) -> None:
    around(play, utc("2026-10-25 00:30"), "02:30", ("late", "early"), ("late",))  # in summer time
    around(play, utc("2026-10-25 01:00"), "02:00", (), ("late", "early"))  # for the second time


def a_week(play: Play) -> None:
    for day, (date, _, _) in WEEK.items():
        play.clock.set(local(f"{date} 12:00"))
        play.place(day, "days", "weekly")
        if day == "tue":
            the_end_of_a_day(play)
        if day == "fri":
            play.clock.set(local(f"{date} 17:59"))
            play.place("at 17:59", "step-hours", "by-hour")
            around(play, local(f"{date} 18:00"), "18:00", (), ("step-hours", "by-hour"))
            play.clock.set(local(f"{date} 18:01"))
            play.place("at 18:01", "step-hours", "by-hour")


def the_end_of_a_day(play: Play) -> None:
    """Two callers talk with Piotr, and call again; in between the office is closed until tomorrow."""
    play.clock.set(local(MIDNIGHT) - timedelta(seconds=20))
    play.says("anna", "away")
    play.place("first", "sticky", caller="+48500702001")
    play.place("first of another", "sticky", caller="+48500702002")
    play.says("anna", "available")
    play.place("second", "sticky", caller="+48500702001")
    play.place("before midnight", "rota", "holiday", "closing")
    play.cast.calling_phone("phone-calls.xml", "104", "*461").wait(within=PLACED_S)
    play.place("closed", "closing")
    play.at["midnight"] = time.time() + (local(MIDNIGHT) - play.clock.now()).total_seconds()
    play.clock.wait(local(MIDNIGHT), within=20)
    play.place("at midnight", "rota", "holiday", "closing")
    play.place("after midnight", "sticky", caller="+48500702002")
    until(lambda: "it ended by itself" in play.office.log, within=5, what="the office tells of it")
    play.clock.set(local(MIDNIGHT) + timedelta(minutes=1))
    play.place("at 00:01", "sticky", caller="+48500702001")


def meetings(play: Play) -> None:
    """Olena has one that begins and ends; Ewa's is written down in the last minute."""
    play.website.texts["/ewa"], written_at = ics(TRAINING), time.time()
    around(play, local("2026-11-16 14:00"), "14:00", ("meeting",), ("meeting",))
    around(play, local("2026-11-16 15:00"), "15:00", ("meeting",), ("meeting",))
    load(play)

    def reads() -> list[float]:
        return [at for at, path in play.website.asked if path == "/ewa" and at > written_at]

    until(reads, within=POLLED_EVERY_S + 5, what="Ewa's calendar is read again", every=0.02)
    until(
        lambda: play.http.get("/v1/people/ewa/status").json()["state"] == "meeting",
        within=PLACED_S,
        what="Ewa is in her training",
        every=0.02,
    )
    play.at["training read"], play.at["training known"] = reads()[0], time.time()
    play.place("in training", "training")


def load(play: Play) -> None:
    """Callers come while nobody talks, while Anna does, and afterwards."""
    for name in ("free", "share", "crowd"):
        play.place("calm", name)
    talk = play.cast.trunk(TALKS, NUMBERS["crowd"])
    until(lambda: talk.received("SIP/2.0 200"), within=PLACED_S, what="Anna talks", every=0.02)
    play.place("busy", "free", "share", "crowd")
    talk.wait(within=PLACED_S)
    play.place("calm again", "crowd")


def the_end_of_a_year(play: Play) -> None:
    play.clock.set(local("2026-12-28 12:00"))
    play.place("between the years", "weekly")
    around(play, local("2026-12-31 12:00"), "noon", ("weekly",), ("weekly",))
    play.clock.set(local("2027-01-01 12:00"))
    play.place("new year", "weekly")


def the_night_in_which_the_clock_is_put_forward(play: Play) -> None:
    around(play, utc("2027-03-28 01:00"), "03:00", ("late", "early"), ("late", "early"))  # after 01:59


def the_clock_is_set_back_by_an_hour(play: Play) -> None:
    play.clock.set(local("2027-03-29 12:00"))
    across(play, "back", local("2027-03-29 11:00"))


SCENES = (
    the_clock_of_a_machine_without_a_battery_is_set,
    the_night_in_which_the_clock_is_put_back,
    a_week,
    meetings,
    the_end_of_a_year,
    the_night_in_which_the_clock_is_put_forward,
    the_clock_is_set_back_by_an_hour,
)


def act(play: Play) -> None:
    """Live through all days; the phones are put away at their end."""
    for scene in SCENES:
        scene(play)
    for phone in (play.answering, play.ringing, play.outside):
        phone.stop()


def begin(folder: Path, stack: ExitStack) -> Callable[[], Play]:
    """Start an office in the year 2016, by its clock, and let it live through some days of 2026 and 2027."""
    website = Website({"/olena": ics(MEETING), "/ewa": ics()})
    url = stack.enter_context(web_server(website.says)).url
    clock, api_port = MovedClock(folder / "clock", local("2016-11-01 12:00")), free_port()
    office = stack.enter_context(
        Product.running(
            folder / "office",
            extra=configuration(url, api_port),
            change=change,
            environment=clock.environment,
        )
    )
    cast = stack.enter_context(Cast.around(folder / "sipp", office.port, limit_s=LONGEST_S))
    play = Play(
        office,
        clock,
        cast,
        website,
        stack.enter_context(httpx.Client(base_url=f"http://{HOST}:{api_port}", headers=HEADERS, timeout=20)),
        answering=cast.phone(ANSWERS, ANNA, "-d", "100", calls=MORE_THAN_COME, also=(PIOTR, OLENA)),
        ringing=cast.phone(RINGS, EWA, calls=MORE_THAN_COME),
        outside=cast.carrier(ANSWERS, office.outside_port, "-d", "100", "-m", str(MORE_THAN_COME)),
    )
    actor = ThreadPoolExecutor(1, "days of an office")
    acting = actor.submit(act, play)

    def break_off() -> None:
        play.is_over = True
        actor.shutdown()

    stack.callback(break_off)

    def end() -> Play:
        acting.result(LONGEST_S)
        for call in office.finished_calls(at_least=len(play.callers)):
            play.calls.setdefault(call.caller.partition(" ")[0], []).append(call)
        office.assert_log_is_clean()
        return play

    return end
