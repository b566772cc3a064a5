"""SUBSCRIBE and NOTIFY as the notifier sees them, message by message (RFC 6665)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from b2bua.errors import MalformedMessage
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Request, Response, parse_message
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.subscription import Event, Notifier, Watched
from b2bua.sip.uri import Uri
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, BOB, MemoryNetwork, endpoint
from tests.sip.scripted import Scripted


@dataclass
class Weather:
    """A package of ours for these tests: one number that changes."""

    name: str = "weather"
    content_type: str = "text/plain"
    degrees: int = 20

    def watch(self, watcher: str, target: Uri) -> Watched:
        user = getattr(target, "user", "")
        if user == "secret":
            raise MalformedMessage("not for you", status=403)
        if user != "you":
            raise MalformedMessage("no such place", status=404)
        return Watched("here", lambda number: f"{number}: {self.degrees} for {watcher}".encode())


@dataclass
class Bench:
    """A notifier at ``BOB`` and a script at ``ALICE``."""

    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    weather: Weather = field(default_factory=Weather)
    people: dict[str, str] = field(default_factory=lambda: {"script": "alice", "other": "carol"})
    most: int = 250
    alice: Scripted = field(init=False)
    bob: SipEndpoint = field(init=False)
    notifier: Notifier = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.alice, self.bob = Scripted(self.network, ALICE), endpoint(self.network, BOB)
        self.notifier = Notifier(self.bob, [self.weather], admit=self._admit, most_of_a_watcher=self.most)
        self.bob.on_request = self.notifier.take

    def _admit(self, server: ServerRequest) -> str | None:
        user = getattr(server.request.from_.uri, "user", "")
        if user not in self.people:
            server.respond(401, headers=(("WWW-Authenticate", 'Digest realm="x", nonce="y"'),))
        return self.people.get(user)

    def subscribe(self, *headers: tuple[str, str]) -> Request:
        """Send a SUBSCRIBE of a Call-ID of its own."""
        self.count += 1
        usual = {"Event": "weather", "Call-ID": f"watch-{self.count}"}
        lines = tuple({**usual, **dict(headers)}.items())
        return self.alice.invite(BOB, method="SUBSCRIBE", body=b"", headers=lines)

    async def subscribed(self, *headers: tuple[str, str]) -> tuple[Request, Response, Request]:
        """Return the SUBSCRIBE, its answer and the first NOTIFY, which is answered."""
        request = self.subscribe(*headers)
        answer = await self.alice.response(200)
        first = await self.notify()
        return request, answer, first

    async def notify(self, status: int = 200) -> Request:
        """Return the next NOTIFY, answered with ``status``."""
        request = await self.alice.request("NOTIFY")
        self.alice.answer(request, status)
        return request

    def warmer(self) -> None:
        self.weather.degrees += 1
        self.notifier.changed("weather", "here")

    @property
    def notifies(self) -> list[Request]:
        return [one for one in self.alice.seen if one.method == "NOTIFY"]


def state(request: Request) -> str:
    return request.headers.get("Subscription-State") or ""


@virtual_time
async def test_rfc6665_4_2_1_2_a_subscription_is_confirmed_and_the_state_told_at_once() -> None:
    bench = Bench()
    request, answer, first = await bench.subscribed(("Expires", "600"))
    assert answer.headers.get("Expires") == "600"
    assert answer.contact is not None
    assert (first.call_id, first.from_.tag, first.to.tag) == (request.call_id, answer.to.tag, "script")
    assert first.uri == "sip:script@10.0.0.1:5060"
    assert (first.headers.get("Event"), state(first)) == ("weather", "active;expires=600")
    assert (first.content_type, first.body) == ("text/plain", b"0: 20 for alice")
    assert first.contact is not None


@virtual_time
async def test_rfc6665_4_2_1_1_too_short_a_time_is_refused_and_too_long_a_one_shortened() -> None:
    bench = Bench()
    bench.subscribe(("Expires", "59"))
    assert (await bench.alice.response(423)).headers.get("Min-Expires") == "60"
    _, answer, _ = await bench.subscribed(("Expires", "86400"))
    assert answer.headers.get("Expires") == "3600"


@virtual_time
async def test_rfc6665_3_1_1_without_a_time_it_is_an_hour() -> None:
    _, answer, first = await Bench().subscribed()
    assert answer.headers.get("Expires") == "3600"
    assert state(first) == "active;expires=3600"


@pytest.mark.parametrize("written", ["presence", "presence.winfo;id=1"])
@virtual_time
async def test_rfc6665_8_3_2_an_event_that_we_do_not_know_is_answered_489_and_what_we_know(
    written: str,
) -> None:
    bench = Bench()
    bench.subscribe(("Event", written))
    answer = await bench.alice.response(489)
    assert answer.headers.get("Allow-Events") == "weather"
    assert len(bench.notifier) == 0


@virtual_time
async def test_rfc6665_8_2_1_no_event_is_bad_and_two_are_not_understood() -> None:
    bench = Bench()
    bench.alice.invite(BOB, method="SUBSCRIBE", body=b"")
    assert (await bench.alice.response(489)).headers.get("Allow-Events")
    bench.alice.invite(
        BOB, method="SUBSCRIBE", body=b"", headers=(("Event", "weather"), ("Event", "dialog")), call_id="two"
    )
    await bench.alice.response(400)


@virtual_time
async def test_rfc6665_8_2_1_the_id_of_an_event_comes_back_and_tells_subscriptions_apart() -> None:
    bench = Bench()
    request, answer, first = await bench.subscribed(("Event", "weather;id=7"))
    assert first.headers.get("Event") == "weather;id=7"
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"),))
    await bench.alice.response(481)


@pytest.mark.parametrize("accept", ["application/pidf+xml", "application/pidf+xml, text/html"])
@virtual_time
async def test_rfc6665_3_1_3_who_cannot_read_our_document_is_told_so(accept: str) -> None:
    bench = Bench()
    bench.subscribe(("Accept", accept))
    assert (await bench.alice.response(406)).headers.get("Accept") == "text/plain"


@pytest.mark.parametrize("accept", ["text/plain", "application/sdp, text/*;q=0.5", "*/*"])
@virtual_time
async def test_rfc6665_3_1_3_accept_may_name_our_document_or_its_kind(accept: str) -> None:
    await Bench().subscribed(("Accept", accept))


@virtual_time
async def test_rfc6665_4_2_1_3_who_proves_nothing_gets_no_subscription() -> None:
    bench = Bench(people={})
    bench.subscribe()
    await bench.alice.response(401)
    await asyncio.sleep(40)
    assert bench.notifies == []
    assert bench.bob.alive() == {"transactions": 0, "dialogs": 0, "invites": 0, "timers": 0}


@pytest.mark.parametrize(("user", "status"), [("secret", 403), ("mars", 404)])
@virtual_time
async def test_rfc6665_4_2_1_3_what_is_not_theirs_or_not_there_is_refused(user: str, status: int) -> None:
    bench = Bench()
    request = bench.subscribe().copy()
    request.uri = f"sip:{user}@10.0.0.2"
    request.headers.put("Call-ID", "elsewhere")
    request.headers.put("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKother;rport")
    bench.alice.send(request, BOB)
    await bench.alice.response(status)


@virtual_time
async def test_rfc3261_8_1_1_8_a_subscription_without_a_contact_cannot_be_told_anything() -> None:
    bench = Bench()
    request = bench.subscribe()
    bare = request.copy()
    bare.headers.remove("Contact")
    bare.headers.put("Call-ID", "bare")
    bare.headers.put("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKbare;rport")
    bench.alice.send(bare, BOB)
    await bench.alice.response(400)


@virtual_time
async def test_rfc6665_4_2_1_4_a_refresh_prolongs_it_and_tells_the_state_again() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed(("Expires", "60"))
    await asyncio.sleep(50)
    bench.alice.within(
        request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"), ("Expires", "60"))
    )
    assert (await bench.alice.response(200)).headers.get("Expires") == "60"
    assert (await bench.notify()).body.startswith(b"1: 20")
    await asyncio.sleep(50)
    bench.warmer()
    told = await bench.notify()
    assert (told.body, state(told)) == (b"2: 21 for alice", "active;expires=10")


@virtual_time
async def test_rfc6665_4_2_1_4_a_refresh_that_is_too_short_or_of_another_person_changes_nothing() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed(("Expires", "60"))
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"), ("Expires", "5")))
    await bench.alice.response(423)
    stolen = request.copy()
    stolen.headers.put("From", "<sip:other@10.0.0.1>;tag=script")
    bench.alice.within(stolen, answer, "SUBSCRIBE", cseq=3, headers=(("Event", "weather"),))
    await bench.alice.response(403)
    bench.people.clear()
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=4, headers=(("Event", "weather"),))
    await bench.alice.response(401)
    assert len(bench.notifies) == 1
    assert state(await bench.notify()) == "terminated;reason=timeout"


@virtual_time
async def test_rfc6665_4_2_1_4_a_refresh_from_a_new_address_is_followed() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed()
    moved = bench.alice.within(
        request,
        answer,
        "SUBSCRIBE",
        cseq=2,
        headers=(("Event", "weather"), ("Contact", "<sip:new@10.0.0.1>")),
    )
    moved.headers.remove("Contact")
    moved.headers.put("Contact", "<sip:new@10.0.0.1>")
    moved.headers.put("CSeq", "3 SUBSCRIBE")
    moved.headers.put("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKmoved;rport")
    await bench.notify()
    bench.alice.send(moved, BOB)
    assert (await bench.notify()).uri == "sip:new@10.0.0.1"


@virtual_time
async def test_rfc6665_4_2_2_expiry_is_told_and_ends_it() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed(("Expires", "60"))
    began = asyncio.get_running_loop().time()
    last = await bench.notify()
    assert asyncio.get_running_loop().time() - began == pytest.approx(60, abs=0.1)
    assert state(last) == "terminated;reason=timeout"
    await asyncio.sleep(1)
    bench.warmer()
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"),))
    await bench.alice.response(481)
    await asyncio.sleep(40)
    assert len(bench.notifies) == 2
    assert bench.bob.alive() == {"transactions": 0, "dialogs": 0, "invites": 0, "timers": 0}


@virtual_time
async def test_rfc6665_4_4_3_zero_seconds_fetch_the_state_once() -> None:
    bench = Bench()
    request, answer, first = await bench.subscribed(("Expires", "0"))
    assert answer.headers.get("Expires") == "0"
    assert (state(first), first.body) == ("terminated;reason=timeout", b"0: 20 for alice")
    await asyncio.sleep(1)
    assert len(bench.notifier) == 0
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"),))
    await bench.alice.response(481)


@virtual_time
async def test_rfc6665_4_1_2_3_zero_seconds_within_a_subscription_end_it() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed()
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"), ("Expires", "0")))
    assert state(await bench.notify()) == "terminated;reason=timeout"
    await asyncio.sleep(1)
    assert (len(bench.notifier), bench.notifier.has_watchers("weather")) == (0, False)


@virtual_time
async def test_rfc6665_4_2_1_a_subscribe_in_a_dialog_that_we_do_not_know_is_answered_481() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed()
    elsewhere = request.copy()
    elsewhere.headers.put("Call-ID", "before-the-restart")
    bench.alice.within(elsewhere, answer, "SUBSCRIBE", cseq=9, headers=(("Event", "weather"),))
    await bench.alice.response(481)
    assert len(bench.notifier) == 1


@virtual_time
async def test_rfc6665_4_2_2_one_notify_at_a_time_and_the_newest_state_goes_next() -> None:
    bench = Bench()
    bench.subscribe()
    await bench.alice.response(200)
    first = await bench.alice.request("NOTIFY")
    for _ in range(10):
        bench.warmer()
    await asyncio.sleep(0.3)
    assert len(bench.notifies) == 1
    bench.alice.answer(first, 200)
    assert (await bench.notify()).body == b"1: 30 for alice"
    await asyncio.sleep(5)
    assert len(bench.notifies) == 2


@virtual_time
async def test_rfc6665_4_2_2_a_lost_notify_is_repeated_and_the_subscription_goes_on() -> None:
    bench = Bench()
    await bench.subscribed()
    bench.network.drop_next(lambda wire: wire.startswith(b"NOTIFY"))
    bench.warmer()
    assert (await bench.notify()).body == b"1: 21 for alice"
    bench.warmer()
    assert (await bench.notify()).body == b"2: 22 for alice"


@pytest.mark.parametrize("status", [481, 489, 404, 410])
@virtual_time
async def test_rfc6665_4_2_2_a_watcher_who_does_not_know_the_subscription_ends_it(status: int) -> None:
    bench = Bench()
    await bench.subscribed()
    bench.warmer()
    await bench.notify(status)
    await asyncio.sleep(40)
    bench.warmer()
    await asyncio.sleep(5)
    assert len(bench.notifies) == 2
    assert bench.bob.alive() == {"transactions": 0, "dialogs": 0, "invites": 0, "timers": 0}


@virtual_time
async def test_rfc5057_5_1_a_watcher_with_a_passing_trouble_keeps_its_subscription() -> None:
    bench = Bench()
    await bench.subscribed()
    bench.warmer()
    await bench.notify(500)
    await asyncio.sleep(5)
    bench.warmer()
    assert (await bench.notify()).body == b"2: 22 for alice"


@virtual_time
async def test_rfc6665_4_2_2_a_watcher_who_never_answers_is_dropped() -> None:
    bench = Bench()
    await bench.subscribed()
    bench.network.blackhole("10.0.0.1")
    bench.warmer()
    await asyncio.sleep(31)
    assert len(bench.notifier) == 1
    await asyncio.sleep(2)
    assert len(bench.notifier) == 0
    await asyncio.sleep(40)
    assert bench.bob.alive() == {"transactions": 0, "dialogs": 0, "invites": 0, "timers": 0}


@virtual_time
async def test_rfc6665_4_1_3_at_the_programs_end_each_watcher_is_told_when_to_come_again() -> None:
    bench = Bench()
    await bench.subscribed()
    closing = asyncio.create_task(bench.bob.close())
    last = await bench.notify()
    assert (state(last), last.body) == ("terminated;reason=probation;retry-after=5", b"")
    began = asyncio.get_running_loop().time()
    await closing
    assert asyncio.get_running_loop().time() - began < 1


@virtual_time
async def test_rfc6665_4_1_3_the_last_notify_waits_for_the_one_before() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed()
    bench.warmer()
    pending = await bench.alice.request("NOTIFY")
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"), ("Expires", "0")))
    await asyncio.sleep(0.2)
    assert len(bench.notifies) == 2
    bench.alice.answer(pending, 200)
    assert state(await bench.notify()).startswith("terminated")


@virtual_time
async def test_one_account_has_so_many_subscriptions_and_no_more() -> None:
    bench = Bench(most=3)
    for number in range(3):
        bench.subscribe(("Call-ID", f"w{number}"))
        await bench.alice.response(200)
        await bench.notify()
    bench.subscribe(("Call-ID", "w3"))
    assert (await bench.alice.response(403)).reason == "Too Many Subscriptions"
    bench.alice.invite(
        BOB,
        method="SUBSCRIBE",
        body=b"",
        headers=(("Event", "weather"), ("From", "<sip:other@10.0.0.1>;tag=o"), ("Call-ID", "carols")),
    )
    await bench.alice.response(200)


@virtual_time
async def test_rfc3261_12_2_2_what_is_no_subscribe_or_comes_late_is_refused_within_the_dialog() -> None:
    bench = Bench()
    request, answer, _ = await bench.subscribed()
    bench.alice.within(request, answer, "MESSAGE", cseq=2)
    assert (await bench.alice.response(405)).headers.get("Allow") == "SUBSCRIBE"
    bench.alice.within(request, answer, "SUBSCRIBE", cseq=2, headers=(("Event", "weather"),))
    await bench.alice.response(500)


@virtual_time
async def test_rfc6665_4_4_1_record_route_is_kept_for_the_notifies() -> None:
    bench = Bench()
    _, answer, first = await bench.subscribed(("Record-Route", "<sip:10.0.0.1:5060;lr>"))
    assert answer.headers.get("Record-Route") == "<sip:10.0.0.1:5060;lr>"
    assert first.headers.get("Route") == "<sip:10.0.0.1:5060;lr>"


def test_rfc6665_8_2_1_an_event_reads_as_it_is_written() -> None:
    wire = b"SUBSCRIBE sip:you@10.0.0.2 SIP/2.0\r\no: Weather ; id=a1;x=1\r\n\r\n"
    request = parse_message(wire)
    assert isinstance(request, Request)
    assert Event.of(request) == Event("weather", "a1")
    assert str(Event("dialog", "4")) == "dialog;id=4"
    request.headers.put("Event", 'weather;id="a b"')
    with pytest.raises(MalformedMessage):
        Event.of(request)
