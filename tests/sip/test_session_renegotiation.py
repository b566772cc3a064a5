"""Requests within a session: hold, late offers, glare, INFO, UPDATE, order (RFC 3261 §12.2, §14; row D9)."""

from __future__ import annotations

import asyncio

import pytest

from b2bua.errors import LegEnded, NotAcceptable
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Request, Response
from b2bua.sip.session import Answered, Session
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, OFFER, Answerer, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted

HOLD = OFFER + b"a=sendonly\r\n"


async def talking(network: MemoryNetwork) -> tuple[SipEndpoint, Session, SipEndpoint, Session]:
    """Return two endpoints in a call: caller, its session, callee, its session."""
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = call(alice)
    while not isinstance(event := await invite.next_event(), Answered):
        pass
    await asyncio.sleep(0.1)
    return alice, event.session, bob, answerer.sessions[0]


async def called_by_script(network: MemoryNetwork) -> tuple[Scripted, Session, Request, Response]:
    """Return a scripted caller in a call with an endpoint at BOB."""
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    bob.random.seed(asyncio.get_running_loop().time())
    answerer = Answerer(bob)
    invite = alice.invite(BOB)
    answer = await alice.response(200)
    alice.ack(invite, answer)
    await asyncio.sleep(0.1)
    return alice, answerer.sessions[0], invite, answer


@virtual_time
async def test_d9_hold_by_either_side_is_answered_rfc3261_14_2() -> None:
    network = MemoryNetwork()
    _, caller, _, callee = await talking(network)
    offers: list[bytes] = []
    caller.on_offer = lambda offer: offers.append(offer) or ANSWER  # type: ignore[func-returns-value]
    assert await callee.reinvite(HOLD) == ANSWER
    assert offers == [HOLD]
    assert await caller.reinvite(HOLD) == ANSWER
    assert network.lines()[-4:] == [
        "INVITE sip:bob@10.0.0.2:5060 SIP/2.0",
        "SIP/2.0 100 Trying",
        "SIP/2.0 200 OK",
        "ACK sip:bob@10.0.0.2:5060 SIP/2.0",
    ]


@virtual_time
async def test_rfc3261_14_2_an_offer_that_is_not_acknowledged_leaves_the_call_confirmed() -> None:
    network = MemoryNetwork()
    _, caller, _, callee = await talking(network)
    caller.on_offer = lambda offer: ANSWER
    for asked, asking in ((caller, callee), (callee, caller)):
        network.drop_next(lambda wire: wire.startswith(b"ACK"))
        await asking.reinvite(HOLD)
        assert asked.is_confirmed
        await asyncio.sleep(5)  # the 200 comes again, and so does the ACK
        assert not asked.ended.done()


@virtual_time
async def test_rfc3261_14_1_a_refused_offer_leaves_the_session_as_it_was() -> None:
    _, caller, _, callee = await talking(MemoryNetwork())

    def refuse(offer: bytes) -> bytes:
        raise NotAcceptable('no "codec"\r\nin common')

    callee.on_offer = refuse
    with pytest.raises(NotAcceptable, match="488"):
        await caller.reinvite(OFFER)
    assert not caller.ended.done()
    assert not callee.ended.done()


@virtual_time
async def test_rfc3261_14_1_glare_is_retried_by_both_and_both_offers_are_answered() -> None:
    network = MemoryNetwork(latency_s=0.02)
    _, caller, _, callee = await talking(network)
    caller.on_offer = lambda offer: ANSWER
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await asyncio.gather(caller.reinvite(OFFER), callee.reinvite(OFFER)) == [ANSWER, ANSWER]
    assert network.lines().count("SIP/2.0 491 Request Pending") >= 2
    assert loop.time() - started < 10


@virtual_time
async def test_rfc3264_an_empty_reinvite_gets_our_offer_and_brings_its_answer_in_ack() -> None:
    alice, session, invite, answer = await called_by_script(MemoryNetwork())
    answers: list[bytes] = []
    session.on_answer = answers.append
    empty = alice.within(invite, answer, "INVITE", cseq=2)
    ok = await alice.response(200)
    assert ok.body == OFFER
    early = alice.within(invite, answer, "INVITE", cseq=3, body=OFFER)
    assert early.cseq.number == 3
    assert (await alice.response(500)).headers.get("Retry-After") is not None
    alice.within(invite, answer, "UPDATE", cseq=4)
    await alice.response(200)
    alice.ack(empty, ok, body=ANSWER)
    await asyncio.sleep(0.1)
    assert answers == [ANSWER]


@virtual_time
async def test_rfc3264_an_invite_without_offer_is_answered_with_one() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = alice.invite(BOB, body=b"")
    ok = await alice.response(200)
    assert answerer.invites[0].offer is None
    answers: list[bytes] = []
    answerer.sessions[0].on_answer = answers.append
    alice.ack(invite, ok, body=ANSWER)
    await asyncio.sleep(0.1)
    assert answers == [ANSWER]


