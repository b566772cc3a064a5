"""Rows R6-R9: who the CRM says is responsible rings first, 30 s; new customers and a bad CRM cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.handler import Handler, hangs, refuses
from tests.harness.office import CALLER, MOBILES, NUMBER, office
from tests.harness.pipedrive import TOKEN, Pipedrive, person

Crm = Callable[[httpx.Request], Awaitable[httpx.Response]]
SCHEME = """
[[step]]
crm = "responsible"

[[step]]
ring = ["101", "102"]
mode = "together"
for = "20s"

[[step]]
ring = ["mobile of anna", "mobile of piotr"]
mode = "together"
for = "20s"

[[step]]
voicemail = "sales"
"""
PIPEDRIVE = f"""
[crm]
kind = "pipedrive"
url = "https://office.pipedrive.com"
token = "{TOKEN}"
"""
GENERIC = """
[crm]
kind = "http"
url = "https://crm.example/api"
headers = { Authorization = "Bearer t0ken" }
[crm.find.deal]
path = "/deals?phone={number}&open=1"
user = "items.0.owner.email"
[crm.find.contact]
path = "/contacts/{digits}"
user = "owner.id"
[crm.find.company]
path = "/companies?phone={national}"
user = "0.manager"
[crm.find.lead]
path = "/leads?phone={number}"
user = "lead.owner"
"""
OLENA = 'extension = "103"\n'


def olena_is(user: str) -> Callable[[str], str]:
    """Return what tells the office how the CRM names Olena, whose extension is 103."""
    return lambda text: text.replace(OLENA, f"{OLENA}{user}\n")


def by_id(text: str) -> str:
    return olena_is("crm-user = 3")(text)


def account(
    *, deal: bool = False, contact: bool = False, company: bool = False, lead: bool = False
) -> Pipedrive:
    """Return an account in which user 3 owns what is said, and user 9, who is nobody here, all else."""
    owners = {True: 3, False: 9}
    crm = Pipedrive(users=[{"id": 9, "email": "away@crm.example"}, {"id": 3, "email": "Olena@crm.example"}])
    crm.persons = [
        person(4, "0048 99 500 600 700 1", 9),
        person(5, "(+48) 500-600-700", owners[contact], 50),
    ]
    if deal:
        crm.deals = [{"id": 70, "person_id": 5, "owner_id": 3, "status": "open", "title": "Roof"}]
    if company:
        crm.organizations = {"50": {"id": 50, "owner_id": 3}}
    if lead:
        crm.leads = [{"id": "a-b", "person_id": 5, "owner_id": 3}]
    return crm


def generic(*, deal: Any = None, contact: Any = None, company: Any = None, lead: Any = None) -> Handler:
    """Return a server that knows those records of the caller, and answers 404 or nothing for the others."""

    def answer(request: httpx.Request) -> Any:
        assert request.headers["Authorization"] == "Bearer t0ken"
        match request.url.path, dict(request.url.params):
            case "/api/deals", {"phone": "+48500600700", "open": "1"}:
                return {"items": [{"owner": {"email": deal}}] if deal else []}
            case "/api/contacts/48500600700", _ if contact:
                return {"owner": {"id": contact}}
            case "/api/companies", {"phone": "500600700"} if company:
                return [{"manager": company}]
            case "/api/leads", {"phone": "+48500600700"} if lead:
                return {"lead": {"owner": lead}}
            case _:
                return 404

    return Handler(answer, delay_s=0.1)


def fixture(kind: str, known: str) -> tuple[Crm, str]:
    if kind == "pipedrive":
        return account(**{known: True}), PIPEDRIVE
    return generic(**{known: "3"}), GENERIC


@virtual_time(limit_s=600)
@pytest.mark.parametrize("kind", ["pipedrive", "http"])
async def test_row_r6_the_responsible_person_rings_30_s_before_the_managers(
    tmp_path: Path, kind: str
) -> None:
    crm, table = fixture(kind, "deal")
    async with office(tmp_path, scheme=SCHEME + table, http=crm, change=by_id) as demo:
        phones = [await demo.phone(extension) for extension in ("101", "103")]
        began = demo.now
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=80)
        leg.hang_up()
        [olena] = demo.times("INVITE", to_port=5103, since=began)
        assert olena < 0.5
        assert demo.times("CANCEL", to_port=5103, since=began) == [pytest.approx(olena + 30, abs=0.1)]
        assert demo.times("INVITE", to_port=5101, since=began) == [pytest.approx(olena + 30, abs=0.2)]
        assert [len(phone.invitations) for phone in phones] == [1, 1]
        [told] = await demo.stories()
        assert story(told).startswith("the CRM named Olena Kovalenko; rang Olena Kovalenko 30 s, no answer")


@virtual_time(limit_s=600)
@pytest.mark.parametrize("kind", ["pipedrive", "http"])
@pytest.mark.parametrize("known", ["deal", "contact", "company", "lead"])
async def test_row_r7_each_kind_of_record_is_found(tmp_path: Path, kind: str, known: str) -> None:
    crm, table = fixture(kind, known)
    async with office(tmp_path, scheme=SCHEME + table, http=crm, change=by_id) as demo:
        olena = await demo.phone("103", Habit(answers_after=1))
        (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
        assert len(olena.invitations) == 1


@virtual_time(limit_s=600)
@pytest.mark.parametrize(
    ("order", "extension"), [('["deal", "contact"]', "103"), ('["contact", "deal"]', "104")]
)
@pytest.mark.parametrize("kind", ["pipedrive", "http"])
async def test_row_r7_the_order_says_whose_word_counts(
    tmp_path: Path, kind: str, order: str, extension: str
) -> None:
    both = account(deal=True, contact=True)
    both.persons[1]["owner_id"] = 4
    crm: Crm = both if kind == "pipedrive" else generic(deal="3", contact=4)
    table = (PIPEDRIVE if kind == "pipedrive" else GENERIC).replace("[crm]\n", f"[crm]\norder = {order}\n")

    def change(text: str) -> str:
        return by_id(text).replace('extension = "104"\n', 'extension = "104"\ncrm-user = "4"\n')

    async with office(tmp_path, scheme=SCHEME + table, http=crm, change=change) as demo:
        phones = {key: await demo.phone(key, Habit(answers_after=1)) for key in ("103", "104")}
        (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
        assert [key for key, phone in phones.items() if phone.invitations] == [extension]


@virtual_time(limit_s=600)
@pytest.mark.parametrize("kind", ["pipedrive", "http"])
async def test_row_r6_people_are_known_by_their_address_too(tmp_path: Path, kind: str) -> None:
    crm: Crm = account(deal=True) if kind == "pipedrive" else generic(deal="olena@CRM.example")
    table = PIPEDRIVE if kind == "pipedrive" else GENERIC
    change = olena_is('email = "olena@crm.example"')
    async with office(tmp_path, scheme=SCHEME + table, http=crm, change=change) as demo:
        olena = await demo.phone("103", Habit(answers_after=1))
        for _ in range(2):
            (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
        assert len(olena.invitations) == 2
        if isinstance(crm, Pipedrive):
            assert crm.paths.count("/api/v1/users") == 1, "who is who is asked once"


BAD: dict[str, tuple[Callable[[], Crm], float, str]] = {
    "new client": (generic, 0.1, "the CRM knows nobody who is responsible"),
    "404": (lambda: Handler(lambda _: 404), 0.0, "the CRM knows nobody who is responsible"),
    "500": (lambda: Handler(lambda _: 500), 0.0, "the CRM answered 500"),
    "hangs": (hangs, 1.5, "the CRM did not answer within 1.5 s"),
    "is gone": (refuses, 0.0, "the CRM refuses connections"),
    "garbage": (lambda: Handler(lambda _: "<html>"), 0.0, "the CRM sent what is no JSON"),
    "a stranger": (lambda: generic(deal="x@y"), 0.1, "the CRM named x@y, who is nobody here"),
}


@virtual_time(limit_s=600)
@pytest.mark.parametrize("what", BAD)
async def test_row_r9_new_clients_and_a_bad_crm_reach_the_managers_within_2_s(
    tmp_path: Path, what: str
) -> None:
    make, after, words = BAD[what]
    async with office(tmp_path, scheme=SCHEME + GENERIC, http=make(), change=by_id) as demo:
        await demo.phone("101", Habit(answers_after=2))
        olena = await demo.phone("103")
        began = demo.now
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=10)
        [manager] = demo.times("INVITE", to_port=5101, since=began)
        assert manager == pytest.approx(after, abs=0.2)
        assert manager < 2.0
        assert call.statuses[0][1] == 180
        assert call.statuses[0][0] - began < 0.2, "they hear ringing while the CRM is asked"
        assert olena.invitations == []
        leg.hang_up()
        [told] = await demo.stories()
        assert words in story(told)


@virtual_time(limit_s=600)
async def test_row_r9_pipedrive_without_such_a_customer_or_with_a_wrong_token(tmp_path: Path) -> None:
    crm = Pipedrive()
    async with office(tmp_path, scheme=SCHEME + PIPEDRIVE, http=crm) as demo:
        await demo.phone("101", Habit(answers_after=1))
        (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
        assert crm.paths == ["/api/v2/persons/search"]
        await demo.edit(lambda text: text.replace(TOKEN, "wrong"))
        (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
        told = await demo.stories()
        assert "the CRM knows nobody" in story(told[0])
        assert "the CRM answered 401" in story(told[1])


@virtual_time(limit_s=600)
async def test_row_r9_who_withholds_their_number_is_not_looked_up(tmp_path: Path) -> None:
    crm = generic(deal="3")
    async with office(tmp_path, scheme=SCHEME + GENERIC, http=crm, change=by_id) as demo:
        await demo.phone("101", Habit(answers_after=1))
        (await (await demo.call_in(NUMBER, from_number="anonymous")).answered(within=10)).hang_up()
        assert crm.requests == []


@virtual_time(limit_s=600)
async def test_row_r8_responsible_30_s_managers_20_s_mobiles_20_s_then_voicemail(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=SCHEME + GENERIC, http=generic(deal="3"), change=by_id) as demo:
        for extension in ("101", "102", "103"):
            await demo.phone(extension)
        await demo.mobiles()
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=70)
        await asyncio.sleep(16)
        leg.hang_up()
        ports = {"olena": 5103, "anna": 5101, "piotr": 5102, "mobiles": MOBILES[1]}
        rung = {name: demo.times("INVITE", to_port=port, since=began) for name, port in ports.items()}
        given_up = {name: demo.times("CANCEL", to_port=port, since=began) for name, port in ports.items()}
        starts = {"olena": [0.1], "anna": [30.1], "piotr": [30.1], "mobiles": [50.1, 50.1]}
        ends = {"olena": [30.1], "anna": [50.1], "piotr": [50.1], "mobiles": [70.1, 70.1]}
        for name in ports:
            assert rung[name] == pytest.approx(starts[name], abs=0.3)
            assert given_up[name] == pytest.approx(ends[name], abs=0.3)
        [told] = await demo.stories()
        asked = [event.at for event in told.events if event.kind is EventKind.VOICEMAIL]
        assert [(at - told.call.at).total_seconds() for at in asked] == pytest.approx([70.1], abs=0.5)
        assert told.outcome in (CallOutcome.PROMISE, CallOutcome.MESSAGE)
        assert told.call.caller == CALLER
        await demo.settled()


NIGHT = SCHEME.replace('"responsible"', '"mobile of responsible"')


@virtual_time(limit_s=600)
async def test_row_i18_after_hours_the_mobile_of_the_responsible_person_rings_and_not_the_desk(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=NIGHT + PIPEDRIVE, http=account(deal=True), change=by_id) as demo:
        await demo.phone("103")
        mobile = await demo.mobiles(Habit(answers_after=2.0))
        caller = await (await demo.call_in(NUMBER)).answered(within=10)
        caller.hang_up()
        assert str(mobile.invitations[0].invite.request.uri).startswith("sip:+48600100202@")
        assert demo.packets("INVITE", to_port=5103) == []
        [told] = await demo.stories()
        assert "the CRM named Olena Kovalenko; talked with Olena Kovalenko's mobile" in story(told)


@virtual_time(limit_s=600)
async def test_row_i18_who_has_no_mobile_costs_no_time(tmp_path: Path) -> None:
    def without_mobile(text: str) -> str:
        return by_id(text).replace('mobile = "+48600100202"\n', "")

    async with office(
        tmp_path, scheme=NIGHT + PIPEDRIVE, http=account(deal=True), change=without_mobile
    ) as demo:
        anna = await demo.phone("101", Habit(answers_after=1.0))
        began = demo.now
        caller = await (await demo.call_in(NUMBER)).answered(within=10)
        caller.hang_up()
        assert anna.invitations[0].at - began < 1
        [told] = await demo.stories()
        assert "Olena Kovalenko was not rung: has no mobile" in story(told)


BADLY_ANSWERED: dict[str, tuple[Any, float]] = {"500": (500, 0.0), "403": (403, 0.0), "hangs": (None, 1.2)}


@virtual_time(limit_s=600)
@pytest.mark.parametrize("what", BADLY_ANSWERED)
async def test_row_r7_r9_a_look_up_that_fails_does_not_hide_what_those_after_it_know(
    tmp_path: Path, what: str
) -> None:
    said, after = BADLY_ANSWERED[what]

    async def crm(request: httpx.Request) -> httpx.Response:
        if "/deals" in request.url.path:
            return httpx.Response(said) if said else await hangs()(request)
        if "/contacts" in request.url.path:
            return httpx.Response(200, json={"owner": {"id": 3}})
        return httpx.Response(404)

    async with office(tmp_path, scheme=SCHEME + GENERIC, http=crm, change=by_id) as demo:
        olena = await demo.phone("103", Habit(answers_after=1))
        began = demo.now
        (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
        [rung] = olena.invitations
        assert rung.at - began == pytest.approx(after, abs=0.1)
