"""Challenges to requests of ours, inside and outside dialogs (RFC 3261 §22, RFC 7616; row F10)."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.sip.digest import Authorization, Challenge, Credentials, verify
from b2bua.sip.message import Headers, Request, response_to
from b2bua.sip.session import Answered, Refused
from b2bua.sip.session_timers import SessionTimers
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, OFFER, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted

CREDENTIALS = Credentials("anna", "secret")


def challenge(nonce: str = "n1", *, is_stale: bool = False) -> str:
    return str(Challenge(realm="office", nonce=nonce, is_stale=is_stale))


def proves(request: Request, header: str = "Authorization") -> bool:
    value = request.headers.get(header)
    return value is not None and verify(Authorization.parse(value), request.method, password="secret")


@virtual_time
async def test_rfc3261_22_2_invite_reinvite_and_bye_each_meet_their_challenge() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=CREDENTIALS)
    first = await bob.request("INVITE")
    bob.answer(first, 407, tag="x", headers=(("Proxy-Authenticate", challenge()),))
    assert (await bob.request("ACK")).via.branch == first.via.branch
    second = await bob.request("INVITE")
    assert proves(second, "Proxy-Authorization")
    assert (second.call_id, second.from_.tag) == (first.call_id, first.from_.tag)
    assert second.cseq.number == first.cseq.number + 1
    assert second.via.branch != first.via.branch
    bob.answer(second, 200, tag="y", body=ANSWER)
    assert (await bob.request("ACK")).cseq.number == second.cseq.number
    answered = await invite.next_event()
    assert isinstance(answered, Answered)
    pending = asyncio.ensure_future(answered.session.reinvite(OFFER))
    for method, status in (("INVITE", 401), ("INVITE", 200)):
        request = await bob.request(method)
        bob.answer(request, status, body=ANSWER, headers=(("WWW-Authenticate", challenge("n2")),))
    assert proves(request)
    assert await pending == ANSWER
    answered.session.bye()
    bob.answer(await bob.request("BYE"), 401, headers=(("WWW-Authenticate", challenge("n3")),))
    again = await bob.request("BYE")
    assert proves(again)
    assert again.cseq.number == request.cseq.number + 2
    bob.answer(again, 200)
    await asyncio.sleep(100)
    assert not any(alice.alive().values())


@virtual_time
async def test_rfc3261_22_1_the_ack_of_an_answer_and_of_a_refusal_carries_the_credentials_of_its_invite() -> (
    None
):
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=CREDENTIALS)
    proofs = []
    for proof in (challenge(), challenge("n2", is_stale=True)):
        asked = await bob.request("INVITE")
        bob.answer(asked, 407, tag="x", headers=(("Proxy-Authenticate", proof),))
        proofs.append((asked, await bob.request("ACK")))
    asked = await bob.request("INVITE")
    bob.answer(asked, 200, tag="y", body=ANSWER)
    proofs.append((asked, await bob.request("ACK")))
    answered = await invite.next_event()
    assert isinstance(answered, Answered)
    pending = asyncio.ensure_future(answered.session.reinvite(OFFER))
    bob.answer(await bob.request("INVITE"), 407, headers=(("Proxy-Authenticate", challenge("n3")),))
    asked = await bob.request("INVITE")
    bob.answer(asked, 200, body=ANSWER)
    assert await pending == ANSWER
    proofs.append((asked, await bob.request("ACK")))
    values = [[one.headers.all("Proxy-Authorization") for one in pair] for pair in proofs]
    assert all(asked == acked for asked, acked in values)
    assert [len(acked) for _, acked in values] == [0, 1, 1, 1]


@virtual_time
async def test_a_wrong_password_is_tried_once_and_a_stale_nonce_once_more() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=CREDENTIALS)
    for is_stale in (False, True, False):
        request = await bob.request("INVITE")
        header = ("WWW-Authenticate", challenge("n", is_stale=is_stale))
        bob.answer(request, 401, tag="x", headers=(header,))
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert refused.status == 401
    await asyncio.sleep(100)
    assert len([one for one in bob.seen if one.method == "INVITE"]) == 3


@virtual_time
async def test_rfc3261_22_3_each_proxy_on_the_way_may_ask_for_a_realm_of_its_own() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=CREDENTIALS)
    realms: list[list[str]] = []
    for asked in ([], ["a", "b"], ["c"], ["b"]):
        request = await bob.request("INVITE")
        proofs = [Authorization.parse(text) for text in request.headers.all("Proxy-Authorization")]
        assert all(verify(proof, "INVITE", password="secret") for proof in proofs)
        realms.append([proof.realm for proof in proofs])
        more = asked or ["a"]
        headers = [("Proxy-Authenticate", str(Challenge(realm=realm, nonce="n"))) for realm in more]
        bob.answer(request, 407, tag="x", headers=headers)
    refused = await invite.next_event()  # "b" once more, not stale: the password is wrong
    assert isinstance(refused, Refused)
    assert refused.status == 407
    assert realms == [[], ["a"], ["a", "b"], ["a", "b", "c"]]


@virtual_time
async def test_a_challenge_of_another_realm_than_the_trunks_is_not_answered() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=Credentials("anna", "secret", "office"))
    foreign = ("WWW-Authenticate", str(Challenge(realm="elsewhere", nonce="n")))
    bob.answer(
        await bob.request("INVITE"), 401, tag="x", headers=(foreign, ("WWW-Authenticate", challenge()))
    )
    request = await bob.request("INVITE")
    assert [Authorization.parse(each).realm for each in request.headers.all("Authorization")] == ["office"]
    bob.answer(request, 401, tag="x", headers=(foreign,))
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert refused.status == 401


@virtual_time
async def test_rfc7616_3_4_each_nonce_is_counted_once_more_when_the_invite_is_sent_again() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    alice.session_timers = SessionTimers(interval_s=90)
    invite = call(alice, credentials=CREDENTIALS)
    proxy, callee = "Proxy-Authorization", "Authorization"
    uses: list[tuple[int | None, int | None]] = []
    for status, header in (
        (407, ("Proxy-Authenticate", challenge())),
        (401, ("WWW-Authenticate", challenge("n2"))),
        (422, ("Min-SE", "600")),
        (486, ("X-Over", "yes")),
    ):
        request = await bob.request("INVITE")
        found = [request.headers.get(name) for name in (proxy, callee)]
        first, second = (Authorization.parse(value).nc if value else None for value in found)
        uses.append((first, second))
        bob.answer(request, status, tag="x", headers=(header,))
        await bob.request("ACK")
    assert uses == [(None, None), (1, None), (2, 1), (3, 2)]
    assert proves(request, proxy)
    assert proves(request, callee)
    assert isinstance(await invite.next_event(), Refused)


@virtual_time
async def test_rfc3261_10_2_register_meets_its_challenge_and_says_which_cseq_it_used() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    register = Request(
        "REGISTER", "sip:office", Headers([("From", "<sip:a@office>"), ("To", "<sip:a@office>")])
    )
    pending = asyncio.ensure_future(alice.request(register, BOB, credentials=CREDENTIALS))
    first = await bob.request("REGISTER")
    headers = (
        ("WWW-Authenticate", 'Digest realm="office", nonce="x", algorithm=SHA3-999'),
        ("WWW-Authenticate", 'Digest realm="office", nonce="x", algorithm=SHA-256, qop="auth"'),
        ("WWW-Authenticate", challenge()),
    )
    bob.answer(first, 401, tag="x", headers=headers)
    second = await bob.request("REGISTER")
    assert proves(second)
    assert "SHA-256" in (second.headers.get("Authorization") or "")
    bob.answer(second, 200, tag="x")
    response = await pending
    assert (response.status, response.cseq.number) == (200, first.cseq.number + 1)
    assert "Via" not in register.headers


@virtual_time
async def test_a_request_ends_at_its_deadline_with_a_local_408() -> None:
    network = MemoryNetwork()
    alice = endpoint(network, ALICE)
    network.blackhole(BOB.host)
    loop = asyncio.get_running_loop()
    options = Request("OPTIONS", "sip:bob@10.0.0.2", Headers())
    response = await alice.request(options, BOB, deadline_s=2.0)
    assert (response.status, response.is_local) == (408, True)
    assert loop.time() == 2.0
    await asyncio.sleep(0)
    assert not any(alice.alive().values())


@pytest.mark.parametrize("way", ["two lines", "one line"])
@virtual_time
async def test_rfc3261_8_1_3_3_a_response_that_somebody_else_asked_for_is_dropped(way: str) -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice)
    request = await bob.request("INVITE")
    astray = response_to(request, 486, to_tag="x")
    below, ours = "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKelse", request.headers.all("Via")[0]
    if way == "two lines":
        astray.headers.add("Via", below)
    else:
        astray.headers.put("Via", f"{ours}, {below}")
    bob.send(astray, ALICE)
    bob.answer(request, 603, tag="x")
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert refused.status == 603
