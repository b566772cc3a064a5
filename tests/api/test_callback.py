"""Row R14: visitors of a web site ask to be called back, beside whatever PBX the office has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from b2bua.store.calls import CallOutcome
from b2bua.store.promises import PromiseStatus
from b2bua.store.story import story
from tests.api.test_api import TAKES, Town, town
from tests.harness.office import DEMO, NUMBER

SITE = "https://www.office.example"
VISITOR = "+48600100299"
SOURCE = 'source = "google"\n'


@asynccontextmanager
async def site(
    folder: Path, callback: str = "", *, scheme: str = "", config: str = ""
) -> AsyncIterator[Town]:
    """Give an office whose site has a form; who asks by ``http`` is a page of that site."""
    table = f'\n[callback]\norigins = ["{SITE}"]\n{callback}'
    async with town(folder, extra=table, scheme=scheme, config=config) as run:
        run.http.headers = httpx.Headers({"Origin": SITE})
        yield run


async def ask(run: Town, *, status: int = 201, key: str = "", **said: object) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await run.http.post("/callback", json={"number": VISITOR, **said}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


# --- the promise -------------------------------------------------------------------------------------------


async def test_row_r14_a_request_is_a_promise_until_somebody_has_talked_with_that_number(
    tmp_path: Path,
) -> None:
    async with site(
        tmp_path, scheme=f'{SOURCE}[[step]]\nring = ["101"]\n[[step]]\nvoicemail = "sales"\n'
    ) as run:
        said = {"name": "Jan", "note": "about the offer", "at": "2026-11-23T15:00", "to": "22 123 99 99"}
        answer = await ask(run, number="600 100 299", **said)
        asked = answer.json()
        assert answer.headers["location"] == f"/callback/{asked['id']}"
        assert asked == {
            "id": asked["id"],
            "state": "open",
            "since": asked["since"],
            "at": "2026-11-23T15:00:00+01:00",
            "closed": None,
        }
        assert (await run.http.get(f"/callback/{asked['id']}")).json() == asked
        [promise] = await run.demo.server.store.promises.open()
        assert (promise.caller, promise.caller_name, promise.dialled) == (VISITOR, "Jan", NUMBER)
        [told] = await run.demo.stories()
        assert (told.call.source, told.call.direction, told.outcome) == ("google", "web", CallOutcome.PROMISE)
        assert (
            story(told)
            == "asked on the web to be called back, at 2026-11-23 15:00: about the offer; call back"
        )
        # a call of one of ours to that number keeps it
        anna, mobiles = await run.demo.phone("101"), await run.demo.mobiles(TAKES)
        leg = await (await run.demo.call_from(anna, "101", VISITOR)).answered(within=3)
        assert len(mobiles.invitations) == 1
        await asyncio.sleep(0.3)
        leg.hang_up()
        await run.demo.stories()
        kept = (await run.http.get(f"/v1/callback/{asked['id']}")).json()
        assert (kept["state"], kept["closed"] is None) == ("kept", False)
        assert await run.demo.server.store.promises.open() == []


async def test_row_r14_the_office_is_told_by_mail_and_its_server(tmp_path: Path) -> None:
    told = 'emails = ["boss@office.example"]\nurl = "https://crm.office.example/hook"\nsecret = "s3cret"\n'
    async with site(tmp_path, told) as run:
        run.demo.server.serving.mail_worker.delivery = Silent()
        asked = (await ask(run, name="Jan", note="the offer", source="spring sale")).json()
        [mail, news] = await run.demo.server.store.outbox.waiting()
        assert (mail.mail.recipient, mail.mail.subject) == (
            "boss@office.example",
            f"Please call back: Jan, {VISITOR}",
        )
        for line in ("Somebody asked on your web site", "(spring sale)", "Wish: the offer", f"tel:{VISITOR}"):
            assert line in mail.mail.body
        body = json.loads(news.mail.body)
        assert news.mail.recipient == "https://crm.office.example/hook"
        assert (body["event"], body["callback"], body["caller"]) == ("callback", asked["id"], VISITOR)
        assert (body["source"], body["details"]) == ("spring sale", "the offer")


class Silent:
    """A way out by which nothing goes."""

    async def deliver(self, queued: object) -> str:
        await asyncio.Event().wait()
        raise AssertionError(queued)


async def test_row_r14_without_addresses_of_its_own_the_mailbox_of_the_office_is_told(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        run.demo.server.serving.mail_worker.delivery = Silent()
        await ask(run)
        [mail] = await run.demo.server.store.outbox.waiting()
        assert mail.mail.recipient == "sales@office.example"


async def test_row_r14_a_request_that_is_repeated_is_one_promise(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        first, *others = await asyncio.gather(*(post(run, "k1") for _ in range(4)))
        codes = sorted([first.status_code, *(other.status_code for other in others)])
        assert codes == [200, 200, 200, 201]
        assert len({answer.json()["id"] for answer in (first, *others)}) == 1
        assert len(await run.demo.server.store.promises.open()) == 1
        error = (await ask(run, status=422, key="k1", note="another")).json()["error"]
        assert error["message"] == "this Idempotency-Key was that of another request"
        await ask(run, key="k2")
        assert len(await run.demo.server.store.promises.open()) == 2
        assert (await post(run, "k" * 256)).status_code == 400


async def post(run: Town, key: str) -> httpx.Response:
    return await run.http.post("/callback", json={"number": VISITOR}, headers={"Idempotency-Key": key})


# --- what is refused ---------------------------------------------------------------------------------------

WRONG: tuple[tuple[dict[str, Any], str, int, str], ...] = (
    ({"number": "112"}, "number", 422, "emergency"),
    ({"number": "+112"}, "number", 422, "emergency"),
    ({"number": "116123"}, "number", 422, "short or emergency"),
    ({"number": "sales"}, "number", 422, "is no telephone number"),
    ({"number": "+4860010029"}, "number", 422, "is no telephone number"),
    ({"number": ""}, "number", 422, "is no telephone number"),
    ({"number": "+48701123456"}, "number", 422, "cost whoever calls"),
    ({"number": "+881612345678"}, "number", 422, "cost whoever calls"),
    ({"number": "+48221230001"}, "number", 422, "is a number of this office"),
    ({"number": 600100299}, "number", 400, "expected a text"),
    ({"to": "+48221111111"}, "to", 422, "is no number of this office"),
    ({"scheme": "nothing"}, "scheme", 422, "is no scheme of this office"),
    ({"at": "soon"}, "at", 422, "expected for example"),
    ({"at": "2020-01-01T12:00"}, "at", 422, "is past"),
    ({"at": "2027-12-01T12:00"}, "at", 422, "90 days"),
    ({"note": "x" * 1001}, "note", 400, "more than 1000 letters"),
    ({"fax": "no"}, "fax", 400, "is not known here"),
)


async def test_row_r14_what_cannot_be_called_or_is_not_ours_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        for said, field, status, words in WRONG:
            error = (await ask(run, status=status, **said)).json()["error"]
            assert (error["field"], words in error["message"]) == (field, True), (said, error)
        assert await run.demo.server.store.promises.open() == []


async def test_row_r14_a_number_for_which_no_price_is_known_is_refused(tmp_path: Path) -> None:
    rates = '\n[rates.ours]\ncurrency = "PLN"\nprefixes = { "+48" = "0.10" }\n'
    text = (await asyncio.to_thread(DEMO.read_text)).replace(
        'host = "127.0.0.1"\nport = 5090', 'host = "127.0.0.1"\nrates = "ours"\nport = 5090'
    )
    async with site(tmp_path, config=text + rates) as run:
        await ask(run)
        error = (await ask(run, status=422, number="+380671234567")).json()["error"]
        assert error["message"] == "cannot be called from here: the price lists have none for it"


async def test_row_r14_a_strangers_text_cannot_steer_a_terminal(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        await ask(run, name="J\x1b[31man", note="a\n\x1b]0;x\x07b")
        [told] = await run.demo.stories()
        assert (told.call.caller_name, story(told).isprintable()) == ("J [31man", True)


# --- who may ask, and how often ----------------------------------------------------------------------------


async def test_row_r14_only_pages_of_sites_that_are_named_and_programs_with_a_token_ask(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as run, httpx.AsyncClient(base_url=run.http.base_url) as other:
        named = await ask(run)
        assert named.headers["access-control-allow-origin"] == SITE
        assert "Location" in named.headers["access-control-expose-headers"]
        refusal = await ask(run, status=422, number="x")
        assert refusal.headers["access-control-allow-origin"] == SITE, "the page may read why"
        preflight = await run.http.options("/callback")
        assert (preflight.status_code, preflight.headers["vary"]) == (204, "Origin")
        assert preflight.headers["access-control-allow-headers"] == "Content-Type, Idempotency-Key"
        body = {"number": VISITOR}
        evil = {"Origin": "https://evil.example"}
        for answer in (
            await other.post("/callback", json=body, headers=evil),
            await other.options("/callback", headers=evil),
        ):
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
        assert (await other.post("/callback", json=body)).status_code == 401
        for path in ("/v1/people", "/v1/calls", "/v1/promises", "/callbacks", "/v1/schemes"):
            assert (await run.http.get(path)).status_code == 401, "the site opens nothing else"
        assert (await run.http.get("/callback/nothing")).status_code == 404


async def test_row_r14_an_office_without_the_table_has_no_form_but_programs_with_a_token_ask(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as run, httpx.AsyncClient(base_url=run.http.base_url) as other:
        assert (await other.post("/callback", json={"number": VISITOR})).status_code == 401
        asked = await run.ask("POST", "/v1/callback", {"number": VISITOR}, status=201)
        assert (await run.ask("GET", f"/callback/{asked['id']}"))["state"] == "open"


async def test_row_r14_a_strangers_form_cannot_flood_the_office(tmp_path: Path) -> None:
    async with site(
        tmp_path, "per-address = 2\nper-number = 2\nper-hour = 4\nproxies = ['127.0.0.1']\n"
    ) as run:

        async def from_(address: str, number: str = VISITOR) -> httpx.Response:
            headers = {"X-Forwarded-For": f"1.2.3.4, {address}"}
            return await run.http.post("/callback", json={"number": number}, headers=headers)

        assert [(await from_("198.51.100.1")).status_code for _ in range(3)] == [201, 201, 429]
        late = await from_("198.51.100.2")
        assert late.status_code == 429, "that number had enough"
        assert 3500 < int(late.headers["retry-after"]) <= 3600
        assert late.json()["error"]["code"] == "too-many"
        assert (await from_("2001:db8::1", "+48600100297")).status_code == 201
        assert (await from_("2001:db8::2", "+48600100296")).status_code == 201
        assert (await from_("2001:db8::3", "+48600100295")).status_code == 429, "one network, one visitor"
        assert (await from_("198.51.100.9", "+48600100294")).status_code == 429, "enough for this hour"
        assert len(await run.demo.server.store.promises.open()) == 4


async def test_row_r14_a_form_that_is_sent_wrong_uses_up_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, "per-address = 1\n") as run:
        for _ in range(3):
            await ask(run, status=422, number="60010029")
        await ask(run, key="k")
        await ask(run, status=200, key="k")
        await ask(run, status=429)


async def test_row_r14_the_crm_has_the_request_with_its_source(tmp_path: Path) -> None:
    crm = '[crm]\nkind = "http"\nurl = "http://crm.example"\n[crm.create.task]\npath = "/tasks"\n'
    crm += 'fields = { title = "{title}", who = "{caller}", source = "{source}", what = "{outcome}" }\n'
    async with site(tmp_path, config=await asyncio.to_thread(DEMO.read_text) + crm) as run:
        await ask(run, source="spring sale")
        [record] = await run.demo.server.store.crm_records.due(
            run.demo.server.attendance.clock() + timedelta(days=9)
        )
        assert record.call_id == (await run.demo.stories())[0].call.call_id


async def test_row_r14_who_may_ask_to_be_called_at_once_is_rung_for_at_once(tmp_path: Path) -> None:
    async with site(
        tmp_path, "ring-now = true\n", scheme='[[step]]\nring = ["101"]\n[[step]]\nvoicemail = "sales"\n'
    ) as run:
        anna, mobiles = await run.demo.phone("101", TAKES), await run.demo.mobiles(TAKES)
        asked = (await ask(run, to=NUMBER, now=True, key="k")).json()
        leg = (await anna.invited(within=2)).leg
        await ask(run, to=NUMBER, now=True, key="k", status=200)
        await run.demo.until(lambda: leg.is_answered, within=2)
        leg.media.send_digits("1")
        customer = (await mobiles.invited(within=3)).leg
        await run.demo.until(lambda: customer.is_answered, within=2)
        await asyncio.sleep(0.3)
        customer.hang_up()
        await run.demo.server.calls_over()
        assert (await run.http.get(f"/callback/{asked['id']}")).json()["state"] == "kept"
        assert (len(anna.invitations), len(mobiles.invitations)) == (1, 1), "a repeated request rings once"
        error = (await ask(run, status=422, now=True, at="2026-11-23T15:00")).json()["error"]
        assert error["message"] == "give either now or at"
        assert (await ask(run, status=400, now="yes")).json()["error"]["field"] == "now"


async def test_row_r14_where_the_owner_does_not_allow_it_nobody_is_rung_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        error = (await ask(run, status=422, now=True)).json()["error"]
        assert error["message"] == "is not offered: ring-now of [callback] is false"
        assert await run.demo.server.store.promises.open() == []


# --- disks -------------------------------------------------------------------------------------------------


async def test_row_r14_a_request_survives_a_restart_and_a_disk_that_is_full(tmp_path: Path) -> None:
    async with site(tmp_path) as run:
        committer = run.demo.server.store.callbacks._writer._committer
        commit = committer.commit

        async def full(_changes: object) -> None:
            raise OSError(28, "No space left on device")

        committer.commit = full  # type: ignore[method-assign]
        answer = await ask(run, status=202, key="k")
        asked = answer.json()
        assert (await run.http.get(f"/callback/{asked['id']}")).json()["state"] == "open"
        assert (await ask(run, status=200, key="k")).json()["id"] == asked["id"]
        committer.commit = commit  # type: ignore[method-assign]
    async with site(tmp_path) as run:
        assert (await run.http.get(f"/callback/{asked['id']}")).json() == asked
        assert (await ask(run, status=200, key="k")).json() == asked
        [promise] = await run.demo.server.store.promises.open()
        assert promise.status is PromiseStatus.OPEN


@pytest.mark.parametrize(
    "origin", ["www.office.example", "https://www.office.example/", "*", "https://A.example"]
)
def test_row_r14_what_is_no_origin_is_told(tmp_path: Path, origin: str) -> None:
    from b2bua.config.load import load_config
    from b2bua.errors import ConfigError

    path = tmp_path / "office.toml"
    path.write_text(f'{DEMO.read_text()}\n[callback]\norigins = "{origin}"\n')
    with pytest.raises(ConfigError, match="is no origin of web pages"):
        load_config(path)
