"""The HTTP interface over real sockets: rows S3 and S4, and who is kept out."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from b2bua.api import bodies, patience, serving
from b2bua.call.leg import Leg
from b2bua.demo.softphone import Habit
from b2bua.errors import B2buaError
from b2bua.people.status import Availability
from b2bua.store.story import story
from tests.calls.test_override import with_hours
from tests.harness.certificates import Authority, needs_openssl
from tests.harness.effort import sooner_than
from tests.harness.office import DEMO, NUMBER, Office, office
from tests.harness.ports import free_port

TOKEN, OTHER_TOKEN = "a-token-of-the-crm-that-nobody-guesses", "another-token-of-the-website"
ANNA_THEN_PIOTR = '[[step]]\nring = ["101"]\n[[step]]\nring = ["102"]\n[[step]]\nvoicemail = "sales"\n'
TAKES = Habit(answers_after=0.2)


@dataclass
class Town:
    """An office with an interface, and a program that asks it."""

    demo: Office
    http: httpx.AsyncClient
    port: int

    async def ask(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code == status, (answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    async def why(self, method: str, path: str, body: object = None, *, status: int = 400) -> dict[str, str]:
        error: dict[str, str] = (await self.ask(method, path, body, status=status))["error"]
        return error

    async def call_that_is(self, state: str) -> Any:
        """Return the only call that is up as soon as it is in this state."""
        async with asyncio.timeout(10):
            while True:
                calls = (await self.ask("GET", "/v1/calls"))["calls"]
                if [call["state"] for call in calls] == [state]:
                    return calls[0]
                await asyncio.sleep(0.02)

    async def raw(self, *parts: bytes, pause_s: float = 0.0) -> bytes:
        """Send bytes and return whatever comes back until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()


@asynccontextmanager
async def town(
    folder: Path, *, scheme: str = "", extra: str = "", config: str = "", tokens: bool = True
) -> AsyncIterator[Town]:
    port = free_port()
    known = f'tokens = ["{TOKEN}", "{OTHER_TOKEN}"]\n' if tokens else ""
    table = f'\n[api]\nlisten = "127.0.0.1:{port}"\n{known}{extra}'
    text = config or await asyncio.to_thread(DEMO.read_text)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        office(folder, config=text + table, scheme=scheme) as demo,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http,
    ):
        yield Town(demo, http, port)


# --- links -------------------------------------------------------------------------------------------------


