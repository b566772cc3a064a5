"""What the endpoint answers before any session exists (RFC 3261 §8.2, §9.2, §16.3) and to garbage."""

from __future__ import annotations

import asyncio
import logging
from random import Random

import pytest

from b2bua.errors import LegEnded
from b2bua.sip.endpoint import ServerRequest, SipEndpoint
from b2bua.sip.message import Headers, Request
from b2bua.sip.session import IncomingInvite
from b2bua.sip.transport.hop import Hop
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, OFFER, Answerer, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted


class Waiting:
    """Takes calls and leaves them waiting."""

    def __init__(self, endpoint: SipEndpoint) -> None:
        self.invites: list[IncomingInvite] = []
        endpoint.on_invite = self.invites.append


def caller_and_waiting() -> tuple[Scripted, SipEndpoint, Waiting]:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    return alice, bob, Waiting(bob)


def cancel_of(invite: Request) -> Request:
    headers = invite.headers.copy()
    headers.put("CSeq", f"{invite.cseq.number} CANCEL")
    headers.remove("Content-Type")
    return Request("CANCEL", invite.uri, headers)


@virtual_time
async def test_rfc3261_9_2_cancel_is_answered_with_the_tag_of_its_invite_which_gets_487() -> None:
    alice, bob, waiting = caller_and_waiting()
    invite = alice.invite(BOB)
    await alice.response(100)
    waiting.invites[0].progress(180)
    ringing = await alice.response(180)
    alice.send(cancel_of(invite), BOB)
    ok = await alice.response(200)
    terminated = await alice.response(487)
    assert ringing.to.tag == ok.to.tag == terminated.to.tag
    assert waiting.invites[0].ended.result().by == "remote"
    with pytest.raises(LegEnded):
        waiting.invites[0].accept(ANSWER)
    waiting.invites[0].progress(180)
    waiting.invites[0].reject(486)
    await asyncio.sleep(200)
    assert alice.statuses.count(486) == 0
    assert not any(bob.alive().values())


@virtual_time
async def test_rfc3261_9_2_cancel_without_its_invite_gets_481_and_after_the_answer_changes_nothing() -> None:
    alice, _bob, waiting = caller_and_waiting()
    invite = alice.invite(BOB)
    await alice.response(100)
    stray = cancel_of(invite)
    stray.headers.put("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKother;rport")
    alice.send(stray, BOB)
    await alice.response(481)
    session = waiting.invites[0].accept(ANSWER)
    answer = await alice.response(200)
    alice.ack(invite, answer)
    alice.send(cancel_of(invite), BOB)
    await alice.response(200)
    assert not session.ended.done()


@virtual_time
async def test_rfc3261_15_1_2_bye_in_the_early_dialog_ends_the_invite_with_487() -> None:
    alice, _bob, waiting = caller_and_waiting()
    invite = alice.invite(BOB)
    await alice.response(100)
    waiting.invites[0].progress(183, body=ANSWER)
    early = await alice.response(183)
    assert early.body == ANSWER
    alice.within(invite, early, "UPDATE", cseq=2, body=OFFER)
    await alice.response(500)
    alice.within(invite, early, "BYE", cseq=3)
    await alice.response(200)
    await alice.response(487)
    assert waiting.invites[0].ended.done()


@virtual_time
async def test_d1_an_unanswered_invite_repeats_its_progress_every_55_s_rfc3261_13_3_1_1() -> None:
    alice, _bob, waiting = caller_and_waiting()
    alice.invite(BOB)
    await alice.response(100)
    loop = asyncio.get_running_loop()
    started = loop.time()
    waiting.invites[0].progress(180)
    await alice.response(180)
    times = []
    for _ in range(3):
        await alice.response(180)
        times.append(round(loop.time() - started))
    assert times == [55, 110, 165]
    waiting.invites[0].progress(183)
    await alice.response(183)
    await alice.response(183)
    assert round(loop.time() - started) == 220
    waiting.invites[0].reject(486)
    await alice.response(486)


