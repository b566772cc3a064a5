"""Whole phones over the network, rows D3, S5, F13, F14: they register, go silent and come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from b2bua.registrar.bindings import Bindings
from b2bua.registrar.qualify import DeviceVigil, Qualification
from b2bua.registrar.register import Registrar
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from tests.harness.clock import virtual_time
from tests.registrar.desk import DIRECTORY, DOMAIN, gate

OFFICE = Hop("udp", "10.0.0.1", 5060)


@dataclass
class Phone:
    """A phone made of our endpoint."""

    endpoint: SipEndpoint
    hop: Hop
    answers_options: bool = True
    asked: list[float] = field(default_factory=list)

    def on_request(self, server: ServerRequest) -> None:
        self.asked.append(asyncio.get_running_loop().time())
        if self.answers_options:
            server.respond(486)

    async def register(
        self, office: Hop = OFFICE, *, password: str = "demo-101", allow: str = ""
    ) -> Response:
        headers = Headers(
            [
                ("To", f"<sip:101@{DOMAIN}>"),
                ("From", f"<sip:101@{DOMAIN}>"),
                ("Contact", f"<sip:101@{self.hop.authority}>"),
                ("User-Agent", "Desk"),
            ]
        )
        if allow:
            headers.add("Allow", allow)
        request = Request("REGISTER", f"sip:{DOMAIN}", headers)
        return await self.endpoint.request(request, office, credentials=Credentials("101", password))


@dataclass
class Office:
    """The registrar on the network, with its news in words."""

    network: MemoryNetwork
    bindings: Bindings
    news: list[str]
    qualification: Qualification
    phones: list[Phone]

    def add_phone(self, host: str, *, answers_options: bool = True) -> Phone:
        endpoint = SipEndpoint(user_agent="Desk")
        phone = Phone(endpoint, endpoint.attach(self.network.transport(host)), answers_options)
        endpoint.on_request = phone.on_request
        self.phones.append(phone)
        return phone

    def vigil(self) -> DeviceVigil:
        """Return what a call to the only phone tells and asks."""
        (binding,) = self.bindings.registered("anna", asyncio.get_running_loop().time())
        return self.qualification.vigil(binding)

    def is_online(self) -> bool:
        return self.bindings.is_online("anna", asyncio.get_running_loop().time())


@asynccontextmanager
async def office(*, every_s: float = 30.0) -> AsyncIterator[Office]:
    news: list[str] = []
    bindings = Bindings(on_change=lambda change: news.append(change.in_words("Anna")))
    registrar = Registrar(people=DIRECTORY, bindings=bindings, authentication=gate(bindings))
    endpoint, network = SipEndpoint(user_agent="office"), MemoryNetwork()
    endpoint.attach(network.transport(OFFICE.host))
    endpoint.on_request = registrar.handle
    endpoint.on_heard = lambda source: bindings.heard(source, endpoint.now())
    qualification = Qualification(bindings, endpoint, every_s=every_s)
    rounds = asyncio.create_task(qualification.run())
    story = Office(network, bindings, news, qualification, [])
    try:
        yield story
    finally:
        rounds.cancel()
        await asyncio.gather(rounds, return_exceptions=True)
        for phone in story.phones:
            await phone.endpoint.close()
        await endpoint.close()


@virtual_time
async def test_d3_three_phones_of_one_person_register_and_are_all_live() -> None:
    async with office() as story:
        for number in (1, 2, 3):
            response = await story.add_phone(f"10.0.1.{number}").register()
            assert response.status == 200
            assert len(response.contacts) == number
        live = story.bindings.live("anna", asyncio.get_running_loop().time())
        assert sorted(binding.hop.host for binding in live) == ["10.0.1.1", "10.0.1.2", "10.0.1.3"]


@virtual_time
async def test_a_wrong_password_gets_401_and_no_binding() -> None:
    async with office() as story:
        assert (await story.add_phone("10.0.1.1").register(password="guess")).status == 401
        assert not story.is_online()


@virtual_time
async def test_s5_a_phone_that_falls_silent_is_offline_8_s_into_a_round_and_back_in_5_s() -> None:
    async with office() as story:
        phone = story.add_phone("10.0.1.1")
        await phone.register()
        await asyncio.sleep(40)
        story.network.blackhole("10.0.1.1")
        await asyncio.sleep(27)  # 60 s: the second round
        assert story.is_online()
        await asyncio.sleep(1.1)
        assert not story.is_online()
        story.network.blackhole("10.0.1.1", on=False)
        await asyncio.sleep(5.1)
        assert story.is_online()
        assert story.news == [
            "Anna's phone is online (Desk, 10.0.1.1:5060)",
            "Anna's phone is offline (Desk, 10.0.1.1:5060): does not answer",
            "Anna's phone is online (Desk, 10.0.1.1:5060)",
        ]


@virtual_time
async def test_f13_a_phone_whose_port_is_closed_is_offline_after_one_round() -> None:
    async with office() as story:
        phone = story.add_phone("10.0.1.1")
        await phone.register()
        await phone.endpoint.close()
        await asyncio.sleep(31)
        assert not story.is_online()


@virtual_time
async def test_one_unanswered_question_is_forgiven() -> None:
    async with office() as story:
        phone = story.add_phone("10.0.1.1")
        await phone.register()
        await asyncio.sleep(31)
        story.network.blackhole("10.0.1.1")
        await asyncio.sleep(34)  # the question of second 60 finds nobody; it is asked again at 64
        story.network.blackhole("10.0.1.1", on=False)
        await asyncio.sleep(60)
        assert len(story.news) == 1


@virtual_time
async def test_f13_whom_a_call_found_silent_is_back_as_soon_as_it_answers_an_options() -> None:
    async with office(every_s=0) as story:
        phone = story.add_phone("10.0.1.1")
        await phone.register()
        await asyncio.sleep(60)
        assert phone.asked == []  # without rounds nobody is asked who is not under suspicion
        story.network.blackhole("10.0.1.1")
        story.vigil().note_silent()
        assert not story.is_online()
        await asyncio.sleep(60)
        story.network.blackhole("10.0.1.1", on=False)
        await asyncio.sleep(5.1)
        assert story.is_online()


@virtual_time
async def test_f13_whom_a_call_found_silent_is_back_as_soon_as_anything_is_heard_of_it() -> None:
    async with office(every_s=0) as story:
        phone = story.add_phone("10.0.1.1", answers_options=False)
        await phone.register()
        story.vigil().note_silent()
        assert not story.is_online()
        request = Request("MESSAGE", f"sip:{DOMAIN}", Headers([("From", f"<sip:101@{DOMAIN}>")]))
        await phone.endpoint.request(request, OFFICE)
        assert story.is_online()


@virtual_time
async def test_f13_whom_a_call_found_silent_and_who_may_not_know_options_rings_again_after_a_minute() -> None:
    async with office(every_s=0) as story:
        await story.add_phone("10.0.1.1", answers_options=False).register()
        story.vigil().note_silent()
        await asyncio.sleep(59)
        assert not story.is_online()
        await asyncio.sleep(11)
        assert story.is_online()


@pytest.mark.parametrize(("allow", "is_believed_dead"), [("INVITE, OPTIONS", True), ("INVITE", False)])
@virtual_time
async def test_f14_on_suspicion_silence_means_something_of_those_who_said_that_they_know_options(
    allow: str, is_believed_dead: bool
) -> None:
    async with office(every_s=0) as story:
        await story.add_phone("10.0.1.1", answers_options=False).register(allow=allow)
        story.vigil().note_quiet()
        await asyncio.sleep(3.5)
        assert story.is_online() is not is_believed_dead


@virtual_time
async def test_a_phone_that_never_answered_an_options_is_not_taken_for_dead() -> None:
    async with office() as story:
        phone = story.add_phone("10.0.1.1", answers_options=False)
        await phone.register()
        await asyncio.sleep(300)
        assert len(phone.asked) >= 5
        assert story.is_online()


@virtual_time
async def test_a_registration_that_is_not_renewed_ends_and_is_told() -> None:
    async with office() as story:
        await story.add_phone("10.0.1.1").register()
        await asyncio.sleep(3700)
        assert story.news[-1].endswith("did not renew its registration")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_over_real_sockets_the_binding_holds_the_flow_of_the_registration(
    transport: str,
) -> None:
    bindings = Bindings()
    registrar = Registrar(people=DIRECTORY, bindings=bindings, authentication=gate(bindings))
    ours, theirs = SipEndpoint(user_agent="office"), SipEndpoint(user_agent="Desk")
    listen = {"udp": SipEndpoint.listen_udp, "tcp": SipEndpoint.listen_tcp}[transport]
    office_hop = await listen(ours, "127.0.0.1", 0)
    ours.on_request = registrar.handle
    phone = Phone(theirs, await listen(theirs, "127.0.0.1", 0))
    theirs.on_request = phone.on_request
    try:
        assert (await phone.register(office_hop)).status == 200
        (binding,) = bindings.live("anna", asyncio.get_running_loop().time())
        assert (binding.hop.transport, binding.hop.host) == (transport, "127.0.0.1")
        assert transport == "tcp" or binding.hop == phone.hop
        await Qualification(bindings, ours).go_round()
        assert len(phone.asked) == 1
    finally:
        await theirs.close()
        await ours.close()
