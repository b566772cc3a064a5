"""``sips:`` (RFC 3261 §26.2, RFC 5630): whoever is called by it is called by TLS, or at once not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from b2bua.call.callee import Dial, Reached
from b2bua.demo.softphone import CallRefused, Habit, PlacedCall, Softphone
from b2bua.inbound.secured import NO_TLS, secured
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Response, parse_message
from b2bua.sip.session.redirection import Redirection
from b2bua.sip.transport.hop import Hop
from b2bua.sip.uri import parse_uri
from b2bua.store.calls import CallOutcome, EventKind
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import CALLER, NUMBER, SERVER, SERVER_TLS, Office, office

TAKES_IT = Habit(answers_after=1)
SIPS = f"sips:{NUMBER}@127.0.0.1:5061"


def ring(*targets: str) -> str:
    listed = ", ".join(f'"{target}"' for target in targets)
    return f'[[step]]\nring = [{listed}]\nfor = "10s"\n\n[[step]]\nvoicemail = "sales"\n'


async def by_sips(demo: Office) -> PlacedCall:
    """Call the office from the trunk by TLS and ``sips:``."""
    trunk = await demo.softphone("trunk", 6501, transport="tls")
    return await trunk.call(SERVER_TLS, NUMBER, from_number=CALLER, uri=SIPS)


async def tls_phone(demo: Office, extension: str, *, contact: str = "") -> Softphone:
    """Return a phone that is registered over TLS."""
    port = 5200 + int(extension)
    phone = await demo.softphone(f"tls {extension}", port, transport="tls")
    contact = contact or f"<sips:{extension}@127.0.0.1:{port}>"
    response = await phone.register(SERVER_TLS, extension, f"demo-{extension}", contact=contact)
    assert response.status == 200, response.status
    phone.habit = TAKES_IT
    return phone


def ways(demo: Office) -> list[tuple[str, str]]:
    """Return transport and scheme of each INVITE that the office sent."""
    ours = (SERVER.port, SERVER_TLS.port)
    sent = [packet for packet in demo.packets("INVITE") if packet.source.port in ours]
    return [(packet.destination.transport, packet.start_line.split()[1].split(":")[0]) for packet in sent]


@virtual_time(limit_s=600)
async def test_rfc3261_26_2_2_a_sips_target_is_called_by_tls_and_told_a_sips_contact(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("sips:head@127.0.0.1:5401"), tls=True) as demo:
        head = await demo.softphone("another PBX", 5401, transport="tls")
        head.habit = TAKES_IT
        leg = await (await demo.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(1)
        assert ways(demo) == [("tls", "sips")]
        contact = head.invitations[0].invite.request.headers.get("Contact") or ""
        assert contact.startswith("<sips:")  # RFC 5630 §5.1.1.2
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_rfc3261_26_2_2_a_sips_target_without_tls_fails_at_once_and_the_next_step_goes_on(
    tmp_path: Path,
) -> None:
    scheme = '[[step]]\nring = ["sips:head@127.0.0.1:5401"]\nfor = "20s"\n' + ring("101")
    async with office(tmp_path, scheme=scheme) as demo:  # we have no TLS ourselves
        await demo.phone("101", TAKES_IT)
        began = demo.now
        leg = await (await demo.call_in(NUMBER)).answered(within=3)
        assert demo.now - began < 1.5
        leg.hang_up()
        [call] = await demo.stories()
        assert call.outcome is CallOutcome.TALKED
        assert (
            "head@127.0.0.1:5401 was not rung: the call needs TLS (sips:), and there is no such way"
            in story(call)
        )
        assert ways(demo) == [("udp", "sip")]


@virtual_time(limit_s=600)
async def test_rfc3261_26_2_2_an_account_by_udp_is_no_way_to_a_sips_target_there(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ring("sips:1001@127.0.0.1:5090"), tls=True) as demo:
        mobiles = await demo.mobiles(TAKES_IT)  # the trunk demo-out is there, by UDP
        await (await demo.call_in(NUMBER)).answered(within=3)
        assert mobiles.invitations == []
        assert ways(demo) == []


@virtual_time(limit_s=600)
async def test_rfc5630_5_2_a_phone_with_a_sips_contact_is_called_by_tls_whoever_calls(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("101"), tls=True) as demo:
        phone = await tls_phone(demo, "101")
        leg = await (await demo.call_in(NUMBER)).answered(within=5)
        await asyncio.sleep(1)
        assert len(phone.invitations) == 1
        assert ways(demo) == [("tls", "sips")]
        leg.hang_up()
        await demo.settled()


@virtual_time(limit_s=600)
async def test_rfc5630_5_2_a_sips_contact_that_came_over_udp_is_called_by_tls_at_its_address(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ring("101"), tls=True) as demo:
        listening = await demo.softphone("listens by TLS", 5301, transport="tls")
        listening.habit = TAKES_IT
        registers = await demo.softphone("registers by UDP", 5302)
        response = await registers.register(SERVER, "101", "demo-101", contact="<sips:101@127.0.0.1:5301>")
        assert response.status == 200
        await (await demo.call_in(NUMBER)).answered(within=5)
        assert ways(demo) == [("tls", "sips")]
        assert registers.invitations == []


@virtual_time(limit_s=600)
async def test_rfc3261_26_2_2_a_call_by_sips_rings_what_is_reached_by_tls_alone(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ring("101", "102", "+48600999888"), tls=True) as demo:
        udp = await demo.phone("101", TAKES_IT)
        mobiles = await demo.mobiles(TAKES_IT)
        tls = await tls_phone(demo, "102", contact="<sip:102@127.0.0.1:5302;transport=tls>")
        leg = await (await by_sips(demo)).answered(within=5)
        assert [len(each.invitations) for each in (udp, mobiles, tls)] == [0, 0, 1]
        leg.hang_up()
        [call] = await demo.stories()
        why = {event.who: event.detail for event in call.events if event.kind is EventKind.OFFLINE}
        assert set(why) == {"Anna Nowak", "+48600999888"}
        assert set(why.values()) == {NO_TLS}


@virtual_time(limit_s=600)
async def test_rfc3261_26_2_2_a_call_by_sip_over_tls_may_ring_by_udp(tmp_path: Path) -> None:
    async with office(tmp_path, scheme=ring("101"), tls=True) as demo:
        await demo.phone("101", TAKES_IT)
        trunk = await demo.softphone("trunk", 6501, transport="tls")
        await (await trunk.call(SERVER_TLS, NUMBER, from_number=CALLER)).answered(within=5)
        assert ways(demo) == [("udp", "sip")]


@virtual_time(limit_s=600)
async def test_rfc3261_26_2_2_whoever_is_sent_to_a_sips_address_rings_there_by_tls_alone(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=ring("101"), tls=True) as demo:
        anna, udp = await demo.phone("101", TAKES_IT), await demo.phone("102", TAKES_IT)
        tls = await tls_phone(demo, "102", contact="<sip:102@127.0.0.1:5302;transport=tls>")
        await (await demo.call_in(NUMBER)).answered(within=5)
        first = (await anna.invited(within=5)).leg
        await asyncio.sleep(2)
        assert first.session is not None
        ours = first.session.refer(parse_uri("sips:102@127.0.0.1"), replaces=None)
        assert await ours.result == 200
        assert [len(each.invitations) for each in (udp, tls)] == [0, 1]


@virtual_time(limit_s=600)
async def test_rfc5630_5_3_a_caller_by_sips_for_whom_nobody_can_be_rung_gets_480_and_warning_380(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, scheme=DEAD_END, tls=True) as demo:
        await demo.phone("101", TAKES_IT)
        with pytest.raises(CallRefused):
            await (await by_sips(demo)).answered(within=5)
        refusals = [parse_message(packet.wire) for packet in demo.packets("SIP/2.0 480")]
        assert [each.headers.get("Warning") for each in refusals if isinstance(each, Response)] == [
            '380 b2bua "SIPS Not Allowed"'
        ]


DEAD_END = """
[scheme.tested]
allow-dead-end = true

