"""Rows R2-R5: calls in the CRM, new customers, missed calls with a deadline, sources."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from b2bua.cli.crm import how_it_stands
from b2bua.demo.softphone import Habit
from b2bua.store import doorbell
from b2bua.store.calls import CallOutcome
from media.commands import Tone
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, MONDAY_NOON, NUMBER, TO_ANNA, Office, office
from tests.harness.pipedrive import TOKEN, Pipedrive, person

TICKED = 'unknown-callers = ["contact", "task", "deal"]'
SOURCE_FIELD = "0123456789abcdef0123456789abcdef01234567"
PIPEDRIVE = f"""
[crm]
kind = "pipedrive"
url = "https://office.pipedrive.com"
token = "{TOKEN}"
source-field = "{SOURCE_FIELD}"
recording-url = "https://office.example/rec/{{file}}"
"""
GENERIC = """
[crm]
kind = "http"
url = "https://crm.example/api"
[crm.find.contact]
path = "/contacts?phone={digits}"
user = "0.owner"
id = "0.id"
[crm.create.contact]
path = "/contacts"
fields = { phone = "{caller}", name = "{name}", source = "{source}" }
id = "id"
[crm.create.deal]
path = "/deals"
fields = { title = "{title}", contact = { id = "{contact}" }, source = "{source}" }
id = "id"
[crm.create.task]
path = "/tasks"
fields = { title = "{title}", due = "{due}", contact = "{contact}", deal = "{deal}", for = "{user}" }
id = "id"
[crm.create.call]
path = "/calls/{call_id}"
method = "PUT"
fields = { from = "{caller}", to = "{dialled}", outcome = "{outcome}", seconds = "{seconds}", file = "{recording}", tags = ["{source}", "phone"] }
"""  # noqa: E501 - inline tables of TOML are one line
RECORDED = '\n[recording]\nall = true\nannouncement = ""\n'


def ticked(table: str) -> str:
    return table.replace("[crm]\n", f"[crm]\n{TICKED}\n")


def found_by(source: str) -> Callable[[str], str]:
    """Return what names the source of the number that is called."""
    return lambda text: text.replace(f'[number."{NUMBER}"]\n', f'[number."{NUMBER}"]\nsource = "{source}"\n')


@dataclass
class Records:
    """A CRM that knows idempotency keys, and counts what it is sent."""

    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked_at: list[float] = field(default_factory=list)
    hangs: bool = False
    loses_first_answers: bool = False
    delay_s: float = 0.1

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.hangs:
            await asyncio.sleep(3600)
        await asyncio.sleep(self.delay_s)
        self.asked_at.append(asyncio.get_running_loop().time())
        if self.status != 200:
            return httpx.Response(self.status, headers=self.headers)
        if request.method == "GET":
            phones = {each.get("phone", "")[1:]: each for key, each in self.made.items() if "contact" in key}
            known = phones.get(request.url.params["phone"])
            return httpx.Response(200, json=[{"id": known["id"]}] if known else [])
        key = request.headers["Idempotency-Key"]
        self.sent[key] += 1
        record = {"id": f"id-{len(self.made)}", **json.loads(request.content)}
        record = self.made.setdefault(key, record)
        if self.loses_first_answers and self.sent[key] == 1:
            raise httpx.ReadError("the connection broke", request=request)
        return httpx.Response(201, json={"id": record["id"]})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for key, record in self.made.items() if key.endswith(f"-{kind}")]


async def talk(demo: Office, *, seconds: float = 5.0, caller: str = CALLER) -> None:
    """Let somebody call and talk with Anna."""
    leg = await (await demo.call_in(NUMBER, from_number=caller)).answered(within=10)
    await asyncio.sleep(seconds)
    leg.hang_up()


async def miss(demo: Office, *, caller: str = CALLER) -> None:
    """Let somebody call and hang up while it rings."""
    call = await demo.call_in(NUMBER, from_number=caller)
    await asyncio.sleep(5)
    await call.close()


async def told(demo: Office, *, within: float = 30.0) -> None:
    """Wait until the CRM knows of every call that is over."""
    store = demo.server.store
    async with asyncio.timeout(within):
        await demo.stories()
        while await store.crm_records.waiting():
            await asyncio.sleep(0.5)


def known() -> Pipedrive:
    """Return an account that has the caller, whose user is 3."""
    return Pipedrive(persons=[person(5, "+48 500 600 700", 3)], users=[{"id": 1, "email": "anna@x.example"}])


@virtual_time(limit_s=600)
async def test_row_r2_a_call_is_recorded_once_with_its_recording(tmp_path: Path) -> None:
    crm = known()
    async with office(tmp_path, scheme=TO_ANNA + PIPEDRIVE + RECORDED, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo, seconds=65)
        await told(demo)
        [log] = crm.call_logs
        [story] = await demo.stories()
        assert log["outcome"] == "connected"
        assert (log["from_phone_number"], log["to_phone_number"]) == (CALLER, NUMBER)
        assert (log["start_time"], log["duration"]) == ("2026-11-23 11:00:00", "65")
        assert log["person_id"] == 5
        [recording] = await demo.server.store.recordings.of_call(story.call.call_id)
        assert f"https://office.example/rec/{recording.path.name}" in log["note"]
        assert "talked with Anna Nowak for 1 min 5 s" in log["note"]
        assert (crm.deals, crm.activities, len(crm.persons)) == ([], [], 1)


@virtual_time(limit_s=600)
async def test_row_r2_any_crm_gets_it_as_its_template_says(tmp_path: Path) -> None:
    crm = Records()
    async with office(tmp_path, scheme=TO_ANNA + GENERIC + RECORDED, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await told(demo)
        [call] = crm.of("call")
        [story] = await demo.stories()
        assert call.pop("file").endswith(f"-{story.call.call_id}.wav")
        assert call == {
            "id": "id-0",
            "from": CALLER,
            "to": NUMBER,
            "outcome": "talked",
            "seconds": "5",
            "tags": ["phone"],
        }
        assert set(crm.sent.values()) == {1}


@virtual_time(limit_s=600)
@pytest.mark.parametrize("kind", ["pipedrive", "http"])
async def test_row_r3_r5_a_new_customer_gets_contact_deal_and_task_with_the_source(
    tmp_path: Path, kind: str
) -> None:
    crm = Pipedrive(users=[{"id": 1, "email": "anna@x.example"}]) if kind == "pipedrive" else Records()
    table = ticked(PIPEDRIVE if kind == "pipedrive" else GENERIC)
    async with office(tmp_path, scheme=TO_ANNA + table, http=crm) as demo:
        await demo.edit(found_by("google"))
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await told(demo)
        if isinstance(crm, Pipedrive):
            [contact], [deal], [task], [log] = crm.persons, crm.deals, crm.activities, crm.call_logs
            assert contact["phones"][0]["value"] == CALLER
            assert deal["title"] == f"Call from {CALLER} (google)"
            assert deal["custom_fields"] == {SOURCE_FIELD: "google"}
            assert {deal["person_id"], task["person_id"], log["person_id"]} == {contact["id"]}
            assert {task["deal_id"], log["deal_id"]} == {deal["id"]}
            assert task["subject"] == f"New customer: {CALLER} (google)"
        else:
            [contact], [deal], [task] = crm.of("contact"), crm.of("deal"), crm.of("task")
            assert contact["source"] == deal["source"] == "google"
            assert deal["contact"] == {"id": contact["id"]}
            assert (task["contact"], task["deal"]) == (contact["id"], deal["id"])
        await talk(demo)
        await told(demo)
        count = Counter(crm.paths) if isinstance(crm, Pipedrive) else crm.sent
        assert sum(count.values()) > 4
        made = crm.persons if isinstance(crm, Pipedrive) else crm.of("contact")
        assert len(made) == 1, "who called before is known"


@virtual_time(limit_s=600)
@pytest.mark.parametrize("tick", ["contact", "task", "deal"])
async def test_row_r3_only_what_is_ticked_is_made(tmp_path: Path, tick: str) -> None:
    crm = Pipedrive()
    table = PIPEDRIVE.replace("[crm]\n", f'[crm]\nunknown-callers = ["{tick}"]\nrecord-calls = false\n')
    async with office(tmp_path, scheme=TO_ANNA + table, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await told(demo)
        made = {"contact": crm.persons, "deal": crm.deals, "task": crm.activities}
        assert [kind for kind, records in made.items() if records] == [tick]
        assert crm.call_logs == []


HOURS = '\n[hours.desk]\nmon-fri = "09:00-18:00"\n'
FRIDAY_EVENING = datetime(2026, 11, 27, 17, 5, tzinfo=UTC)
"""18:05 in Warsaw."""


@virtual_time(limit_s=600)
@pytest.mark.parametrize(
    ("at", "due"),
    [
        (MONDAY_NOON, MONDAY_NOON + timedelta(minutes=15)),
        (FRIDAY_EVENING, datetime(2026, 11, 30, 8, 15, tzinfo=UTC)),
    ],
)
async def test_row_r4_a_missed_call_is_a_task_that_is_due_in_15_minutes_of_open_time(
    tmp_path: Path, at: datetime, due: datetime
) -> None:
    crm = known()
    table = PIPEDRIVE.replace("[crm]\n", '[crm]\ncall-back-hours = "desk"\n')
    async with office(tmp_path, scheme=TO_ANNA + table + HOURS, http=crm, at=at) as demo:
        await demo.phone("101")
        await miss(demo)
        await told(demo)
        [task], [log] = crm.activities, crm.call_logs
        assert task["subject"] == f"Call back {CALLER}"
        assert (task["due_date"], task["due_time"]) == (f"{due:%Y-%m-%d}", f"{due:%H:%M}")
        assert (task["type"], task["person_id"], task["owner_id"]) == ("call", 5, 3)
        assert log["outcome"] == "no_answer"


@virtual_time(limit_s=600)
async def test_row_r4_r7_the_task_is_for_whom_the_order_finds_not_for_who_has_the_contact(
    tmp_path: Path,
) -> None:
    crm = known()
    crm.deals = [{"id": 70, "person_id": 5, "owner_id": 4, "status": "open"}]
    async with office(tmp_path, scheme=TO_ANNA + PIPEDRIVE, http=crm) as demo:
        await miss(demo)
        await told(demo)
        assert [task["owner_id"] for task in crm.activities] == [4]


@virtual_time(limit_s=600)
async def test_row_r4_a_crm_that_does_not_let_us_see_deals_has_the_task_for_who_has_the_contact(
    tmp_path: Path,
) -> None:
    crm = known()
    crm.fails = lambda request: 400 if request.url.path.endswith("/deals") else None
    async with office(tmp_path, scheme=TO_ANNA + PIPEDRIVE, http=crm) as demo:
        await miss(demo)
        await told(demo)
        assert [task["owner_id"] for task in crm.activities] == [3]


@virtual_time(limit_s=600)
async def test_row_r4_a_message_is_a_missed_call_too_and_a_talk_is_none(tmp_path: Path) -> None:
    crm = known()
    async with office(tmp_path, scheme=TO_ANNA + PIPEDRIVE, http=crm) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        await talk(demo)
        await told(demo)
        assert crm.activities == []
        anna.habit = Habit(refuses_with=486)
        leg = await (await demo.call_in(NUMBER)).answered(within=10)
        leg.media.send_digits("#")  # skips the greeting
        await asyncio.sleep(2)
        await leg.play([Tone((440.0,), 3.0)])
        leg.hang_up()
        await told(demo)
        assert (await demo.stories())[-1].outcome is CallOutcome.MESSAGE
        assert crm.call_logs[-1]["outcome"] == "left_voicemail"
        assert [task["subject"] for task in crm.activities] == [f"Call back {CALLER}"]


@virtual_time(limit_s=600)
async def test_row_r4_who_withheld_their_number_cannot_be_called_back(tmp_path: Path) -> None:
    crm = Pipedrive()
    async with office(tmp_path, scheme=TO_ANNA + ticked(PIPEDRIVE), http=crm) as demo:
        await demo.phone("101")
        await miss(demo, caller="anonymous")
        await told(demo)
        assert (crm.persons, crm.activities) == ([], [])
        [log] = crm.call_logs
        assert log["subject"].startswith("Call from withheld number [")


@virtual_time(limit_s=600)
async def test_row_r2_calls_out_are_recorded_and_those_between_colleagues_are_not(
    tmp_path: Path,
) -> None:
    crm = known()
    async with office(tmp_path, scheme=TO_ANNA + ticked(PIPEDRIVE), http=crm) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        await demo.phone("102", Habit(answers_after=1))
        await demo.mobiles(Habit(answers_after=1))
        for number in ("102", "500600700"):
            leg = await (await demo.call_from(anna, "101", number)).answered(within=10)
            await asyncio.sleep(2)
            leg.hang_up()
        await told(demo)
        [log] = crm.call_logs
        assert (log["to_phone_number"], log["person_id"]) == (CALLER, 5)
        assert (crm.activities, crm.deals) == ([], [])


# --- a CRM that is down ------------------------------------------------------------------------------------


@virtual_time(limit_s=12 * 3600)
@pytest.mark.parametrize("trouble", ["500", "hangs"])
async def test_row_r2_a_dead_crm_is_told_later_and_holds_up_no_call(tmp_path: Path, trouble: str) -> None:
    crm = Records(status=500 if trouble == "500" else 200, hangs=trouble == "hangs")
    async with office(tmp_path, scheme=TO_ANNA + ticked(GENERIC), http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        for _ in range(4):
            began = demo.now
            leg = await (await demo.call_in(NUMBER)).answered(within=10)
            assert demo.now - began == pytest.approx(2, abs=0.3)
            leg.hang_up()
        await asyncio.sleep(3600)
        assert len(await demo.server.store.crm_records.waiting()) == 4
        crm.status, crm.hangs = 200, False
        await told(demo, within=400)
        counts = [len(crm.of(kind)) for kind in ("contact", "deal", "task", "call")]
        assert counts == [1, 1, 1, 4], "who called four times meanwhile is one new customer"
        assert set(crm.sent.values()) == {1}


@virtual_time(limit_s=3600)
@pytest.mark.parametrize("kind", ["pipedrive", "http"])
async def test_row_r2_r3_answers_that_are_lost_double_nothing(tmp_path: Path, kind: str) -> None:
    crm = Pipedrive(loses_answers=4) if kind == "pipedrive" else Records(loses_first_answers=True)
    table = ticked(PIPEDRIVE if kind == "pipedrive" else GENERIC)
    async with office(tmp_path, scheme=TO_ANNA + table, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await told(demo, within=600)
        if isinstance(crm, Pipedrive):
            made = [crm.persons, crm.deals, crm.activities, crm.call_logs]
            assert [len(records) for records in made] == [1, 1, 1, 1]
        else:
            assert [len(crm.of(kind)) for kind in ("contact", "deal", "task", "call")] == [1, 1, 1, 1]
            assert set(crm.sent.values()) == {2}, "at least once, with the same key"


@virtual_time(limit_s=3600)
@pytest.mark.parametrize(
    "said", ["null", "5", '"text"', '{"data": 5}', '{"data": {"items": [7]}}', "[[]]", "<html>", ""]
)
async def test_row_r2_whatever_a_crm_says_the_next_call_is_told_too(tmp_path: Path, said: str) -> None:
    crm = Pipedrive()
    is_mad = True

    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=said) if is_mad else await crm(request)

    async with office(tmp_path, scheme=TO_ANNA + ticked(PIPEDRIVE), http=answer) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await asyncio.sleep(30)
        is_mad = False
        await talk(demo, caller="+48500600701")
        await told(demo, within=300)
        assert len(crm.call_logs) == 2


@virtual_time(limit_s=3600)
async def test_row_r2_an_office_that_was_stopped_goes_on_telling(tmp_path: Path) -> None:
    crm = Records(status=503)
    async with office(tmp_path, scheme=TO_ANNA + ticked(GENERIC), http=crm) as before:
        await before.phone("101", Habit(answers_after=2))
        for _ in range(3):
            await talk(before)
        await before.stories()
        await asyncio.sleep(60)
    assert crm.made == {}
    crm.status = 200
    later = MONDAY_NOON + timedelta(hours=2)
    async with office(tmp_path, scheme=TO_ANNA + ticked(GENERIC), http=crm, at=later) as after:
        await told(after, within=60)
        assert [len(crm.of(kind)) for kind in ("contact", "deal", "call")] == [1, 1, 3], "one new customer"


@virtual_time(limit_s=12 * 3600)
async def test_row_r2_what_waits_is_kept_while_the_configuration_lacks_the_crm(tmp_path: Path) -> None:
    crm = Records(status=503)
    async with office(tmp_path, scheme=TO_ANNA + GENERIC, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await demo.edit(lambda text: text.replace(GENERIC, ""))
        await asyncio.sleep(900)
        crm.status = 200
        await demo.edit(lambda text: text + GENERIC)
        await told(demo, within=3700)
        assert len(crm.of("call")) == 1


@virtual_time(limit_s=3600)
async def test_row_r4_a_call_that_a_crash_cut_off_is_told_after_the_restart(tmp_path: Path) -> None:
    crm = Records()
    async with office(tmp_path, scheme=TO_ANNA + GENERIC, http=crm) as before:
        await before.phone("101")
        call = await before.call_in(NUMBER)
        await asyncio.sleep(3)
        database = tmp_path / "data" / "b2bua.sqlite"
        (tmp_path / "copy").mkdir()
        await asyncio.to_thread(copy, database, tmp_path / "copy" / database.name)
        await call.close()
    await asyncio.to_thread(copy, tmp_path / "copy" / database.name, database)
    crm.made.clear()
    async with office(tmp_path, scheme=TO_ANNA + GENERIC, http=crm) as after:
        await told(after, within=60)
        [task] = crm.of("task")
        assert task["title"] == f"Call back {CALLER}"


def copy(source: Path, target: Path) -> None:
    """Copy a database as it is on disk, with what is in its log."""
    for end in ("", "-wal", "-shm"):
        target.with_name(target.name + end).unlink(missing_ok=True)
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)


@virtual_time(limit_s=600)
async def test_an_office_without_a_crm_keeps_nothing_for_one(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=TO_ANNA) as demo:
        await demo.phone("101", Habit(answers_after=1))
        await talk(demo)
        await demo.stories()
        assert await demo.server.store.crm_records.waiting() == []
        await demo.settled()


DATED = {"Date": "Mon, 23 Nov 2026 10:00:00 GMT", "Retry-After": "Mon, 23 Nov 2026 10:15:00 GMT"}
"""Its clock is an hour behind."""


@virtual_time(limit_s=12 * 3600)
@pytest.mark.parametrize(
    ("status", "headers", "quiet_s"),
    [
        (429, {"Retry-After": "900"}, 900),
        (503, DATED, 900),
        (503, {"Retry-After": "soon"}, 5),
    ],
)
async def test_row_r2_a_crm_that_wants_to_be_left_alone_is_left_alone_by_all_calls(
    tmp_path: Path, status: int, headers: dict[str, str], quiet_s: float
) -> None:
    crm = Records(status=status, headers=headers)
    async with office(tmp_path, scheme=TO_ANNA + GENERIC, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        for _ in range(2 if quiet_s > 60 else 1):
            await talk(demo)
        await asyncio.sleep(1)
        [first] = crm.asked_at
        await asyncio.sleep(first + quiet_s - demo.now - 1)
        assert len(crm.asked_at) == 1, "it was asked again too soon"
        crm.status = 200
        await told(demo, within=60)


@virtual_time(limit_s=12 * 3600)
@pytest.mark.parametrize("status", [404, 422])
async def test_row_r2_what_a_crm_refuses_for_ever_is_told_to_people_and_sent_again_when_it_is_mended(
    tmp_path: Path, status: int
) -> None:
    crm = Records()
    async with office(tmp_path, scheme=TO_ANNA + GENERIC, http=crm) as demo:
        store = demo.server.store
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await told(demo)
        crm.status = status
        for _ in range(2):
            await talk(demo)
        await told(demo)
        crm.asked_at.clear()
        await asyncio.sleep(1200)
        assert crm.asked_at == [], "it was asked again"
        refused = await store.crm_records.untold()
        assert [each.next_try_at for each in refused] == [None, None]
        assert how_it_stands(refused[0], UTC).startswith(f"refused: the CRM answered {status}: it ")
        mails = [each.read_text() for each in (tmp_path / "data" / "outbox").glob("*.eml")]
        told_of = [mail for mail in mails if "Subject: The CRM refuses records of calls" in mail]
        assert len(told_of) == 1, "one a day is enough"
        assert f"Reason: the CRM answered {status}" in told_of[0]
        crm.status = 200
        if status == 404:
            await demo.edit(lambda text: text.replace("crm.example/api", "crm.example/v2"))
        else:
            assert await store.crm_records.try_again(at=demo.clock())
            await asyncio.to_thread(doorbell.ring, tmp_path / "data")
        await asyncio.sleep(0.5)
        await told(demo)
        assert await store.crm_records.untold() == []
        assert len(crm.of("call")) == 3


@virtual_time(limit_s=12 * 3600)
async def test_row_r2_a_login_that_is_wrong_for_a_while_loses_nothing(tmp_path: Path) -> None:
    crm = Records(status=401)
    async with office(tmp_path, scheme=TO_ANNA + GENERIC, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=2))
        await talk(demo)
        await asyncio.sleep(300)
        [waiting] = await demo.server.store.crm_records.waiting()
        said = how_it_stands(waiting, UTC)
        assert said.endswith(": the CRM answered 401: it does not accept our login")
        crm.status = 200
        assert await demo.server.store.crm_records.try_again(at=demo.clock())
        await told(demo, within=60)
