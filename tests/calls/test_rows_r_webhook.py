"""Rows R10-R13: a server outside says where a caller goes; whatever it does, the caller is not lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from b2bua.demo.softphone import Habit, PlacedCall, Softphone
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.handler import Handler, always, hangs, refuses, untrusted
from tests.harness.office import CALLER, MOBILES, NUMBER, Office, office

WEBHOOK = """
[webhook.region]
url = "https://handler.example/route"
for = "45s"
"""
SCHEME = """
[[step]]
webhook = "region"

[[step]]
ring = ["+48600999888"]
for = "30s"

[[step]]
voicemail = "sales"
"""
REGION = "+48600111222"


def with_webhook(extra: str = "", webhook: str = WEBHOOK) -> str:
    return SCHEME + webhook + extra


def rung(demo: Office, number: str, since: float) -> list[float]:
    """Return when a number outside was called."""
    packets = demo.packets("INVITE", to_port=MOBILES[1])
    return [round(packet.at - since, 2) for packet in packets if f"sip:{number}@".encode() in packet.wire]


@virtual_time(limit_s=600)
@pytest.mark.parametrize(
    ("said", "target"),
    [
        (REGION, "number"),
        ({"number": REGION}, "number"),
        ("101", "phone"),
        ({"sip": "101"}, "phone"),
        ({"person": "anna"}, "phone"),
        ({"scheme": "warsaw"}, "scheme"),
        ("warsaw", "scheme"),
    ],
)
async def test_row_r10_a_number_a_login_and_a_scheme_are_rung_at_once(
    tmp_path: Path, said: Any, target: str
) -> None:
    warsaw = '\n[[scheme.warsaw.step]]\nring = ["102"]\nfor = "30s"\n'
    handler = always(said, after=0.2)
    async with office(tmp_path, scheme=with_webhook(warsaw), http=handler) as demo:
        phones = {"phone": await demo.phone("101", Habit(answers_after=2))}
        phones["scheme"] = await demo.phone("102", Habit(answers_after=2))
        phones["number"] = await demo.mobiles(Habit(answers_after=2))
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=10)
        assert [name for name, phone in phones.items() if phone.invitations] == [target]
        assert phones[target].invitations[0].at - began == pytest.approx(0.2, abs=0.15)
        await asyncio.sleep(3)
        leg.hang_up()
        [call] = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        assert story(call).startswith("the webhook region named ")
        assert handler.asked[0]["caller"] == CALLER
        assert handler.asked[0]["dialled"] == NUMBER
        assert handler.asked[0]["call_id"] == call.call.call_id


@virtual_time(limit_s=600)
async def test_row_r11_r12_r13_45_s_for_the_region_then_30_s_for_the_backup_then_voicemail(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=with_webhook(), http=always(REGION)) as demo:
        await demo.mobiles()
        began = demo.now
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=70)  # in time for the carrier; the ringing goes on as sound
        await asyncio.sleep(20)
        leg.hang_up()
        assert rung(demo, REGION, began) == pytest.approx([0], abs=0.2)
        assert rung(demo, "+48600999888", began) == pytest.approx([45], abs=0.3)
        assert demo.times("CANCEL", to_port=MOBILES[1], since=began) == pytest.approx([45, 75], abs=0.3)
        [told] = await demo.stories()
        asked = [event.at for event in told.events if event.kind is EventKind.VOICEMAIL]
        assert [(at - told.call.at).total_seconds() for at in asked] == pytest.approx([75], abs=0.5)
        assert story(told).startswith(
            "the webhook region named +48600111222; rang +48600111222 45 s, no answer; "
            "rang +48600999888 30 s, no answer"
        )
        await demo.settled()


@virtual_time(limit_s=600)
@pytest.mark.parametrize("seconds", [30, 60])
async def test_row_r11_the_region_rings_for_as_long_as_configured(tmp_path: Path, seconds: int) -> None:
    webhook = WEBHOOK.replace("45s", f"{seconds}s")
    async with office(tmp_path, scheme=with_webhook(webhook=webhook), http=always(REGION)) as demo:
        await demo.mobiles()
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=100)
        await asyncio.sleep(30)
        leg.hang_up()
        assert demo.times("CANCEL", to_port=MOBILES[1], since=began)[0] == pytest.approx(seconds, abs=0.3)


LOOP = """
[[scheme.other.step]]
webhook = "back"
[webhook.back]
url = "https://handler.example/back"
"""
FAILURES = {
    "status": (always(500), 0.0, "the webhook region answered 500"),
    "time": (hangs(), 1.5, "the webhook region did not answer within 1.5 s"),
    "garbage": (always(b"\xff\x00garbage"), 0.0, "sent what is neither text nor JSON"),
    "nobody of this office": (always({"person": "nobody"}), 0.0, "named 'nobody', which is no person"),
    "no answer": (always(""), 0.0, "the webhook region named nobody"),
    "refused": (refuses(), 0.0, "the webhook region refuses connections"),
    "certificate": (untrusted(), 0.0, "shows a certificate that is not trusted (self-signed certificate)"),
    "another host": (
        always(httpx.Response(302, headers={"Location": "https://evil.example/"})),
        0.0,
        "the webhook region answered 302",
    ),
    "too long": (always("x" * 70_000), 0.0, "sent more than 64 kB"),
    "circle": (
        Handler(lambda request: {"scheme": "other" if request.url.path == "/route" else "tested"}),
        0.0,
        "the webhook sent the caller round in a circle",
    ),
}


@virtual_time(limit_s=600)
@pytest.mark.parametrize("failure", FAILURES)
async def test_row_r12_every_failure_leads_to_the_backup_within_the_budget(
    tmp_path: Path, failure: str
) -> None:
    handler, after, words = FAILURES[failure]
    async with office(tmp_path, scheme=with_webhook(LOOP), http=handler) as demo:
        mobiles = await demo.mobiles(Habit(answers_after=3))
        began = demo.now
        call = await demo.call_in(NUMBER)
        leg = await call.answered(within=60)
        assert rung(demo, "+48600999888", began) == pytest.approx([after], abs=0.2)
        assert len(mobiles.invitations) == 1
        assert [status for _, status in call.statuses] == [180, 200]
        assert call.statuses[0][0] - began < 0.2, "they hear ringing while the handler is asked"
        await asyncio.sleep(2)
        leg.hang_up()
        [told] = await demo.stories()
        assert words in story(told)
        assert told.outcome is CallOutcome.TALKED


@virtual_time(limit_s=600)
async def test_row_r12_a_region_that_does_not_answer_leads_to_the_backup(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=with_webhook(), http=always("101")) as demo:
        await demo.phone("101", Habit(refuses_with=486))
        mobiles = await demo.mobiles(Habit(answers_after=3))
        leg = await (await demo.call_in(NUMBER)).answered(within=60)
        assert len(mobiles.invitations) == 1
        leg.hang_up()


@virtual_time(limit_s=600)
async def test_row_r10_a_circle_is_cut_after_one_round(tmp_path: Path) -> None:
    handler = FAILURES["circle"][0]
    handler.requests.clear()
    async with office(tmp_path, scheme=with_webhook(LOOP), http=handler) as demo:
        await demo.mobiles(Habit(answers_after=1))
        (await (await demo.call_in(NUMBER)).answered(within=20)).hang_up()
        assert [request.url.path for request in handler.requests] == ["/route", "/back"]


ROUND = """
[extension."300"]
webhook = "region"
[extension."301"]
menu = "round"
[menu.round]
greeting = "welcome"
options = { 1 = { ring = ["101"] } }
no-input = { scheme = "again" }
invalid = { scheme = "again" }
tries = 1
[[scheme.again.step]]
webhook = "region"
[[scheme.again.step]]
voicemail = "sales"
"""


@virtual_time(limit_s=600)
@pytest.mark.parametrize(("extension", "asked"), [("300", 1), ("301", 2)])
async def test_row_r10_a_circle_by_an_extension_is_cut_too(
    tmp_path: Path, extension: str, asked: int
) -> None:
    handler = always({"sip": extension})
    async with office(tmp_path, scheme=with_webhook(ROUND), http=handler) as demo:
        await demo.mobiles(Habit(answers_after=1))
        leg = await (await demo.call_in(NUMBER)).answered(within=60)
        await asyncio.sleep(60)
        leg.hang_up()
        assert len(handler.requests) == asked
        [told] = await demo.stories()
        assert "the webhook sent the caller round in a circle" in story(told)
        await demo.settled()


@virtual_time(limit_s=600)
async def test_a_caller_who_hangs_up_while_the_handler_is_asked_is_owed_a_call(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=with_webhook(), http=hangs()) as demo:
        call = await demo.call_in(NUMBER)
        await asyncio.sleep(0.7)
        await call.close()
        [told] = await demo.stories()
        assert told.outcome is CallOutcome.PROMISE
        await demo.settled()


@virtual_time(limit_s=600)
@pytest.mark.parametrize("caches", [True, False])
async def test_row_r10_the_last_good_answer_counts_while_the_handler_is_down_where_that_is_wanted(
    tmp_path: Path, caches: bool
) -> None:
    said: list[Any] = ["101", 503, ""]
    handler = Handler(lambda _: said[0])
    webhook = f"{WEBHOOK}cache = {str(caches).lower()}\n"
    async with office(tmp_path, scheme=with_webhook(webhook=webhook), http=handler) as demo:
        anna = await demo.phone("101", Habit(answers_after=1))
        mobiles = await demo.mobiles(Habit(answers_after=1))
        while said:
            (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
            said.pop(0)
        # the handler said who it is, was down, and said that it is nobody
        assert (len(anna.invitations), len(mobiles.invitations)) == ((2, 1) if caches else (1, 2))
        stranger = "+48500000001"
        said.append(503)
        (await (await demo.call_in(NUMBER, from_number=stranger)).answered(within=10)).hang_up()
        assert len(mobiles.invitations) == (2 if caches else 3)


@virtual_time(limit_s=600)
async def test_row_r10_requests_are_signed_and_tell_the_source(tmp_path: Path) -> None:
    handler = always("101")
    webhook = WEBHOOK + 'secret = "s3cret"\n'
    named = f'[number."{NUMBER}"]\n'
    async with office(
        tmp_path,
        scheme=with_webhook(webhook=webhook),
        http=handler,
    ) as demo:
        await demo.phone("101", Habit(answers_after=1))
        await demo.edit(lambda text: text.replace(named, f'{named}source = "google"\n'))
        (await (await demo.call_in(NUMBER)).answered(within=10)).hang_up()
        assert handler.asked[0]["source"] == "google"
        assert handler.requests[0].headers["X-B2bua-Signature"].startswith("sha256=")
        assert handler.requests[0].headers["User-Agent"].startswith("b2bua/")


# --- many calls against a bad server -----------------------------------------------------------------------

CALLS = 1000
LIMIT_S = 1.5
MOODS = (
    *(200, 500, 404, "", "nobody", b"\xff\xfe", '{"number": ', '{"number": 112}', "x" * 70_000),
    *("scheme:tested", httpx.ReadError("reset"), httpx.RemoteProtocolError("garbage")),
)


class Moody(Handler):
    """Answers by chance well, wrongly, late or never."""

    def __init__(self) -> None:
        super().__init__(lambda _: self.chance.choice((REGION, *MOODS)))
        self.chance = random.Random(5)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.delay_s = self.chance.choice((0.0, 0.05, 1.4, 1.6, 3600.0))
        return await super().__call__(request)


@pytest.mark.timeout(300)
@virtual_time(limit_s=3600)
async def test_row_r12_of_1000_mixed_calls_none_waits_longer_than_the_budget_for_the_next_step(
    tmp_path: Path,
) -> None:
    handler = Moody()

    async with office(tmp_path, scheme=with_webhook(), http=handler) as demo:
        await demo.mobiles(Habit(answers_after=1))
        line = await demo.softphone("trunk", 6999)
        waits = Counter[str]()

        async def one(number: int) -> None:
            await asyncio.sleep(handler.chance.random() * 120)
            caller = f"+4850{number:07}"
            began = demo.now
            call = await place(demo, line, caller)
            leg = await call.answered(within=20)
            waited = demo.now - began - 1.0
            assert waited <= LIMIT_S + 0.25, f"{caller} waited {waited:.2f} s"
            waits["late" if waited > 1.3 else "at once"] += 1
            leg.hang_up()

        async with asyncio.TaskGroup() as group:
            for number in range(CALLS):
                group.create_task(one(number))
        assert len(handler.requests) == CALLS
        assert min(waits["late"], waits["at once"]) > 200, waits
        stories = await demo.stories()
        assert Counter(told.outcome for told in stories) == {CallOutcome.TALKED: CALLS}
        await demo.settled()


async def place(demo: Office, line: Softphone, caller: str) -> PlacedCall:
    from tests.harness.office import SERVER

    return await line.call(SERVER, NUMBER, from_number=caller)