async def test_row_i10_links_are_told_with_their_calls_and_one_that_leads_nowhere_is_refused(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as run:
        path = "/v1/links/+48221230006/103"
        link = await run.ask("GET", path)
        assert (link["href"], link["calls"]) == ("tel:+48221230006,103", 0)
        olena = await run.demo.phone("103", TAKES)
        caller = await (await run.demo.call_in("+48221230006")).answered(within=2)
        caller.media.send_digits("103")
        await olena.invited(within=5)
        caller.hang_up()
        await run.demo.stories()
        assert (await run.ask("GET", path))["calls"] == 1
        links = (await run.ask("GET", "/v1/links"))["links"]
        assert [each["calls"] for each in links if each["number"] == "+48221230006"] == [0, 0, 1, 0]
        assert "no extension 555" in (await run.why("GET", path[:-3] + "555", status=422))["message"]


# --- people ------------------------------------------------------------------------------------------------


async def test_row_s4_a_put_excludes_within_a_second_and_its_end_brings_back(tmp_path: Path) -> None:
    async with town(tmp_path, scheme=ANNA_THEN_PIOTR) as run:
        await run.demo.phone("101", TAKES)
        piotr = await run.demo.phone("102", TAKES)
        began = time.monotonic()

        async def put_and_call() -> Leg:
            status = {"state": "meeting", "for": 2, "reason": "budget"}
            said = await run.ask("PUT", "/v1/people/anna/status", status)
            assert said["words"].startswith("in a meeting until 12:00")
            return await (await run.demo.call_in(NUMBER)).answered(within=5)

        leg = await sooner_than(1.0, put_and_call())
        assert len(piotr.invitations) == 1
        assert run.demo.packets("INVITE", to_port=5101) == []
        leg.hang_up()
        [told] = await run.demo.stories()
        assert story(told).startswith("Anna Nowak was in a meeting until 12:00 (budget); talked with Piotr")
        await asyncio.sleep(began + 2.1 - time.monotonic())
        assert (await run.ask("GET", "/v1/people/101/status"))["state"] == "available"
        await (await run.demo.call_in(NUMBER)).answered(within=1)
        assert len(run.demo.packets("INVITE", to_port=5101)) == 1


async def test_s4_a_status_is_put_asked_and_taken_back(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        until = "2026-11-23T15:00:00"
        said = await run.ask("PUT", "/v1/people/anna/status", {"state": "off-duty", "until": until})
        assert said == {
            "state": "off-duty",
            "reason": "",
            "since": "2026-11-23T12:00:00+01:00",
            "until": "2026-11-23T15:00:00+01:00",
            "source": "api",
            "words": "off duty until 15:00",
        }
        assert await run.ask("GET", "/v1/people/anna/status") == said
        assert (await run.ask("GET", "/v1/people/101"))["status"] == said
        gone = await run.ask("DELETE", "/v1/people/anna/status")
        assert (gone["state"], gone["until"], gone["words"]) == ("available", None, "available")
        assert run.demo.server.attendance.presence.status("anna").state is Availability.AVAILABLE
        said = await run.ask("POST", "/v1/people/anna/status", {"state": "away"})
        assert said["words"] == "away", "what can only post may"
        rows = {row.person: row.state for row in await run.demo.server.store.statuses.all()}
        assert rows == {"anna": "away"}


async def test_s4_people_are_listed_with_registration_talk_and_status(tmp_path: Path) -> None:
    async with town(tmp_path, scheme=ANNA_THEN_PIOTR) as run:
        await run.demo.phone("101", TAKES)
        await (await run.demo.call_in(NUMBER)).answered(within=2)
        await asyncio.sleep(0.1)
        people = {person["name"]: person for person in (await run.ask("GET", "/v1/people"))["people"]}
        assert list(people) == ["anna", "piotr", "olena", "ivan"]
        anna, piotr = people["anna"], people["piotr"]
        assert (anna["registered"], anna["busy"], anna["extension"]) == (True, "talking", "101")
        assert (piotr["registered"], piotr["busy"], piotr["display"]) == (False, None, "Piotr Zieliński")
        assert piotr["status"]["state"] == "available"
        assert piotr["status"]["since"] is piotr["status"]["source"] is None


MISTAKES: tuple[tuple[object, str, str], ...] = (
    ({"state": "gone"}, "state", "expected one of available, away"),
    ({}, "state", "expected one of"),
    ({"state": 7}, "state", "expected a text"),
    ({"state": "away", "until": "late"}, "until", "expected for example"),
    ({"state": "away", "until": "2001-01-01T12:00:00"}, "until", "is over already"),
    ({"state": "away", "for": "soon"}, "for", "is no duration"),
    ({"state": "away", "for": [1]}, "for", "expected a duration"),
    ({"state": "away", "for": "99999999999d"}, "for", "is too far away"),
    ({"state": "away", "until": "9999-12-31T23:59:59-14:00"}, "until", "is too far away"),
    ({"state": "away", "for": -1}, "for", "is over already"),
    ({"state": "away", "for": "1m", "until": "2030-01-01T12:00:00"}, "for", "either for or until"),
    ({"state": "away", "reason": "x" * 101}, "reason", "more than 100 letters"),
    ({"state": "away", "whom": "anna"}, "whom", "is not known here"),
)


async def test_s4_what_cannot_be_is_told_with_its_field(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        for body, field, words in MISTAKES:
            error = await run.why("PUT", "/v1/people/anna/status", body)
            assert (error["code"], error["field"]) == ("invalid", field), body
            assert words in error["message"]
        half = b'{"state": "away", "reason": "\\ud800"}'
        assert (await run.http.put("/v1/people/anna/status", content=half)).status_code == 400
        assert run.demo.server.attendance.presence.status("anna").is_available


async def test_s4_what_is_not_there_and_what_is_no_json_is_told(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        assert (await run.why("GET", "/v1/people/ann", status=404))["message"] == "nobody is called ann"
        assert (await run.why("GET", "/v2", status=404))["code"] == "not-found"
        assert (await run.why("DELETE", "/v1/people", status=405))["code"] == "method-not-allowed"
        assert "JSON object" in (await run.why("PUT", "/v1/people/anna/status", ["away"]))["message"]
        for content in (b"", b"{", b"\xff", b"[" * 10000):
            answer = await run.http.put("/v1/people/anna/status", content=content)
            assert answer.status_code == 400, content[:5]
            assert "JSON object" in answer.json()["error"]["message"]


# --- calls -------------------------------------------------------------------------------------------------


async def test_calls_that_are_up_and_promises_are_told(tmp_path: Path) -> None:
    async with town(tmp_path, scheme=ANNA_THEN_PIOTR) as run:
        assert await run.ask("GET", "/v1/calls") == {"calls": []}
        await run.demo.phone("101", Habit(answers_after=0.5))
        placed = await run.demo.call_in(NUMBER)
        call = await run.call_that_is("ringing")
        assert (call["caller"], call["dialled"], call["trunk"]) == ("+48500600700", NUMBER, "demo")
        assert call["talking_with"] is None
        leg = await placed.answered(within=5)
        assert (await run.call_that_is("talking"))["talking_with"] == "Anna Nowak"
        leg.hang_up()
        waiting = await run.demo.call_in("+48221230003", from_number="+48500600701")
        leg = await waiting.answered(within=5)
        call = await run.call_that_is("waiting")
        leg.hang_up()
        await run.demo.stories_of(2)
        assert await run.ask("GET", "/v1/calls") == {"calls": []}
        [promise] = (await run.ask("GET", "/v1/promises"))["promises"]
        assert promise["caller"] == "+48500600701"
        assert promise["call"] == call["id"]
        for limit in ("0", "x", "1001", "9" * 30):
            assert (await run.why("GET", f"/v1/promises?limit={limit}"))["field"] == "limit"


async def test_row_c10_a_promise_is_closed_once_by_whoever_called_back(tmp_path: Path) -> None:
    async with town(tmp_path, scheme=ANNA_THEN_PIOTR) as run:
        leg = await (await run.demo.call_in("+48221230003")).answered(within=2)
        leg.hang_up()
        await run.demo.stories()
        [promise] = (await run.ask("GET", "/v1/promises"))["promises"]
        path = f"/v1/promises/{promise['call']}"
        assert (await run.why("PUT", path, {"status": "done"}))["field"] == "status"
        assert (await run.why("PUT", path, {"status": "kept", "why": "x" * 201}))["field"] == "why"
        await run.why("PUT", path[:-1], {"status": "kept"}, status=404)
        closed = await run.ask("PUT", path, {"status": "kept", "why": "from my mobile"})
        assert closed == {**promise, "status": "kept"}
        assert await run.ask("GET", "/v1/promises") == {"promises": []}
        await run.why("PUT", path, {"status": "dropped"}, status=409)
        [kept] = await run.demo.server.store.promises.latest()
        assert kept.closed_why == "from my mobile"


# --- the whole office --------------------------------------------------------------------------------------


async def test_s1_a_decision_is_put_asked_and_taken_back(tmp_path: Path) -> None:
    port = free_port()
    table = f'\n[api]\nlisten = "127.0.0.1:{port}"\ntokens = ["{TOKEN}"]\n'
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        office(tmp_path, change=lambda text: with_hours(text) + table) as demo,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as http,
    ):
        run = Town(demo, http, port)
        nothing = await run.ask("GET", "/v1/override")
        assert nothing["decision"] == "normal"
        assert nothing["since"] is nothing["until"] is nothing["who"] is None
        closed = await run.ask("PUT", "/v1/override", {"decision": "closed"})
        assert closed == {
            "decision": "closed",
            "since": closed["since"],
            "until": "2026-11-24T00:00:00+01:00",
            "source": "api",
            "who": "the API",
            "words": "the office is closed until tue 2026-11-24 00:00",
        }
        assert await run.ask("GET", "/v1/override") == closed
        backup = await run.ask("POST", "/v1/override", {"decision": "backup", "for": "30m"})
        assert backup["until"].startswith("2026-11-23T12:30")
        assert await run.ask("DELETE", "/v1/override") == nothing
        assert (await run.why("PUT", "/v1/override", {"decision": "open"}))["field"] == "decision"
        assert (await run.why("PUT", "/v1/override", {"decision": "closed", "for": -1}))["field"] == "for"


async def test_s1_what_an_office_has_no_scheme_for_cannot_be_decided(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        error = await run.why("PUT", "/v1/override", {"decision": "backup"})
        assert error["message"] == "cannot be decided: [office] has no backup-scheme"


# --- who is kept out ---------------------------------------------------------------------------------------


async def test_who_has_no_token_gets_401_and_nothing_else(tmp_path: Path) -> None:
    wrong = ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}")
    asked = [
        (method, path)
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD")
        for path in ("/v1/people", "/v1/people/anna/status", "/nowhere", "/")
    ]
    async with town(tmp_path) as run, httpx.AsyncClient(base_url=run.http.base_url) as stranger:
        for headers in ({}, *({"Authorization": value} for value in wrong)):
            answers = [await stranger.request(*each, headers=headers) for each in asked]
            assert {answer.status_code for answer in answers} == {401}, headers
            assert len({answer.text for answer in answers if answer.text}) == 1
            assert answers[0].headers["www-authenticate"] == "Bearer"
        assert run.demo.server.attendance.presence.status("anna").is_available


async def test_every_token_opens(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        for token in (TOKEN, OTHER_TOKEN):
            answer = await run.http.get("/v1/people", headers={"Authorization": f"bearer {token}"})
            assert answer.status_code == 200
        told = parsedate_to_datetime(answer.headers["date"])
        assert abs((datetime.now(UTC) - told).total_seconds()) < 5


async def test_a_stranger_does_not_make_us_read_what_they_send(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        head = b"PUT /v1/people HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
        got = await run.raw(head, b"x" * 1000)
        assert got.startswith(b"HTTP/1.1 401 ")


async def test_large_bodies_are_refused(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        body = {"state": "away", "reason": "x" * bodies.LARGEST_BODY}
        assert (await run.why("PUT", "/v1/people/anna/status", body, status=413))["code"] == "too-large"


async def test_slow_bodies_and_slow_heads_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.3)
    monkeypatch.setattr(patience, "HEAD_S", 0.4)
    async with town(tmp_path) as run:
        head = f"PUT /v1/people/anna/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
        got = await run.raw(head + b"Content-Length: 100\r\n\r\n{")
        assert got.startswith(b"HTTP/1.1 408 ")
        assert await run.raw(b"GET /v1/people HTTP/1.1\r\nHost: x\r\n") == b""
        assert await run.raw() == b""
        monkeypatch.setattr(bodies, "BODY_S", 5.0)  # in which also a busy machine reads a body that comes
        whole = json.dumps({"state": "away"}).encode()
        request = head + f"Content-Length: {len(whole)}\r\n\r\n".encode()
        got = await run.raw(request, whole, request[:50], pause_s=0.1)
        assert got.startswith(b"HTTP/1.1 200 ")
        assert got.count(b"HTTP/1.1 ") == 1, "the second request never came to its end"


async def test_more_connections_than_anybody_needs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 3)
    async with town(tmp_path) as run:
        idle = [await asyncio.open_connection("127.0.0.1", run.port) for _ in range(3)]
        assert (await run.http.get("/v1/people")).status_code == 503
        for _, writer in idle:
            writer.close()
        async with asyncio.timeout(5):
            while (await run.http.get("/v1/people")).status_code == 503:
                await asyncio.sleep(0.05)


async def test_the_office_stops_while_a_program_holds_a_connection(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        await run.ask("GET", "/v1/people")
        held = await asyncio.open_connection("127.0.0.1", run.port)
        ending = time.monotonic()
    held[1].close()
    assert time.monotonic() - ending < 5


async def test_an_end_far_from_utc_is_read_with_its_offset(tmp_path: Path) -> None:
    async with town(tmp_path) as run:
        until = (datetime.now(UTC) + timedelta(days=3650)).isoformat()
        said = await run.ask("PUT", "/v1/people/anna/status", {"state": "away", "until": until})
        assert datetime.fromisoformat(said["until"]) == datetime.fromisoformat(until).replace(microsecond=0)


@needs_openssl
async def test_the_interface_speaks_tls(tmp_path: Path) -> None:
    authority = await asyncio.to_thread(Authority, tmp_path)
    certificate, key = await asyncio.to_thread(authority.issue, "office", "IP:127.0.0.1")
    extra = f'tls-certificate = "{certificate}"\ntls-key = "{key}"\n'
    async with town(tmp_path, extra=extra) as run:
        context = await asyncio.to_thread(ssl.create_default_context, cafile=str(authority.certificate))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(verify=context, headers=headers) as http:
            answer = await http.get(f"https://127.0.0.1:{run.port}/v1/people")
        assert answer.status_code == 200


async def test_an_interface_that_cannot_be_served_is_told_in_one_line(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
    async with town(folders[0]) as run:
        table = f'\n[api]\nlisten = "127.0.0.1:{run.port}"\ntokens = "{TOKEN}"\n'
        text = await asyncio.to_thread(DEMO.read_text)
        with pytest.raises(B2buaError, match=r"Address already in use; see listen of \[api\]"):
            async with office(folders[1], config=text + table):
                pass
        table = f'\n[api]\nlisten = "127.0.0.1:{free_port()}"\ntokens = "{TOKEN}"\n'
        table += f'tls-certificate = "{tmp_path / "none.pem"}"\n'
        with pytest.raises(B2buaError, match=r"the certificate of \[api\] cannot be used"):
            async with office(folders[2], config=text + table):
                pass


def test_without_an_interface_its_libraries_are_not_loaded() -> None:
    program = "import sys, b2bua.server, b2bua.cli.run; print({'uvicorn', 'starlette'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout == "set()\n"
