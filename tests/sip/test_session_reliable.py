"""Reliable provisional responses both ways, and offers in early dialogs (RFC 3262, RFC 3311, RFC 6337)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from b2bua.errors import LegEnded, NotAcceptable, WrongState
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.headers import NameAddr
from b2bua.sip.message import Headers, Request, Response
from b2bua.sip.session import Answered, IncomingInvite, OutgoingInvite, Progress, Refused
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, OFFER, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted

CAN = ("Supported", "100rel")
MUST = ("Require", "100rel")
OTHER = OFFER.replace(b"4000", b"4444")


async def called(*headers: tuple[str, str], body: bytes = OFFER) -> tuple[Scripted, IncomingInvite, Request]:
    """Return a script that called with ``headers``, the call as it waits at the endpoint, and the INVITE."""
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    invite = alice.invite(BOB, headers=headers, body=body)
    await alice.response(100)
    return alice, invites[0], invite


def prack(
    alice: Scripted, invite: Request, ringing: Response, *, cseq: int = 2, body: bytes = b""
) -> Request:
    """Acknowledge ``ringing``."""
    rack = f"{ringing.headers.get('RSeq')} {invite.cseq.number} INVITE"
    return alice.within(invite, ringing, "PRACK", cseq=cseq, body=body, headers=(("RAck", rack),))


def now() -> float:
    return asyncio.get_running_loop().time()


# --- as the one who is called -------------------------------------------------------------------------------


@virtual_time
async def test_rfc3262_3_what_rings_reliably_depends_on_what_the_caller_says() -> None:
    for headers, body, is_reliable in (
        ((), ANSWER, False),
        ((CAN,), b"", False),
        ((CAN,), ANSWER, True),
        ((MUST,), b"", True),
    ):
        alice, waiting, _ = await called(*headers)
        waiting.progress(183, body=body)
        ringing = await alice.response(183)
        assert ("100rel" in ringing.option_tags("Require")) is is_reliable
        assert ("RSeq" in ringing.headers) is is_reliable


@virtual_time
async def test_rfc3262_3_a_reliable_response_is_repeated_until_prack_and_the_next_waits_for_it() -> None:
    alice, waiting, invite = await called(MUST)
    started = now()
    waiting.progress(180)
    waiting.progress(183, body=ANSWER)
    first = await alice.response(180)
    times = []
    for _ in range(4):
        again = await alice.response(180)
        assert again.headers.get("RSeq") == first.headers.get("RSeq")
        times.append(round(now() - started, 1))
    assert times == [0.5, 1.5, 3.5, 7.5]
    assert 183 not in alice.statuses
    prack(alice, invite, first)
    await alice.response(200)
    second = await alice.response(183)
    assert int(second.headers.get("RSeq") or 0) == int(first.headers.get("RSeq") or 0) + 1
    assert second.body == ANSWER
    prack(alice, invite, second, cseq=3)
    await alice.response(200)
    alice.statuses.clear()
    await asyncio.sleep(40)
    assert alice.statuses == []


@virtual_time
async def test_rfc3262_3_without_prack_the_call_is_refused_after_64_t1() -> None:
    alice, waiting, _ = await called(MUST)
    started = now()
    waiting.progress(180)
    await alice.response(504)
    assert now() - started == pytest.approx(32, abs=0.1)
    assert waiting.ended.result().by == "network"
    with pytest.raises(LegEnded):
        waiting.accept(ANSWER)


@virtual_time
async def test_rfc3262_3_a_prack_that_matches_nothing_gets_481() -> None:
    alice, waiting, invite = await called(MUST)
    waiting.progress(180)
    ringing = await alice.response(180)
    for rack in ("1 1 INVITE", f"{ringing.headers.get('RSeq')} 2 INVITE", "x", ""):
        alice.within(invite, ringing, "PRACK", cseq=2 + len(alice.statuses), headers=(("RAck", rack),))
        await alice.response(481)
    prack(alice, invite, ringing, cseq=200)
    await alice.response(200)
    prack(alice, invite, ringing, cseq=201)
    await alice.response(481)


@virtual_time
async def test_rfc3262_3_the_200_waits_until_an_sdp_of_ours_is_acknowledged_and_comes_without_one() -> None:
    alice, waiting, invite = await called(CAN)
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    session = waiting.accept(ANSWER)
    await asyncio.sleep(5)
    assert 200 not in alice.statuses
    prack(alice, invite, early)
    assert (await alice.response(200)).cseq.method == "PRACK"
    ok = await alice.response(200)
    assert (ok.cseq.method, ok.body) == ("INVITE", b"")
    alice.ack(invite, ok)
    session.on_offer = lambda offer: ANSWER
    alice.within(invite, ok, "INVITE", cseq=3, body=OFFER)
    assert (await alice.response(200)).body == ANSWER
    assert not session.ended.done()


@virtual_time
async def test_rfc3262_3_a_180_without_sdp_does_not_hold_the_200_and_its_prack_may_follow() -> None:
    alice, waiting, invite = await called(MUST)
    waiting.progress(180)
    ringing = await alice.response(180)
    session = waiting.accept(ANSWER)
    ok = await alice.response(200)
    assert ok.body == ANSWER
    prack(alice, invite, ringing)
    assert (await alice.response(200)).cseq.method == "PRACK"
    alice.ack(invite, ok)
    assert not session.ended.done()


@virtual_time
async def test_rfc3261_14_1_an_offer_before_the_200_is_out_waits_for_its_ack() -> None:
    alice, waiting, invite = await called(CAN)
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    session = waiting.accept(ANSWER)
    offering = asyncio.create_task(session.reinvite(OTHER))
    await asyncio.sleep(5)
    assert not alice.seen
    prack(alice, invite, early)
    await alice.response(200)
    ok = await alice.response(200)
    await asyncio.sleep(5)
    assert not alice.seen
    alice.ack(invite, ok)
    offer = await alice.request("INVITE")
    assert offer.body == OTHER
    alice.answer(offer, 200, body=OFFER)
    assert await offering == OFFER
    assert not session.ended.done()


@virtual_time
async def test_rfc3261_14_1_an_offer_before_the_200_ends_with_the_call_that_is_taken_back() -> None:
    alice, waiting, _ = await called(CAN)
    waiting.progress(183, body=ANSWER)
    await alice.response(183)
    session = waiting.accept(ANSWER)
    offering = asyncio.create_task(session.reinvite(OTHER))
    await asyncio.sleep(1)
    session.bye()
    with pytest.raises(LegEnded):
        await offering


@virtual_time
async def test_rfc3262_an_answer_that_is_held_back_can_be_taken_back_by_either_side() -> None:
    alice, waiting, invite = await called(CAN)
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    session = waiting.accept(ANSWER)
    session.bye()
    await alice.response(480)
    assert session.closed.done()

    alice, waiting, invite = await called(CAN)
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    session = waiting.accept(ANSWER)
    alice.within(invite, early, "BYE", cseq=2)
    await alice.response(487)
    assert session.ended.result().by == "remote"

    alice, waiting, invite = await called(CAN)
    waiting.progress(183, body=ANSWER)
    session = waiting.accept(ANSWER)
    await alice.response(504)
    assert session.ended.result().by == "network"


@virtual_time
async def test_rfc3262_a_cancelled_call_leaves_nothing_behind() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    invite = alice.invite(BOB, headers=(MUST,))
    await alice.response(100)
    invites[0].progress(183, body=ANSWER)
    session = invites[0].accept(ANSWER)
    headers = invite.headers.copy()
    headers.put("CSeq", "1 CANCEL")
    headers.remove("Content-Type")
    alice.send(Request("CANCEL", invite.uri, headers), BOB)
    await alice.response(487)
    assert session.ended.result().why == "hung up before the answer"
    await asyncio.sleep(100)
    assert not any(bob.alive().values())


@virtual_time
async def test_d1_an_unanswered_reliable_call_says_something_new_every_55_s_rfc3262_3() -> None:
    alice, waiting, invite = await called(MUST)
    waiting.progress(180)
    numbers = []
    for cseq in range(2, 6):
        started = now()
        ringing = await alice.response(180)
        numbers.append(int(ringing.headers.get("RSeq") or 0))
        prack(alice, invite, ringing, cseq=cseq)
        await alice.response(200)
        assert now() - started <= 55.1
    assert [number - numbers[0] for number in numbers] == [0, 1, 2, 3]


@virtual_time
async def test_rfc3262_5_an_invite_without_offer_that_requires_prack_gets_our_offer_in_the_180() -> None:
    alice, waiting, invite = await called(MUST, body=b"")
    waiting.progress(180)
    await asyncio.sleep(1)
    assert 180 not in alice.statuses
    assert waiting.needs_offer
    answers: list[bytes] = []
    waiting.on_answer = answers.append
    waiting.progress(180, body=OFFER)
    ringing = await alice.response(180)
    assert ringing.body == OFFER
    prack(alice, invite, ringing, body=ANSWER)
    await alice.response(200)
    assert answers == [ANSWER]
    waiting.accept(OFFER)
    ok = await alice.response(200)
    assert ok.body == b""
    alice.ack(invite, ok)


@virtual_time
async def test_rfc3262_5_an_offer_in_prack_is_answered_in_its_200() -> None:
    alice, waiting, invite = await called(CAN)
    offers: list[bytes] = []
    waiting.on_offer = lambda offer: offers.append(offer) or ANSWER  # type: ignore[func-returns-value]
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    prack(alice, invite, early, body=OTHER)
    assert (await alice.response(200)).body == ANSWER
    assert offers == [OTHER]


@virtual_time
async def test_rfc3311_5_2_an_update_in_an_early_dialog_is_answered_once_our_answer_was_reliable() -> None:
    alice, waiting, invite = await called(CAN)
    waiting.on_offer = lambda offer: ANSWER
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    prack(alice, invite, early)
    await alice.response(200)
    alice.within(invite, early, "UPDATE", cseq=3, body=OTHER)
    assert (await alice.response(200)).body == ANSWER
    alice.within(invite, early, "UPDATE", cseq=4)
    assert (await alice.response(200)).contact is not None


@virtual_time
async def test_rfc3311_5_2_an_update_before_that_is_told_to_come_again() -> None:
    alice, waiting, invite = await called()
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    alice.within(invite, early, "UPDATE", cseq=2, body=OTHER)
    assert 0 <= int((await alice.response(500)).headers.get("Retry-After") or -1) <= 10
    alice, waiting, invite = await called(MUST, body=b"")
    waiting.progress(183, body=OFFER)
    early = await alice.response(183)
    alice.within(invite, early, "UPDATE", cseq=2, body=OTHER)
    await alice.response(491)


@virtual_time
async def test_rfc3311_5_1_our_update_in_an_early_dialog_gets_its_answer_and_meets_glare() -> None:
    alice, waiting, invite = await called(CAN)
    with pytest.raises(WrongState):
        await waiting.update(OTHER)
    waiting.progress(183, body=ANSWER)
    early = await alice.response(183)
    prack(alice, invite, early)
    pending = asyncio.ensure_future(waiting.update(OTHER))
    ours = await alice.request("UPDATE")
    alice.within(invite, early, "UPDATE", cseq=3, body=OFFER)
    await alice.response(491)
    alice.answer(ours, 491)
    alice.answer(await alice.request("UPDATE"), 200, body=ANSWER)
    assert await pending == ANSWER
    pending = asyncio.ensure_future(waiting.update(OTHER))
    alice.answer(await alice.request("UPDATE"), 488)
    with pytest.raises(NotAcceptable):
        await pending
    pending = asyncio.ensure_future(waiting.update(OTHER))
    await alice.request("UPDATE")
    waiting.accept(ANSWER)
    with pytest.raises(LegEnded):
        await pending


# --- as the one who calls -----------------------------------------------------------------------------------


async def calling(offer: bytes = OFFER) -> tuple[SipEndpoint, Scripted, OutgoingInvite, Request]:
    """Return an endpoint that calls a script, the script, the call and its INVITE."""
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice) if offer else call_without_offer(alice)
    return alice, bob, invite, await bob.request("INVITE")


def call_without_offer(alice: SipEndpoint) -> OutgoingInvite:
    return alice.invite(uri="sip:bob@10.0.0.2", hop=BOB, from_=NameAddr.parse("<sip:a@10.0.0.1>"), offer=b"")


def ring(bob: Scripted, invite: Request, rseq: int, *, tag: str = "one", body: bytes = b"") -> None:
    """Ring reliably."""
    headers: Iterable[tuple[str, str]] = (MUST, ("RSeq", str(rseq)), ("Allow", "UPDATE"))
    bob.answer(invite, 183, tag=tag, body=body, headers=headers)


@virtual_time
async def test_rfc3262_4_our_invite_offers_100rel_and_each_reliable_response_gets_one_prack() -> None:
    _, bob, invite, request = await calling()
    assert "100rel" in request.option_tags("Supported")
    assert "PRACK" in request.option_tags("Allow")
    for rseq in (7, 7, 8, 7, 10, 9):
        ring(bob, request, rseq, body=ANSWER if rseq == 7 else b"")
        await asyncio.sleep(0.01)
    racks = [one.headers.get("RAck") for one in bob.seen if one.method == "PRACK"]
    assert racks == ["7 1 INVITE", "8 1 INVITE", "9 1 INVITE"]
    progress = await invite.next_event()
    assert isinstance(progress, Progress)
    assert progress.body == ANSWER


@virtual_time
async def test_rfc3262_4_prack_goes_out_again_until_it_is_answered_and_the_dialog_counts_on() -> None:
    _, bob, invite, request = await calling()
    ring(bob, request, 1, body=ANSWER)
    first = await bob.request("PRACK")
    assert first.cseq.number == request.cseq.number + 1
    assert first.to.tag == "one"
    again = await bob.request("PRACK")
    assert again.to_bytes() == first.to_bytes()
    bob.answer(again, 200)
    bob.answer(request, 200, tag="one")
    ack = await bob.request("ACK")
    assert ack.cseq.number == request.cseq.number
    while not isinstance(event := await invite.next_event(), Answered):
        pass
    assert event.body == ANSWER  # the 200 had none: the reliable 183's stands (RFC 6337 §3.1)
    event.session.bye()
    assert (await bob.request("BYE")).cseq.number == request.cseq.number + 2


@virtual_time
async def test_rfc3262_4_each_fork_counts_by_itself_and_one_that_answers_late_is_hung_up_in_order() -> None:
    _, bob, invite, request = await calling()
    ring(bob, request, 100, tag="one", body=ANSWER)
    ring(bob, request, 5, tag="two", body=ANSWER)
    for tag in ("one", "two"):
        prack_ = await bob.request("PRACK")
        assert prack_.to.tag == tag
        bob.answer(prack_, 200)
    bob.answer(request, 200, tag="two")
    bob.answer(request, 200, tag="one")
    bye = await bob.request("BYE")
    assert (bye.to.tag, bye.cseq.number) == ("one", 3)
    assert isinstance(await last(invite), Answered)


async def last(invite: OutgoingInvite) -> Answered | Refused:
    while isinstance(event := await invite.next_event(), Progress):
        pass
    return event


@virtual_time
async def test_rfc3262_5_an_offer_in_a_reliable_response_is_answered_in_prack() -> None:
    _, bob, invite, request = await calling(b"")
    invite.on_offer = lambda offer: ANSWER if offer == OFFER else b"wrong"
    ring(bob, request, 1, body=OFFER)
    prack_ = await bob.request("PRACK")
    assert prack_.body == ANSWER
    bob.answer(prack_, 200)
    bob.answer(request, 200, tag="one")
    assert (await bob.request("ACK")).body == b""
    assert isinstance(await last(invite), Answered)


@virtual_time
async def test_rfc3261_13_2_2_4_an_offer_in_the_200_is_answered_in_ack() -> None:
    _, bob, invite, request = await calling(b"")
    invite.on_offer = lambda offer: ANSWER
    expires = (("Session-Expires", "90;refresher=uac"),)
    bob.answer(request, 200, tag="one", body=OFFER, headers=expires)
    assert (await bob.request("ACK")).body == ANSWER
    assert isinstance(await last(invite), Answered)
    assert (await bob.request("INVITE")).body == ANSWER  # the refresh says again what we said (RFC 4028 §7.4)
    _, bob, invite, request = await calling(b"")
    bob.answer(request, 200, tag="one", body=OFFER)
    assert (await bob.request("ACK")).body == b""
    await bob.request("BYE")
    refused = await last(invite)
    assert isinstance(refused, Refused)
    assert refused.status == 488


@virtual_time
async def test_rfc3311_5_2_an_update_of_a_ringing_phone_is_answered_and_changes_what_is_in_force() -> None:
    _, bob, invite, request = await calling()
    offers: list[bytes] = []
    invite.on_offer = lambda offer: offers.append(offer) or ANSWER  # type: ignore[func-returns-value]
    bob.answer(request, 183, tag="one", body=ANSWER)
    await asyncio.sleep(0.1)
    bob.send(update_of(bob, request, number=1), ALICE)
    await bob.response(491)  # our offer has no reliable answer yet
    ring(bob, request, 1, body=ANSWER)
    bob.answer(await bob.request("PRACK"), 200)
    bob.send(update_of(bob, request, number=2), ALICE)
    assert (await bob.response(200)).body == ANSWER
    assert offers == [OTHER]
    bob.answer(request, 200, tag="one")
    answered = await last(invite)
    assert isinstance(answered, Answered)
    assert answered.body == b""


def update_of(bob: Scripted, invite: Request, *, number: int) -> Request:
    """Return an UPDATE of the phone that rings as fork ``one``."""
    lines = [
        ("Via", f"SIP/2.0/UDP {bob.hop.authority};branch=z9hG4bKu{number};rport"),
        ("Max-Forwards", "70"),
        ("From", f"{invite.headers.get('To')};tag=one"),
        ("To", invite.headers.get("From") or ""),
        ("Call-ID", invite.call_id),
        ("CSeq", f"{number} UPDATE"),
        ("Contact", f"<sip:script@{bob.hop.authority}>"),
        ("Content-Type", "application/sdp"),
    ]
    return Request("UPDATE", str(invite.contact.uri) if invite.contact else "", Headers(lines), OTHER)


@virtual_time
async def test_rfc3262_two_of_us_ring_with_early_sound_and_answer() -> None:
    network = MemoryNetwork(latency_s=0.05)
    alice, bob = endpoint(network, ALICE), endpoint(network, BOB)
    invites: list[IncomingInvite] = []
    bob.on_invite = invites.append
    invite = call(alice)
    await asyncio.sleep(0.2)
    invites[0].progress(183, body=ANSWER)
    session = invites[0].accept(ANSWER)
    answered = await last(invite)
    assert isinstance(answered, Answered)
    assert answered.body == ANSWER
    await asyncio.sleep(1)
    answered.session.bye()
    assert (await session.ended).by == "remote"
    await asyncio.sleep(100)
    assert not any(alice.alive().values())
    assert not any(bob.alive().values())
