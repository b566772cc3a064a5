"""Who sent a call, row O8: phones by digest, trunks by address, registration or token; strangers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from b2bua.config.models import Trunk
from b2bua.inbound.numbers import read_dialled
from b2bua.registrar.bindings import Binding, Bindings
from b2bua.registrar.identify import (
    MAX_STRANGERS,
    Identifier,
    Identity,
    NeedsAuth,
    Phone,
    Stranger,
    TrunkCaller,
)
from b2bua.sip.message import Request
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import SipUri, TelUri
from tests.registrar.desk import ANNA, DIRECTORY, FLOW, Desk, gate

BY_ADDRESS = Trunk(name="by-address", accepts_from=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
SPECIAL = Trunk(name="special", accepts_from=(ip_network("192.0.2.77/32"),))
DEMO = Trunk(name="demo", accepts_from=(ip_network("127.0.0.0/8"),))
PROVIDER = Trunk(name="provider", registrar="sip.provider.example", username="u", password="p")
DIALLED = "sip:+48221230001@203.0.113.1"


@dataclass(frozen=True)
class Registered:
    """What a registration knows."""

    trunk: Trunk = PROVIDER
    contact_token: str = "0123456789abcdef"
    addresses: frozenset[str] = frozenset({"203.0.113.50"})


class Office:
    """An identifier with every kind of trunk and Anna's phone."""

    def __init__(self) -> None:
        self.bindings = Bindings()
        self.register(FLOW)
        self.identifier = Identifier(
            people=DIRECTORY,
            bindings=self.bindings,
            authentication=gate(self.bindings, limit=3),
            trunks=(BY_ADDRESS, SPECIAL, DEMO, PROVIDER),
            registrations=(Registered(),),
        )

    def register(self, flow: Hop) -> None:
        binding = Binding("anna", f"sip:101@{flow.host}:{flow.port}", flow, 0.0, 3600.0, "c", 1)
        self.bindings.put(binding, now=0.0)

    def identify(
        self,
        source: str,
        *,
        user: str = "+48600100200",
        port: int = 5060,
        uri: str = DIALLED,
        now: float = 0.0,
    ) -> Identity:
        return self.identifier.identify(
            Desk(user=user).request("INVITE", uri=uri), Hop("udp", source, port), now
        )


@pytest.mark.parametrize("address", ["192.0.2.1", "192.0.2.255", "2001:db8::5", "::ffff:192.0.2.1"])
def test_o8_a_call_from_an_accepted_address_is_the_trunks(address: str) -> None:
    assert Office().identify(address) == TrunkCaller(BY_ADDRESS, SipUri("+48221230001", "203.0.113.1"))


def test_of_two_trunks_at_an_address_the_more_special_one_is_meant() -> None:
    caller = Office().identify("192.0.2.77")
    assert isinstance(caller, TrunkCaller)
    assert caller.trunk == SPECIAL


def test_o8_a_call_from_where_we_registered_is_that_trunks() -> None:
    assert Office().identify("203.0.113.50") == TrunkCaller(PROVIDER, SipUri("+48221230001", "203.0.113.1"))


@pytest.mark.parametrize(
    "uri", ["sip:0123456789abcdef@203.0.113.1", "sip:x@203.0.113.1;line=0123456789abcdef"]
)
def test_o8_a_call_to_the_contact_that_only_the_provider_knows_is_the_providers_from_wherever_it_comes(
    uri: str,
) -> None:
    office = Office()
    request = Desk(user="+48600100200").request("INVITE", uri=uri)
    request.headers.put("To", "<tel:+48221234567,5>")
    caller = office.identifier.identify(request, Hop("udp", "198.18.0.1", 5060), 0.0)
    assert caller == TrunkCaller(PROVIDER, TelUri("+48221234567", post_dial=",5"))


@pytest.mark.parametrize(
    ("party", "dialled"),
    [
        ("<sip:+48221230001@ims.example;user=phone>", "+48221230001"),
        ("<tel:+48221230001>", "+48221230001"),
        ("<sip:ims.example>", "+48600700800"),
        ("<sip:u@ims.example>", "+48600700800"),
        ("<sip:+48221230001", "+48600700800"),
    ],
)
def test_rfc7315_4_2_the_party_that_the_providers_network_called_counts_before_whom_the_caller_dialled(
    party: str, dialled: str
) -> None:
    office = Office()
    request = Desk(user="+48500600700").request("INVITE", uri="sip:0123456789abcdef@203.0.113.1")
    request.headers.put("To", "<sip:+48600700800@mobiles.example>")  # who has forwarded the call to us
    request.headers.put("P-Called-Party-ID", party)
    caller = office.identifier.identify(request, Hop("udp", "198.18.0.1", 5060), 0.0)
    assert isinstance(caller, TrunkCaller)
    assert read_dialled(caller.dialled, country="PL").number == dialled


def test_rfc3327_a_proxy_by_which_phones_and_a_trunk_come_is_told_apart_by_who_calls() -> None:
    office, proxy = Office(), Hop("udp", "192.0.2.9", 5060)
    path = (f"<sip:{proxy.authority};lr>",)
    office.bindings.put(Binding("anna", "sip:101@10.0.0.7", proxy, 0.0, 3600.0, "d", 1, path=path), now=0.0)
    assert office.identify(proxy.host) == TrunkCaller(BY_ADDRESS, SipUri("+48221230001", "203.0.113.1"))
    assert isinstance(office.identify(proxy.host, user="101"), NeedsAuth)
    elsewhere = Hop("udp", "198.18.0.9", 5060)  # where no trunk calls from
    office.bindings.put(
        Binding("anna", "sip:101@10.0.0.8", elsewhere, 0.0, 3600.0, "e", 1, path=path), now=0.0
    )
    assert isinstance(office.identify(elsewhere.host), NeedsAuth)