@virtual_time
async def test_rfc6086_info_reaches_the_session_and_is_refused_where_nobody_reads_it() -> None:
    alice, session, invite, answer = await called_by_script(MemoryNetwork())
    alice.within(invite, answer, "INFO", cseq=2, body=b"Signal=5", content_type="application/dtmf-relay")
    await alice.response(415)
    received: list[tuple[str, bytes]] = []
    session.on_info = lambda kind, body: received.append((kind, body))
    alice.within(invite, answer, "INFO", cseq=3, body=b"Signal=5", content_type="application/dtmf-relay")
    await alice.response(200)
    package = (("Info-Package", "conference"),)
    alice.within(invite, answer, "INFO", cseq=4, body=b"Signal=6", content_type="text/plain", headers=package)
    assert (await alice.response(469)).headers.get("Recv-Info") == ""
    alice.within(invite, answer, "INFO", cseq=5, body=b"7", content_type="application/dtmf", headers=package)
    await alice.response(200)
    assert received == [("application/dtmf-relay", b"Signal=5"), ("application/dtmf", b"7")]


@virtual_time
async def test_rfc3311_update_is_answered_with_and_without_an_offer() -> None:
    alice, session, invite, answer = await called_by_script(MemoryNetwork())
    alice.within(invite, answer, "UPDATE", cseq=2)
    assert (await alice.response(200)).contact is not None
    alice.within(invite, answer, "UPDATE", cseq=3, body=HOLD)
    assert (await alice.response(200)).body == ANSWER
    pending = asyncio.ensure_future(session.reinvite(OFFER))
    ours = await alice.request("INVITE")
    alice.within(invite, answer, "UPDATE", cseq=4, body=HOLD)
    await alice.response(491)
    alice.answer(ours, 200, body=ANSWER)
    assert await pending == ANSWER


@virtual_time
async def test_rfc3311_5_2_an_update_with_an_offer_meets_491_while_ours_waits_for_its_answer_in_ack() -> None:
    alice, session, invite, answer = await called_by_script(MemoryNetwork())
    answers: list[bytes] = []
    session.on_answer = answers.append
    empty = alice.within(invite, answer, "INVITE", cseq=2)
    ok = await alice.response(200)
    alice.within(invite, answer, "UPDATE", cseq=3, body=HOLD)
    await alice.response(491)
    alice.ack(empty, ok, body=ANSWER)
    await asyncio.sleep(0.1)
    assert answers == [ANSWER]
    alice.within(invite, answer, "UPDATE", cseq=4, body=HOLD)
    assert (await alice.response(200)).body == ANSWER


@virtual_time
async def test_rfc3261_12_2_2_order_and_methods_within_a_dialog() -> None:
    network = MemoryNetwork()
    alice, session, invite, answer = await called_by_script(network)
    alice.within(invite, answer, "OPTIONS", cseq=5)
    assert "UPDATE" in ((await alice.response(200)).headers.get("Allow") or "")
    alice.within(invite, answer, "OPTIONS", cseq=4)
    await alice.response(500)
    alice.within(invite, answer, "PUBLISH", cseq=6)
    assert (await alice.response(405)).headers.get("Allow")
    alice.within(invite, answer, "BYE", cseq=7)
    await alice.response(200)
    assert (await session.ended).by == "remote"
    alice.within(invite, answer, "OPTIONS", cseq=8)
    await alice.response(481)


@virtual_time
async def test_rfc3261_12_2_1_2_a_reinvite_that_meets_481_ends_the_session() -> None:
    alice, session, _invite, _answer = await called_by_script(MemoryNetwork())
    pending = asyncio.ensure_future(session.reinvite(OFFER))
    alice.answer(await alice.request("INVITE"), 481)
    with pytest.raises(LegEnded):
        await pending
    assert session.ended.result().by == "network"
    assert session.ended.result().status == 481


@virtual_time
async def test_d10_a_reinvite_into_silence_ends_the_session_after_64_t1() -> None:
    network = MemoryNetwork()
    alice, caller, bob, callee = await talking(network)
    loop = asyncio.get_running_loop()
    network.blackhole(BOB.host)
    started = loop.time()
    with pytest.raises(LegEnded):
        await caller.reinvite(OFFER)
    assert loop.time() - started < 33
    with pytest.raises(LegEnded):
        await callee.reinvite(OFFER)
    await asyncio.sleep(100)
    assert not any(alice.alive().values())
    assert not any(bob.alive().values())


@virtual_time
async def test_a_reinvite_that_only_rings_is_cancelled_and_the_session_goes_on() -> None:
    alice, session, _invite, _answer = await called_by_script(MemoryNetwork())
    pending = asyncio.ensure_future(session.reinvite(OFFER))
    ours = await alice.request("INVITE")
    alice.answer(ours, 180)
    with pytest.raises(NotAcceptable):
        await pending
    alice.answer(await alice.request("CANCEL"), 200)
    alice.answer(ours, 487)
    await alice.request("ACK")
    assert not session.ended.done()
    again = asyncio.ensure_future(session.reinvite(OFFER))
    alice.answer(await alice.request("INVITE"), 200, body=ANSWER)
    assert await again == ANSWER