[[step]]
ring = ["101"]
for = "10s"
"""


def test_rfc3261_8_1_3_4_a_redirection_does_not_lead_a_sips_call_out_of_tls() -> None:
    for target, expected in (
        ("sip:x@127.0.0.1:5402", None),
        ("sips:x@127.0.0.1:5402", "sips:x@127.0.0.1:5402"),
    ):
        redirection = Redirection("sips:head@127.0.0.1:5401", most=3)
        found = redirection.next_target(Response(302, "Moved", Headers([("Contact", f"<{target}>")])))
        assert (str(found) if found else None) == expected


@pytest.mark.parametrize(
    ("uri", "follows"), [("sip:+48600@carrier.example", 0), ("sips:a@carrier.example", 5)]
)
def test_rfc3261_26_2_2_a_call_by_sips_follows_no_3xx_of_a_trunk_that_may_name_any_way(
    uri: str, follows: int
) -> None:
    by_tls = Hop("tls", "192.0.2.1", 5061)
    dial = Dial("carrier", uri, by_tls, NameAddr.parse("<sip:us@x>"), most_redirects=5)
    reached = Reached("carrier", (dial,))
    [safe] = secured(reached, needs_tls=True, has_way=lambda _: True).dials
    assert (safe.hop, safe.most_redirects) == (by_tls, follows)
    assert secured(reached, needs_tls=False, has_way=lambda _: True).dials[0].most_redirects == 5