@virtual_time
async def test_rfc3261_14_2_a_second_invite_before_the_first_is_answered_is_to_come_again_later() -> None:
    alice, _bob, waiting = caller_and_waiting()
    invite = alice.invite(BOB)
    await alice.response(100)
    waiting.invites[0].progress(183, body=ANSWER)
    early = await alice.response(183)
    alice.within(invite, early, "INVITE", cseq=2, body=OFFER)
    assert int((await alice.response(500)).headers.get("Retry-After") or -1) in range(11)
    waiting.invites[0].accept(ANSWER)
    await alice.response(200)


@virtual_time
async def test_rfc3261_18_2_2_what_cannot_be_read_is_refused_at_the_port_that_via_names() -> None:
    network = MemoryNetwork()
    alice, listening = Scripted(network, ALICE), Scripted(network, Hop("udp", ALICE.host, 5070))
    endpoint(network, BOB)
    for number, (port, hears) in enumerate(((";rport", alice), (":5070", listening), (":5070;rport", alice))):
        via = ("Via", f"SIP/2.0/UDP {ALICE.host}{port};branch=z9hG4bKm{number}")
        alice.invite(BOB, call_id=f"broken {number}", headers=(via,))
        assert (await hears.response(400)).via.branch == f"z9hG4bKm{number}"
    assert (alice.statuses, listening.statuses) == ([400, 400], [400])


@virtual_time
async def test_rfc3261_8_2_requests_that_cannot_be_served_are_told_why() -> None:
    alice, bob, _waiting = caller_and_waiting()
    alice.invite(BOB, call_id="a", headers=(("Require", "100rel, magic, spells"),))
    assert (await alice.response(420)).headers.get("Unsupported") == "magic, spells"
    alice.invite(BOB, call_id="b", headers=(("Max-Forwards", "0"),))
    await alice.response(483)
    alice.invite(BOB, call_id="c", method="MESSAGE", body=b"")
    assert "INVITE" in ((await alice.response(405)).headers.get("Allow") or "")
    alice.invite(BOB, call_id="d", headers=(("Content-Type", "text/plain"),))
    alice.invite(BOB, call_id="e", method="BYE", body=b"", headers=(("To", "<sip:you@x>;tag=gone"),))
    await alice.response(481)
    alice.invite(BOB, call_id="f")
    await alice.response(100)
    alice.invite(BOB, call_id="f")  # the same request by another way
    await alice.response(482)
    seen: list[ServerRequest] = []
    bob.on_request = seen.append
    alice.invite(BOB, call_id="g", method="REGISTER", body=b"")
    await asyncio.sleep(0.1)
    seen[0].respond(200, headers=(("Contact", "<sip:x@10.0.0.1>;expires=60"),))
    assert (await alice.response(200)).contact is not None


@virtual_time
async def test_rfc3581_the_answer_says_and_uses_the_address_the_request_came_from() -> None:
    alice, _bob, _waiting = caller_and_waiting()
    alice.invite(BOB, headers=(("Via", "SIP/2.0/UDP 192.168.7.7:6666;branch=z9hG4bKnat;rport"),))
    trying = await alice.response(100)
    assert (trying.via.received, trying.via.rport) == ("10.0.0.1", 5060)
    assert trying.via.host == "192.168.7.7"


@virtual_time
async def test_rfc3581_a_phone_behind_nat_that_does_not_ask_for_it_is_answered_where_it_is_all_the_same() -> (
    None
):
    network = MemoryNetwork()
    phone = Scripted(network, Hop("udp", "203.0.113.7", 40_000))
    named = Scripted(network, Hop("udp", "203.0.113.7", 5070))
    endpoint(network, BOB).on_request = lambda server: server.respond(200) and None
    for number, (host, hears) in enumerate((("192.168.7.7", phone), ("203.0.113.7", named))):
        via = ("Via", f"SIP/2.0/UDP {host}:5070;branch=z9hG4bKo{number}")
        phone.invite(BOB, method="OPTIONS", body=b"", call_id=str(number), headers=(via,))
        assert (await hears.response(200)).via.branch == f"z9hG4bKo{number}"


@virtual_time
async def test_a_caller_whose_network_died_ends_a_waiting_invite() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    waiting = Waiting(bob)
    call(alice)
    await asyncio.sleep(0.1)
    bob._layer.destination_failed(ALICE, "No route to host", is_final=False)
    assert not waiting.invites[0].ended.done()
    network.release(ALICE)
    waiting.invites[0].progress(180)
    assert (await asyncio.wait_for(waiting.invites[0].ended, 1)).by == "network"