@virtual_time
async def test_rfc3261_14_1_our_reinvite_waits_until_our_200_is_acknowledged() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = alice.invite(BOB)
    answer = await alice.response(200)
    pending = asyncio.ensure_future(answerer.sessions[0].reinvite(OFFER))
    await asyncio.sleep(0.2)
    assert alice.seen == []
    alice.ack(invite, answer)
    alice.answer(await alice.request("INVITE"), 200, body=ANSWER)
    assert await pending == ANSWER


@virtual_time
async def test_rfc3261_13_2_2_4_a_repeated_200_to_a_reinvite_is_acknowledged_again() -> None:
    alice, session, _invite, _answer = await called_by_script(MemoryNetwork())
    pending = asyncio.ensure_future(session.reinvite(OFFER))
    ours = await alice.request("INVITE")
    alice.answer(ours, 200, body=ANSWER)
    first = await alice.request("ACK")
    assert await pending == ANSWER
    for wait in (1.0, 100.0):
        await asyncio.sleep(wait)
        alice.answer(ours, 200, body=ANSWER)
        assert (await alice.request("ACK")).to_bytes() == first.to_bytes()
    assert not session.ended.done()


@virtual_time
async def test_a_bye_from_the_peer_ends_our_pending_reinvite_at_once() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = alice.invite(BOB)
    answer = await alice.response(200)
    alice.ack(invite, answer)
    await asyncio.sleep(0.1)
    pending = asyncio.ensure_future(answerer.sessions[0].reinvite(OFFER))
    alice.answer(await alice.request("INVITE"), 100)
    alice.within(invite, answer, "BYE", cseq=2)
    with pytest.raises(LegEnded):
        await pending
    with pytest.raises(LegEnded):
        await answerer.sessions[0].reinvite(OFFER)
    await asyncio.sleep(100)
    assert not any(bob.alive().values())  # though the INVITE never got its final response


@virtual_time
async def test_rfc3261_14_1_after_a_glare_the_owner_of_the_call_id_waits_longer() -> None:
    loop = asyncio.get_running_loop()
    for is_ours, least, most in ((True, 2.1, 4.0), (False, 0.0, 2.0)):
        delays = []
        for _ in range(20):
            peer, session = await (calling_script if is_ours else called)(MemoryNetwork())
            pending = asyncio.ensure_future(session.reinvite(OFFER))
            peer.answer(await peer.request("INVITE"), 491)
            refused_at = loop.time()
            peer.answer(await peer.request("INVITE"), 200, body=ANSWER)
            delays.append(loop.time() - refused_at)
            assert await pending == ANSWER
        assert least <= min(delays) < max(delays) <= most + 0.01


async def called(network: MemoryNetwork) -> tuple[Scripted, Session]:
    """Return a scripted caller and the session of the endpoint it called."""
    alice, session, _, _ = await called_by_script(network)
    return alice, session


async def calling_script(network: MemoryNetwork) -> tuple[Scripted, Session]:
    """Return a scripted callee and the session of the endpoint that called it."""
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    alice.random.seed(asyncio.get_running_loop().time())
    invite = call(alice)
    bob.answer(await bob.request("INVITE"), 200, tag="x", body=ANSWER)
    event = await invite.next_event()
    assert isinstance(event, Answered)
    return bob, event.session


@virtual_time
async def test_a_fault_of_the_network_neither_ends_a_session_nor_its_bye() -> None:
    network = MemoryNetwork()
    alice, caller, _bob, callee = await talking(network)
    network.blackhole(BOB.host)
    pending = asyncio.ensure_future(caller.reinvite(OFFER))
    await asyncio.sleep(0.1)
    alice._layer.destination_failed(BOB, "No route to host", is_final=False)
    network.blackhole(BOB.host, on=False)
    assert await pending == ANSWER
    network.blackhole(BOB.host)
    caller.bye()
    alice._layer.destination_failed(BOB, "No route to host", is_final=False)
    network.blackhole(BOB.host, on=False)
    assert (await asyncio.wait_for(callee.ended, 2)).by == "remote"


@virtual_time
async def test_rfc3261_12_2_1_2_a_reinvite_to_a_closed_port_is_refused_and_the_session_stays() -> None:
    network = MemoryNetwork()
    _alice, caller, _bob, _callee = await talking(network)
    network.release(BOB)
    with pytest.raises(NotAcceptable, match="503"):
        await caller.reinvite(OFFER)
    assert not caller.ended.done()


@virtual_time
async def test_rfc3261_13_2_2_4_an_answer_to_a_reinvite_that_was_given_up_is_acknowledged_all_the_same() -> (
    None
):
    network = MemoryNetwork()
    alice, session, _, _ = await called_by_script(network)
    offering = asyncio.ensure_future(session.reinvite(HOLD))
    reinvite = await alice.request("INVITE")
    alice.answer(reinvite, 180)
    with pytest.raises(NotAcceptable, match="no answer"):
        await offering
    await alice.request("CANCEL")
    await asyncio.sleep(40)  # nothing waits for it any more, and the call goes on
    assert not session.ended.done()
    for _ in range(2):
        alice.answer(reinvite, 200, body=ANSWER)
        ack = await alice.request("ACK")
        assert ack.cseq.number == reinvite.cseq.number
    assert not session.ended.done()