def test_a_stranger_is_a_stranger_and_mentioned_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    office = Office()
    with caplog.at_level(logging.WARNING, logger="b2bua.registrar.identify"):
        for now in (0.0, 1.0, 59.0, 61.0):
            assert office.identify("198.18.0.1", now=now) == Stranger(Hop("udp", "198.18.0.1", 5060))
    assert [record.getMessage() for record in caplog.records] == [
        f"refused a call from udp:198.18.0.1:5060, which is no trunk and no phone, to {DIALLED}"
    ] * 2


def test_a_scan_from_many_addresses_does_not_fill_the_memory() -> None:
    office = Office()
    for number in range(MAX_STRANGERS + 50):
        office.identify(f"10.1.{number // 256}.{number % 256}")
    assert len(office.identifier._mentioned) == MAX_STRANGERS


def test_whoever_claims_to_be_one_of_us_has_to_prove_it() -> None:
    office, desk = Office(), Desk(source=Hop("udp", "198.18.0.7", 5060))
    invite = desk.request("INVITE", uri=DIALLED)
    challenge = office.identifier.identify(invite, desk.source, 0.0)
    assert isinstance(challenge, NeedsAuth)
    assert challenge.status == 401
    proven = office.identifier.identify(desk.answered(invite, challenge), desk.source, 0.0)
    assert proven == Phone(ANNA)


def test_a_registered_phone_is_challenged_on_its_own_flow_too() -> None:
    office, desk = Office(), Desk()
    invite = desk.request("INVITE", uri=DIALLED)
    challenge = office.identifier.identify(invite, FLOW, 0.0)
    assert isinstance(challenge, NeedsAuth)
    assert office.identifier.identify(desk.answered(invite, challenge), FLOW, 0.0) == Phone(ANNA)


@pytest.mark.parametrize(
    ("signed", "is_taken"),
    [
        ("sip:+48221230007@office.example", True),
        ("sip:%2B48221230007@192.0.2.1:5060;transport=udp", True),  # before a proxy wrote our address
        ("sip:192.0.2.1:5060", True),  # SIPp
        ("sip:::1:5060", True),  # SIPp, by IPv6
        ("tel:+48221230007", True),
        ("sip:+4822999@office.example", False),  # overheard, to be used for another number
        ("sip:@", False),
        ("mailto:x@office.example", False),
    ],
)
def test_rfc7616_3_4_6_rfc3261_22_4_a_proof_is_for_whom_it_was_made(signed: str, *, is_taken: bool) -> None:
    office, desk = Office(), Desk()
    invite = desk.request("INVITE", uri="sip:+48221230007@office.example")
    challenge = office.identifier.identify(invite, FLOW, 0.0)
    assert isinstance(challenge, NeedsAuth)
    made = desk.answered(Request("INVITE", signed, invite.headers), challenge)
    met = office.identifier.identify(Request("INVITE", invite.uri, made.headers), FLOW, 0.0)
    assert met == (Phone(ANNA) if is_taken else NeedsAuth(400, "Digest Is for Another Address", ()))


def test_the_password_counts_not_the_name_in_from() -> None:
    office, desk = Office(), Desk(user="101")
    invite = desk.request("INVITE", uri=DIALLED)
    invite.headers.put("From", "<sip:102@office.example>;tag=1")
    challenge = office.identifier.identify(invite, FLOW, 0.0)
    assert isinstance(challenge, NeedsAuth)
    assert office.identifier.identify(desk.answered(invite, challenge), FLOW, 0.0) == Phone(ANNA)


def test_the_demo_trunk_and_the_phones_share_127_0_0_1_and_are_told_apart_by_flow() -> None:
    office = Office()
    office.register(Hop("udp", "127.0.0.1", 5071))
    assert isinstance(office.identify("127.0.0.1", port=5071), NeedsAuth)
    for user in ("+48600100200", "101"):
        caller = office.identify("127.0.0.1", port=5072, user=user)
        assert isinstance(caller, TrunkCaller)
        assert caller.trunk == DEMO


def test_a_phone_whose_registration_ran_out_leaves_its_port_to_the_trunk() -> None:
    office = Office()
    office.register(Hop("udp", "127.0.0.1", 5071))
    assert isinstance(office.identify("127.0.0.1", port=5071, now=3600.0), TrunkCaller)


def test_guessing_passwords_by_invite_is_refused_as_by_register() -> None:
    office, source = Office(), Hop("udp", "198.18.0.7", 5060)
    for _ in range(3):
        desk = Desk(password="guess", source=source)
        invite = desk.request("INVITE", uri=DIALLED)
        challenge = office.identifier.identify(invite, source, 0.0)
        assert isinstance(challenge, NeedsAuth)
        office.identifier.identify(desk.answered(invite, challenge), source, 0.0)
    refusal = office.identify(source.host, user="101")
    assert isinstance(refusal, NeedsAuth)
    assert (refusal.status, refusal.headers) == (403, ())


def test_an_extension_without_a_password_cannot_be_claimed() -> None:
    assert isinstance(Office().identify("198.18.0.1", user="104"), NeedsAuth)