@virtual_time
async def test_close_hangs_up_cancels_and_refuses_and_nothing_waits_for_ever() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    carol = Scripted(network, hop := BOB.__class__("udp", "10.0.0.3", 5060))
    answerer = Answerer(bob)
    talking = call(alice)
    await asyncio.sleep(0.1)
    ringing = call(alice, hop)
    carol.answer(await carol.request("INVITE"), 180, tag="c")
    pending = asyncio.ensure_future(alice.request(Request("OPTIONS", "sip:carol@10.0.0.3", Headers()), hop))
    await asyncio.sleep(0.1)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await alice.close()
    assert loop.time() - started < 2.1
    assert answerer.sessions[0].ended.done()
    assert (await carol.request("CANCEL")).method == "CANCEL"
    assert (await pending).is_local
    while (event := await ringing.next_event()).__class__.__name__ != "Refused":
        assert event
    assert talking.is_done


def garbage(random: Random) -> bytes:
    """Return a message that is broken in one or more places, or random bytes."""
    lines = [
        random.choice(["INVITE", "BYE", "ACK", "CANCEL", "REGISTER", "X", ""]) + " sip:b@10.0.0.2 SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK" + str(random.randrange(99)),
        "From: <sip:a@b>;tag=1",
        "To: <sip:b@10.0.0.2>" + random.choice(["", ";tag=2", ";tag=", ";tag"]),
        "Call-ID: x" + str(random.randrange(9)),
        "CSeq: 1 " + random.choice(["INVITE", "BYE", "ACK", "CANCEL", "REGISTER"]),
        "Contact: <sip:a@10.0.0.1>",
        "Record-Route: <sip:p;lr>",
        "Max-Forwards: 70",
        "Require: " + random.choice(["", "a", ",,"]),
        "Content-Type: application/sdp",
        "Content-Length: " + random.choice(["0", "3", "-1", "99999999999", "x"]),
    ]
    if random.random() < 0.3:
        lines[0] = random.choice(["SIP/2.0 200 OK", "SIP/2.0 180", "SIP/2.0 999 X", "SIP/2.0 1"])
    for _ in range(random.randrange(4)):
        lines.pop(random.randrange(len(lines)))
    wire = bytearray("\r\n".join(lines).encode() + b"\r\n\r\nabc")
    for _ in range(random.randrange(6)):
        wire[random.randrange(len(wire))] = random.choice(b'\x00\xff<>";,:@ \r\n=%*')
    return bytes(wire) if random.random() < 0.95 else random.randbytes(random.randrange(200))


@virtual_time
async def test_rfc4475_no_datagram_raises_reaches_the_log_or_leaves_anything_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    bob.on_request = lambda server: server.respond(200) and None
    bob.on_invite = lambda invite: invite.reject(486)
    random = Random(7)
    with caplog.at_level(logging.WARNING):
        for _ in range(4000):
            alice.send_bytes(garbage(random), BOB)
        await asyncio.sleep(1)
    assert faults == []
    assert caplog.records == []
    assert alice.statuses.count(400) > 50
    await asyncio.sleep(300)
    assert not any(bob.alive().values())


@virtual_time
async def test_rfc3261_8_2_2_1_a_request_uri_of_a_scheme_that_cannot_be_called_is_refused_with_416() -> None:
    alice, bob, waiting = caller_and_waiting()
    bob.on_request = lambda request: request.respond(200) and None
    for number, (uri, method, status) in enumerate(
        (
            ("nobodyKnowsThisScheme:totallyopaquecontent", "OPTIONS", 416),
            ("soap.beep://192.0.2.103:3002", "INVITE", 416),
            ("urn:service:sos", "INVITE", 416),
            ("isbn:2983792873", "REGISTER", 416),
            ("tel:+48221234567", "OPTIONS", 200),
            ("sips:bob@10.0.0.2", "OPTIONS", 200),
        )
    ):
        request = alice.invite(BOB, call_id=f"scheme-{number}", method=method, body=b"")
        other = Request(method, uri, request.headers.copy())
        other.headers.put("Call-ID", f"other-{number}")
        other.headers.put("Via", f"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKother{number};rport")
        alice.send(other, BOB)
        while (await alice.response(status)).call_id != f"other-{number}":
            pass
    assert len(waiting.invites) == 2  # those to sip:, which `invite` sent


