"""Small courtesies of requests and responses: Retry-After, Reason of a CANCEL, stale nonces, auth-int."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.sip.digest import Authorization, Credentials, verify
from b2bua.sip.message import Request
from b2bua.sip.session import Answered, IncomingInvite, Refused
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, Answerer, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted


@virtual_time
async def test_rfc3261_20_33_retry_after_of_a_refusal_is_surfaced() -> None:
    for status, text, seconds in (
        (480, "120", 120),
        (486, "60 (in a meeting);duration=3600", 60),
        (503, "5;duration=10", 5),
        (503, "soon", None),
    ):
        network = MemoryNetwork()
        alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
        invite = call(alice)
        bob.answer(await bob.request("INVITE"), status, tag="x", headers=(("Retry-After", text),))
        refused = await invite.next_event()
        assert isinstance(refused, Refused)
        assert (refused.status, refused.retry_after) == (status, seconds)


@virtual_time
async def test_rfc3326_the_reason_of_a_cancel_is_told_in_words() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    invite = alice.invite(BOB)
    await alice.response(100)
    headers = invite.headers.copy()
    headers.put("CSeq", "1 CANCEL")
    headers.remove("Content-Type")
    headers.add("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
    alice.send(Request("CANCEL", invite.uri, headers), BOB)
    ending = await invites[0].ended
    assert ending.why == "hung up before the answer: Call completed elsewhere"
    assert ending.status == 200


@virtual_time
async def test_rfc3261_22_4_a_stale_nonce_is_answered_again_and_auth_int_covers_the_sdp() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=Credentials("alice", "secret"))
    challenge = 'Digest realm="r", nonce="{}", qop="auth-int", algorithm=SHA-256{}'
    for nonce, stale in (("one", ""), ("two", ", stale=true")):
        request = await bob.request("INVITE")
        line = ("Proxy-Authenticate", challenge.format(nonce, stale))
        bob.answer(request, 407, tag="x", headers=(line,))
    request = await bob.request("INVITE")
    proof = Authorization.parse(request.headers.get("Proxy-Authorization") or "")
    assert (proof.nonce, proof.qop, proof.algorithm) == ("two", "auth-int", "SHA-256")
    assert verify(proof, "INVITE", password="secret", body=request.body)
    assert not verify(proof, "INVITE", password="secret", body=b"another")
    bob.answer(request, 200, tag="x", body=ANSWER)
    assert isinstance(await invite.next_event(), Answered)


@virtual_time
async def test_rfc3262_a_challenged_prack_and_update_are_answered_in_the_dialogs_order() -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=Credentials("alice", "secret"))
    request = await bob.request("INVITE")
    bob.answer(request, 183, tag="x", body=ANSWER, headers=(("Require", "100rel"), ("RSeq", "1")))
    line = ("Proxy-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
    first = await bob.request("PRACK")
    bob.answer(first, 407, headers=(line,))
    second = await bob.request("PRACK")
    assert second.cseq.number == first.cseq.number + 1
    assert second.headers.get("RAck") == "1 1 INVITE"
    assert "Proxy-Authorization" in second.headers
    bob.answer(second, 200)
    bob.answer(request, 200, tag="x")
    while not isinstance(event := await invite.next_event(), Answered):
        pass
    pending = asyncio.ensure_future(event.session.update(ANSWER))
    third = await bob.request("UPDATE")
    assert third.cseq.number == second.cseq.number + 1
    bob.answer(third, 407, headers=(line,))
    bob.answer(await bob.request("UPDATE"), 200, body=ANSWER)
    assert await pending == ANSWER


@virtual_time
async def test_rfc3261_8_2_2_3_only_what_we_do_not_know_is_refused() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    known = ("Require", "timer, 100rel, replaces, norefersub")
    alice.invite(BOB, call_id="known", headers=(known,))
    await alice.response(100)
    await asyncio.sleep(0.1)
    assert len(invites) == 1
    alice.invite(BOB, call_id="unknown", headers=(("Require", "timer, precondition"),))
    assert (await alice.response(420)).headers.get("Unsupported") == "precondition"


@pytest.mark.parametrize("status", [500, 491])
@virtual_time
async def test_rfc3311_5_1_an_update_that_meets_another_offer_comes_again(status: int) -> None:
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice)
    bob.answer(await bob.request("INVITE"), 200, tag="x", body=ANSWER)
    event = await invite.next_event()
    assert isinstance(event, Answered)
    pending = asyncio.ensure_future(event.session.update(ANSWER))
    started = asyncio.get_running_loop().time()
    bob.answer(await bob.request("UPDATE"), status, headers=(("Retry-After", "3"),))
    bob.answer(await bob.request("UPDATE"), 200, body=ANSWER)
    assert await pending == ANSWER
    assert 2 <= asyncio.get_running_loop().time() - started <= 4.1


@virtual_time
@pytest.mark.parametrize("name", ["Content-Encoding", "e"])
async def test_rfc3261_8_2_3_a_compressed_body_is_refused_by_what_we_read(name: str) -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    alice.invite(BOB, call_id="packed", headers=((name, "gzip"),))
    refusal = await alice.response(415)
    assert refusal.headers.get("Accept") == "application/sdp"
    assert refusal.headers.get("Accept-Encoding") == "identity"
    alice.invite(BOB, call_id="plain", headers=((name, "identity"),))
    await alice.response(100)
    await asyncio.sleep(0.1)
    assert len(invites) == 1


@virtual_time
async def test_rfc3261_20_11_a_body_that_need_not_be_read_is_passed_over() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    kind = ("Content-Type", "application/isup;version=itu-t92+")
    for number, needed in enumerate(("signal", "signal;handling=required", "signal;handling=optional;=")):
        lines = (kind, ("Content-Disposition", needed))
        alice.invite(BOB, call_id=f"needed-{number}", body=b"\x01\x00", headers=lines)
        await alice.response(415)
    may_be = (kind, ("Content-Disposition", "signal;handling=Optional"))
    alice.invite(BOB, call_id="may-be-read", body=b"\x01\x00", headers=may_be)
    assert (await alice.response(200)).body
    assert [invite.offer for invite in answerer.invites] == [None]
