"""Registration with a provider, rows D11 and O8: it never gives up. 24 hours pass in virtual time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from b2bua.config.models import Trunk
from b2bua.errors import Unavailable
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Request
from b2bua.sip.resolver import resolve
from b2bua.sip.server_request import ServerRequest
from b2bua.sip.transport.hop import Hop
from b2bua.sip.transport.memory import MemoryNetwork
from b2bua.sip.uri import SipUri, Uri
from b2bua.trunk.registration import RegistrationState, TrunkRegistration
from tests.harness.clock import virtual_time

OFFICE, PROVIDER, SECOND = "10.0.0.1", "192.0.2.1", "192.0.2.2"
CHALLENGE = ("WWW-Authenticate", 'Digest realm="provider.example", nonce="n", algorithm=MD5, qop="auth"')

Reply = tuple[int, tuple[tuple[str, str], ...]]


@dataclass
class Provider:
    """A provider played by an endpoint of ours: challenges, then grants ``granted_s``, unless scripted."""

    granted_s: int | None = None
    has_password: bool = True
    script: deque[Reply] = field(default_factory=deque)
    seen: list[tuple[float, Request]] = field(default_factory=list)
    kept_alive: list[float] = field(default_factory=list)
    answers_options: bool = True

    def on_request(self, server: ServerRequest) -> None:
        request = server.request
        if request.method == "OPTIONS":
            self.kept_alive.append(asyncio.get_running_loop().time())
            if self.answers_options:
                server.respond(200)
            return
        self.seen.append((asyncio.get_running_loop().time(), request))
        if self.script:
            status, headers = self.script.popleft()
            server.respond(status, headers=headers)
        elif "Authorization" not in request.headers or not self.has_password:
            server.respond(401, headers=(CHALLENGE,))
        else:
            granted = request.headers.get("Expires") if self.granted_s is None else self.granted_s
            contact = request.headers.get("Contact")
            others = "<sip:other@198.51.100.7>;expires=7"
            server.respond(200, headers=(("Contact", f"{others}, {contact};expires={granted}"),))

    def times(self, since: int = 0) -> list[float]:
        """When registrations that were not just challenged arrived."""
        return [at for at, request in self.seen[since:] if "Authorization" in request.headers]


@dataclass
class Office:
    """Our side: the registration under test and what it told."""

    network: MemoryNetwork
    provider: Provider
    registration: TrunkRegistration
    task: asyncio.Task[None]
    states: list[tuple[float, str]]


@asynccontextmanager
async def office(
    provider: Provider | None = None,
    *,
    resolve: Callable[[Uri], Any] = resolve,
    is_up: bool = True,
    **keys: Any,
) -> AsyncIterator[Office]:
    network, provider, states = MemoryNetwork(), provider or Provider(), []
    ours, theirs = SipEndpoint(user_agent="office"), SipEndpoint(user_agent="provider")
    ours.attach(network.transport(OFFICE))
    theirs.attach(network.transport(PROVIDER))
    theirs.on_request = provider.on_request
    network.blackhole(PROVIDER, not is_up)
    trunk = Trunk(name="p", **{"registrar": PROVIDER, "username": "482212", "password": "x", **keys})
    loop = asyncio.get_running_loop()
    registration = TrunkRegistration(
        trunk,
        ours,
        random=Random(1),
        resolve=resolve,
        on_change=lambda changed: states.append((loop.time(), changed.in_words())),
    )
    task = asyncio.create_task(registration.run())
    try:
        yield Office(network, provider, registration, task, states)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await ours.close()
        await theirs.close()


@virtual_time
async def test_o8_it_registers_by_digest_and_renews_at_80_to_90_percent_of_what_was_granted() -> None:
    async with office(Provider(granted_s=100), expires_s=600) as story:
        await asyncio.sleep(1000)
        assert story.registration.state is RegistrationState.REGISTERED
        assert story.states == [(story.registration.since, f"trunk p is registered with {PROVIDER}")]
        times = story.provider.times()
        assert all(80 <= later - earlier <= 90.1 for earlier, later in pairwise(times))
        assert len(times) >= 11


@virtual_time
async def test_rfc3261_10_2_all_its_requests_have_one_call_id_and_a_rising_cseq() -> None:
    async with office(Provider(granted_s=60)) as story:
        await asyncio.sleep(300)
        requests = [request for _, request in story.provider.seen]
        assert len({request.call_id for request in requests}) == 1
        numbers = [request.cseq.number for request in requests]
        assert numbers == sorted(set(numbers))
        first = requests[0]
        assert first.uri == f"sip:{PROVIDER}"
        assert first.to.uri == first.from_.uri == SipUri("482212", PROVIDER)


@virtual_time
async def test_its_contact_cannot_be_guessed() -> None:
    async with office() as one, office() as other:
        await asyncio.sleep(1)
        contact = one.provider.seen[0][1].contact
        assert contact is not None
        assert contact.uri == SipUri(one.registration.contact_token, OFFICE, 5060)
        assert len(one.registration.contact_token) >= 16
        assert one.registration.contact_token != other.registration.contact_token
        assert one.registration.addresses == {PROVIDER}


@virtual_time
async def test_d11_a_provider_that_is_down_for_24_hours_finds_us_registered_soon_after_it_is_back() -> None:
    async with office() as story:
        await asyncio.sleep(10)
        story.network.blackhole(PROVIDER)
        await asyncio.sleep(24 * 3600)
        assert story.registration.state is RegistrationState.FAILED
        assert story.states[-1][1] == "trunk p is not registered: the provider does not answer"
        tries = [packet.at for packet in story.network.log if packet.start_line.startswith("REGISTER")]
        assert max(later - earlier for earlier, later in pairwise(tries)) < 520
        story.network.blackhole(PROVIDER, on=False)
        back = asyncio.get_running_loop().time()
        await asyncio.sleep(311)
        assert story.registration.state is RegistrationState.REGISTERED
        assert story.registration.since - back <= 311
        assert story.registration.last_error == ""


@virtual_time
async def test_d11_boot_order_does_not_matter() -> None:
    async with office(is_up=False) as story:
        await asyncio.sleep(60)
        assert not story.registration.is_usable
        story.network.blackhole(PROVIDER, on=False)
        await asyncio.sleep(60)
        assert story.registration.is_usable


@virtual_time
async def test_d11_waits_grow_from_5_to_300_seconds_and_never_beyond() -> None:
    provider = Provider(script=deque([(500, ())] * 12))
    async with office(provider) as story:
        await asyncio.sleep(3000)
        times = [at for at, _ in provider.seen][:13]
        waits = [later - earlier for earlier, later in pairwise(times)]
        for wait, full in zip(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300], strict=False):
            assert 0.8 * full <= wait <= full + 0.1
        assert (
            story.states[0][1] == "trunk p is not registered: the provider answers 500 Server Internal Error"
        )


@virtual_time
async def test_d11_names_are_looked_up_anew_for_every_try() -> None:
    answers = deque(["192.0.2.99", "", SECOND, PROVIDER])

    async def moving(uri: Uri) -> list[Hop]:
        address = answers.popleft() if len(answers) > 1 else answers[0]
        if not address:
            raise Unavailable("sip.provider.example does not resolve")
        return [Hop("udp", address, 5060)]

    async with office(resolve=moving, registrar="sip.provider.example") as story:
        await asyncio.sleep(120)
        assert story.registration.state is RegistrationState.REGISTERED
        assert story.registration.addresses == {PROVIDER}
        reasons = [words.partition(": ")[2] for _, words in story.states]
        assert "sip.provider.example does not resolve" in reasons


@virtual_time
async def test_a_dead_address_of_the_provider_costs_seconds_not_the_registration() -> None:
    async def two(uri: Uri) -> list[Hop]:
        return [Hop("udp", SECOND, 5060), Hop("udp", PROVIDER, 5060)]

    async with office(resolve=two) as story:
        await asyncio.sleep(15)
        assert story.registration.state is RegistrationState.REGISTERED
        assert story.registration.addresses == {PROVIDER, SECOND}


@virtual_time
async def test_rfc3263_4_3_a_server_that_says_503_costs_no_time_when_the_provider_has_another() -> None:
    async def two(uri: Uri) -> list[Hop]:
        return [Hop("udp", PROVIDER, 5060), Hop("udp", PROVIDER, 5060)]

    async with office(Provider(script=deque([(503, ())])), resolve=two) as story:
        await asyncio.sleep(1)
        assert [words for _, words in story.states] == [f"trunk p is registered with {PROVIDER}"]


@virtual_time
async def test_a_provider_that_hangs_up_is_registered_with_anew_but_not_without_rest() -> None:
    async with office() as story:
        await asyncio.sleep(1)
        for _ in range(25):
            story.registration.connection_lost(Hop("tcp", SECOND, 5060))
            await asyncio.sleep(1)
        assert len(story.provider.times()) == 1  # it was somebody else's connection
        for _ in range(35):
            story.registration.connection_lost(Hop("udp", PROVIDER, 5060))
            await asyncio.sleep(1)
        times = story.provider.times()[1:]
        assert len(times) == 4
        assert all(10 <= later - earlier < 11.1 for earlier, later in pairwise(times))


@virtual_time
async def test_a_wrong_password_is_said_in_plain_words_and_tried_again_slowly() -> None:
    async with office(Provider(has_password=False)) as story:
        await asyncio.sleep(3600)
        assert story.registration.last_error == "the provider does not accept user name and password"
        assert 12 <= len(story.provider.times()) <= 16
        story.provider.has_password = True
        await asyncio.sleep(301)
        assert story.registration.state is RegistrationState.REGISTERED


@virtual_time
async def test_rfc3261_10_2_8_a_longer_expiry_is_asked_for_when_the_provider_wants_that() -> None:
    provider = Provider(script=deque([(423, (("Min-Expires", "1800"),))]))
    async with office(provider, expires_s=60) as story:
        await asyncio.sleep(1)
        assert story.registration.state is RegistrationState.REGISTERED
        assert provider.seen[-1][1].expires == 1800


@virtual_time
async def test_rfc3261_20_33_retry_after_is_respected_up_to_our_cap() -> None:
    provider = Provider(script=deque([(503, (("Retry-After", "120 (restart)"),))]))
    async with office(provider):
        await asyncio.sleep(119)
        assert len(provider.seen) == 1
        await asyncio.sleep(2)
        assert len(provider.seen) > 1


@virtual_time
async def test_a_provider_that_grants_no_time_is_not_asked_every_second() -> None:
    async with office(Provider(granted_s=0)) as story:
        await asyncio.sleep(60)
        assert len(story.provider.times()) <= 5
        assert story.registration.state is RegistrationState.FAILED
        story.provider.granted_s = 100
        await asyncio.sleep(60)
        assert story.registration.state is RegistrationState.REGISTERED


@virtual_time
async def test_cancelling_unregisters() -> None:
    async with office() as story:
        await asyncio.sleep(1)
        story.task.cancel()
        await asyncio.gather(story.task, return_exceptions=True)
        last = story.provider.seen[-1][1]
        assert last.headers.get("Expires") == "0"
        assert last.contact == story.provider.seen[0][1].contact


@virtual_time
async def test_unregistering_from_a_dead_provider_takes_at_most_two_seconds() -> None:
    async with office() as story:
        await asyncio.sleep(1)
        story.network.blackhole(PROVIDER)
        story.task.cancel()
        await asyncio.gather(story.task, return_exceptions=True)
        assert asyncio.get_running_loop().time() <= 3.01
        assert story.task.cancelled()


@virtual_time
async def test_what_never_registered_has_nothing_to_take_back() -> None:
    async with office(is_up=False) as story:
        await asyncio.sleep(100)
        before = len(story.network.log)
        story.task.cancel()
        await asyncio.gather(story.task, return_exceptions=True)
        assert len(story.network.log) == before


@virtual_time
async def test_after_a_success_the_waits_are_short_again() -> None:
    provider = Provider(granted_s=100, script=deque([(500, ())] * 5))
    async with office(provider) as story:
        await asyncio.sleep(300)
        assert story.registration.state is RegistrationState.REGISTERED
        provider.script.append((500, ()))
        await asyncio.sleep(96)
        failed = next(at for at, words in reversed(story.states) if "500" in words)
        assert 4 <= story.registration.since - failed <= 5.1


@virtual_time
async def test_since_tells_when_it_went_down_even_if_the_reason_changes() -> None:
    provider = Provider(script=deque([(500, ()), (503, ())]))
    async with office(provider) as story:
        await asyncio.sleep(5.5)
        assert [words.partition("answers ")[2][:3] for _, words in story.states] == ["500", "503"]
        assert story.registration.since == story.states[0][0]


@virtual_time
async def test_what_other_contacts_look_like_does_not_matter() -> None:
    accepted = (200, (("Contact", "<sip:broken"), ("Expires", "120")))
    provider = Provider(script=deque([accepted, accepted]))
    async with office(provider) as story:
        await asyncio.sleep(119)
        assert story.registration.state is RegistrationState.REGISTERED
        assert 96 <= provider.seen[1][0] <= 109


@virtual_time
async def test_a_retry_after_of_a_day_is_not_waited_for() -> None:
    provider = Provider(script=deque([(503, (("Retry-After", "86400"),))]))
    async with office(provider) as story:
        await asyncio.sleep(301)
        assert story.registration.state is RegistrationState.REGISTERED


@virtual_time
async def test_f13_a_closed_port_is_said_at_once_in_plain_words() -> None:
    async def closed(uri: Uri) -> list[Hop]:
        return [Hop("tcp", PROVIDER, 5060)]

    async with office(resolve=closed, transport="tcp") as story:
        await asyncio.sleep(1)
        assert story.registration.last_error.startswith("the provider cannot be reached (503 ")
        assert story.registration.since < 0.1


@virtual_time
async def test_an_account_that_is_blocked_is_said_in_the_providers_words() -> None:
    async with office(Provider(script=deque([(403, ())]))) as story:
        await asyncio.sleep(1)
        assert story.states[0][1] == (
            "trunk p is not registered: the provider refuses the account (403 Forbidden)"
        )


@virtual_time
async def test_rfc5626_4_4_the_way_through_the_nat_is_kept_open_every_25_seconds() -> None:
    async with office(Provider(granted_s=600)) as story:
        await asyncio.sleep(110)
        waits = [later - earlier for earlier, later in pairwise([0.0, *story.provider.kept_alive])]
        assert [round(wait) for wait in waits] == [25, 25, 25, 25]
        assert len(story.provider.times()) == 1


@virtual_time
async def test_no_keep_alive_is_sent_when_none_is_wanted() -> None:
    async with office(Provider(granted_s=600), keep_alive_s=0) as story:
        await asyncio.sleep(400)
        assert story.provider.kept_alive == []


@virtual_time
async def test_d11_f13_a_provider_that_falls_silent_is_noticed_long_before_the_registration_ends() -> None:
    async with office(Provider(granted_s=3600), expires_s=3600) as story:
        await asyncio.sleep(60)
        story.network.blackhole(PROVIDER)
        await asyncio.sleep(25 + 4 + 10 + 1)
        assert story.registration.state is RegistrationState.FAILED
        story.network.blackhole(PROVIDER, on=False)
        await asyncio.sleep(15)
        assert story.registration.state is RegistrationState.REGISTERED


@virtual_time
async def test_a_provider_that_never_answers_an_options_is_not_thought_dead_for_it() -> None:
    async with office(Provider(granted_s=600, answers_options=False)) as story:
        await asyncio.sleep(400)
        assert len(story.provider.times()) == 1
        assert story.registration.state is RegistrationState.REGISTERED


@virtual_time
async def test_d11_a_dead_registrar_is_replaced_by_the_next_and_taken_again_when_it_is_back() -> None:
    provider = Provider(granted_s=100)
    names = {"one.example": SECOND, "two.example": PROVIDER}

    async def known(uri: Uri) -> list[Hop]:
        assert isinstance(uri, SipUri)
        return [Hop("udp", names[uri.host], 5060)]

    async with office(
        provider, resolve=known, registrar="one.example", backup_registrars=("two.example",)
    ) as story:
        await asyncio.sleep(15)
        registration = story.registration
        assert story.states[-1][1] == "trunk p is registered with two.example"
        assert (registration.registrar, registration.addresses) == ("two.example", {PROVIDER, SECOND})
        assert [request.uri for _, request in provider.seen] == ["sip:two.example"] * 2
        assert provider.seen[0][1].to.uri == SipUri("482212", "two.example")
        names["one.example"] = PROVIDER
        await asyncio.sleep(100)
        assert story.states[-1][1] == "trunk p is registered with one.example"


@virtual_time
async def test_d11_a_registrar_whose_name_is_gone_or_that_is_broken_is_passed_over() -> None:
    async def known(uri: Uri) -> list[Hop]:
        assert isinstance(uri, SipUri)
        if uri.host == "gone.example":
            raise Unavailable("gone.example does not resolve")
        return [Hop("udp", PROVIDER, 5060)]

    provider = Provider(script=deque([(500, ())]))
    backups = ("broken.example", "good.example")
    async with office(provider, resolve=known, registrar="gone.example", backup_registrars=backups) as story:
        await asyncio.sleep(1)
        assert [words for _, words in story.states] == ["trunk p is registered with good.example"]