@virtual_time
async def test_rfc3261_8_1_1_8_an_invite_without_a_contact_is_refused_unless_it_is_older_than_contacts() -> (
    None
):
    alice, _, waiting = caller_and_waiting()
    for name, contact, branch, status in (
        ("none", None, "z9hG4bKnone", 400),
        ("mail", "<mailto:x@y>", "z9hG4bKmail", 400),
        ("tel", "<tel:+48221234567>", "z9hG4bKtel", 100),
        ("rfc2543", None, "1", 100),
    ):
        invite = alice.invite(BOB, call_id=f"sent-{name}")
        other = Request("INVITE", invite.uri, invite.headers.copy(), invite.body)
        other.headers.put("Call-ID", name)
        other.headers.put("Via", f"SIP/2.0/UDP 10.0.0.1:5060;branch={branch};rport")
        other.headers.remove("Contact")
        if contact is not None:
            other.headers.add("Contact", contact)
        alice.send(other, BOB)
        while (await alice.response(status)).call_id != name:
            pass
    assert [each.call_id for each in waiting.invites if "-" not in each.call_id] == ["tel", "rfc2543"]


@pytest.mark.parametrize("method", ["BYE", "INFO", "NOTIFY", "PRACK", "UPDATE"])
@virtual_time
async def test_rfc3261_15_1_2_rfc3311_5_2_rfc3262_3_what_belongs_to_no_dialog_gets_481(method: str) -> None:
    alice, bob, _ = caller_and_waiting()
    bob.on_request = lambda request: request.respond(405) and None
    alice.invite(BOB, method=method, body=b"")
    await alice.response(481)


@virtual_time
async def test_rfc3261_8_2_2_3_options_for_proxies_are_none_of_ours() -> None:
    alice, _, waiting = caller_and_waiting()
    alice.invite(BOB, call_id="a", headers=(("Proxy-Require", "gibberish"),))
    await alice.response(100)
    assert len(waiting.invites) == 1
    alice.invite(BOB, call_id="b", headers=(("Proxy-Require", "gibberish"), ("Require", "magic")))
    assert (await alice.response(420)).headers.get("Unsupported") == "magic"


@virtual_time
async def test_rfc3327_a_required_extension_of_one_method_is_understood_there_and_nowhere_else() -> None:
    alice, bob, _ = caller_and_waiting()
    bob.on_request = lambda request: request.respond(200) and None
    bob.understood = {"REGISTER": frozenset(("path",))}
    alice.invite(BOB, call_id="a", method="REGISTER", body=b"", headers=(("Require", "path"),))
    await alice.response(200)
    alice.invite(BOB, call_id="b", method="REGISTER", body=b"", headers=(("Require", "path, gruu"),))
    assert (await alice.response(420)).headers.get("Unsupported") == "gruu"
    alice.invite(BOB, call_id="c", headers=(("Require", "path"),))
    assert (await alice.response(420)).headers.get("Unsupported") == "path"


@pytest.mark.parametrize(
    ("accept", "is_taken"),
    [
        ((), True),
        (("application/sdp",), True),
        (("application/isup, Application/SDP;level=1",), True),
        (("text/html", "application/*;q=0.5"), True),
        (("*/*",), True),
        (("application/sdp;q=0.001",), True),
        (("text/nobodyKnowsThis",), False),
        (("",), False),
        (("application/sdp;q=0.0, */*",), False),
        (("application/*;q=0, text/plain",), False),
        (('application/sdp;x="', "text/html"), True),
    ],
)
def test_rfc3261_20_1_rfc4475_3_3_15_who_takes_no_sdp_is_refused_with_406(
    accept: tuple[str, ...], is_taken: bool
) -> None:
    @virtual_time
    async def story() -> None:
        alice, _, waiting = caller_and_waiting()
        alice.invite(BOB, headers=tuple(("Accept", value) for value in accept))
        if is_taken:
            await alice.response(100)
        else:
            await alice.response(406)
        assert bool(waiting.invites) is is_taken

    story()
