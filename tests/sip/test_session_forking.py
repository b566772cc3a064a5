"""Forks, CANCEL and late answers (RFC 3261 §9, §13.2.2.4; row D2), against a peer that sends raw messages."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from b2bua.sip.causes import COMPLETED_ELSEWHERE
from b2bua.sip.digest import Credentials
from b2bua.sip.endpoint import SipEndpoint
from b2bua.sip.message import Request
from b2bua.sip.session import Answered, OutgoingInvite, Progress, Refused
from tests.harness.clock import virtual_time
from tests.sip.phones import ALICE, ANSWER, BOB, Answerer, MemoryNetwork, call, endpoint
from tests.sip.scripted import Scripted


async def ring(network: MemoryNetwork) -> tuple[SipEndpoint, Scripted, OutgoingInvite, Request]:
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice)
    return alice, bob, invite, await bob.request("INVITE")


def quiet(one: SipEndpoint) -> bool:
    return not any(one.alive().values())


@virtual_time
async def test_rfc3261_13_2_2_4_the_first_of_two_200s_wins_the_other_is_acknowledged_and_hung_up_d2() -> None:
    alice, bob, invite, request = await ring(MemoryNetwork())
    for tag in ("one", "two"):
        bob.answer(request, 180, tag=tag)
    assert [(await invite.next_event()).to_tag for _ in range(2)] == ["one", "two"]  # type: ignore[union-attr]
    bob.answer(request, 200, tag="two", body=ANSWER)
    bob.answer(request, 200, tag="one", body=ANSWER)
    answered = await invite.next_event()
    assert isinstance(answered, Answered)
    assert answered.session.dialog.remote_tag == "two"
    acks = [(await bob.request("ACK")).to.tag for _ in range(2)]
    assert acks == ["two", "one"]
    bye = await bob.request("BYE")
    assert bye.to.tag == "one"
    bob.answer(bye, 200)
    await asyncio.sleep(10)
    assert not answered.session.ended.done()
    answered.session.bye()
    bob.answer(await bob.request("BYE"), 200)
    await asyncio.sleep(100)
    assert quiet(alice)


@virtual_time
async def test_rfc3261_13_2_2_4_a_repeated_200_is_acknowledged_again_for_as_long_as_the_dialog_lives_d2() -> (
    None
):
    _, bob, invite, request = await ring(MemoryNetwork())
    bob.answer(request, 200, tag="one", body=ANSWER)
    answered = await invite.next_event()
    assert isinstance(answered, Answered)
    first = await bob.request("ACK")
    for wait in (0.5, 31.0, 3600.0):
        await asyncio.sleep(wait)
        bob.answer(request, 200, tag="one", body=ANSWER)
        again = await bob.request("ACK")
        assert again.to_bytes() == first.to_bytes()
    bob.answer(request, 200, tag="late fork".replace(" ", "-"), body=ANSWER)
    assert (await bob.request("ACK")).to.tag == "late-fork"
    assert (await bob.request("BYE")).to.tag == "late-fork"
    assert not answered.session.ended.done()
    assert len([1 for one in bob.seen if one.method == "INVITE"]) == 1


@virtual_time
async def test_rfc3261_16_7_an_answer_to_an_invite_that_was_sent_again_is_acknowledged_and_hung_up_d2() -> (
    None
):
    network = MemoryNetwork()
    alice, bob = endpoint(network, ALICE), Scripted(network, BOB)
    invite = call(alice, credentials=Credentials("alice", "secret"))
    first = await bob.request("INVITE")
    bob.answer(first, 407, tag="one", headers=(("Proxy-Authenticate", 'Digest realm="r", nonce="n"'),))
    second = await bob.request("INVITE")
    bob.answer(first, 200, tag="two", body=ANSWER)  # by another fork, which had picked up meanwhile
    ack = await bob.request("ACK")
    while ack.to.tag != "two":  # the ACK of the 407
        ack = await bob.request("ACK")
    assert ack.cseq.number == first.cseq.number
    bye = await bob.request("BYE")
    assert bye.to.tag == "two"
    bob.answer(bye, 200)
    bob.answer(first, 200, tag="two", body=ANSWER)
    assert (await bob.request("ACK")).to_bytes() == ack.to_bytes()
    bob.answer(second, 200, tag="two", body=ANSWER)  # the same fork, which keeps its tag
    answered = await invite.next_event()
    assert isinstance(answered, Answered)
    assert (await bob.request("ACK")).cseq.number == second.cseq.number
    answered.session.bye()
    bob.answer(await bob.request("BYE"), 200)
    await asyncio.sleep(100)
    assert quiet(alice)


@virtual_time
async def test_rfc3261_9_1_cancel_waits_for_the_first_provisional() -> None:
    alice, bob, invite, request = await ring(MemoryNetwork())
    invite.cancel(reason=COMPLETED_ELSEWHERE)
    await asyncio.sleep(0.4)
    assert [one.method for one in bob.seen] == ["INVITE"]
    bob.answer(request, 100)
    cancel = await bob.request("CANCEL")
    assert cancel.via.branch == request.via.branch
    assert cancel.uri == request.uri
    assert str(cancel.cseq) == "1 CANCEL"
    assert cancel.headers.get("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'
    bob.answer(cancel, 200, tag="one")
    bob.answer(request, 487, tag="one")
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert refused.status == 487
    assert (await bob.request("ACK")).via.branch == request.via.branch
    await asyncio.sleep(100)
    assert quiet(alice)


@virtual_time
async def test_rfc3261_9_1_a_200_that_crosses_cancel_is_acknowledged_and_hung_up_d2() -> None:
    alice, bob, invite, request = await ring(MemoryNetwork())
    bob.answer(request, 180, tag="one")
    assert isinstance(await invite.next_event(), Progress)
    invite.cancel()
    bob.answer(request, 200, tag="one", body=ANSWER)
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert (refused.status, refused.is_local) == (487, True)
    assert [one.method for one in [await bob.next() for _ in range(3)]] == ["CANCEL", "ACK", "BYE"]
    await asyncio.sleep(150)
    assert quiet(alice)


@virtual_time
async def test_rfc3261_9_1_an_answer_nobody_took_yet_is_hung_up_by_cancel() -> None:
    _, bob, invite, request = await ring(MemoryNetwork())
    bob.answer(request, 200, tag="one", body=ANSWER)
    await bob.request("ACK")
    invite.cancel()
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert (await bob.request("BYE")).to.tag == "one"
    assert await invite.next_event() == refused


@virtual_time
async def test_rfc3261_9_1_a_missing_487_is_given_up_after_64_t1_and_a_200_later_still_hung_up_d2() -> None:
    alice, bob, invite, request = await ring(MemoryNetwork())
    loop = asyncio.get_running_loop()
    bob.answer(request, 180, tag="one")
    await invite.next_event()
    invite.cancel()
    started = loop.time()
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert 31.9 < loop.time() - started < 32.1
    await asyncio.sleep(20)
    bob.answer(request, 200, tag="one", body=ANSWER)
    assert (await bob.request("ACK")).to.tag == "one"
    assert (await bob.request("BYE")).to.tag == "one"
    await asyncio.sleep(150)
    assert quiet(alice)


@virtual_time
async def test_f13_silence_and_a_dead_destination_are_told_apart() -> None:
    network = MemoryNetwork()
    alice = endpoint(network, ALICE)
    loop = asyncio.get_running_loop()
    network.blackhole(BOB.host)
    silent = call(alice)
    refused = await silent.next_event()
    assert isinstance(refused, Refused)
    assert (refused.status, refused.is_local, silent.has_provisional) == (408, True, False)
    assert 31.9 < loop.time() < 32.1
    network.blackhole(BOB.host, on=False)
    await network.transport(BOB.host, BOB.port).close()
    started = loop.time()
    refused = await call(alice).next_event()
    assert isinstance(refused, Refused)
    assert (refused.status, refused.is_local) == (503, True)
    assert loop.time() - started < 0.01
    await asyncio.sleep(100)
    assert quiet(alice)


@virtual_time
async def test_rfc3261_21_3_a_redirection_brings_its_contacts_and_a_503_its_retry_after() -> None:
    _, bob, invite, request = await ring(MemoryNetwork())
    bob.answer(request, 302, tag="x", headers=(("Contact", "<sip:a@1.2.3.4>, <sip:b@1.2.3.5>;q=0.5"),))
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert [str(contact.uri) for contact in refused.contacts] == ["sip:a@1.2.3.4", "sip:b@1.2.3.5"]
    again = call(_)
    second = await bob.request("INVITE")
    bob.answer(second, 503, tag="x", headers=(("Retry-After", "18 (lunch);duration=3600"),))
    refused = await again.next_event()
    assert isinstance(refused, Refused)
    assert refused.retry_after == 18


@pytest.mark.parametrize("kind", ["udp", "tcp"])
@virtual_time
async def test_rfc3261_13_3_1_4_a_lost_ack_lets_the_200_repeat_and_then_bye(kind: str) -> None:
    network, (here, there) = MemoryNetwork(), (replace(hop, transport=kind) for hop in (ALICE, BOB))
    alice, bob = Scripted(network, here), endpoint(network, there)
    answerer = Answerer(bob)
    alice.invite(there)
    loop = asyncio.get_running_loop()
    answered_at = (await alice.response(200)) and loop.time()
    repeated_at: list[float] = []
    while not isinstance(message := await alice.any(), Request):
        repeated_at.append(round(loop.time() - answered_at, 2))
    assert message.method == "BYE"
    assert repeated_at == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    ending = answerer.sessions[0].ended.result()
    assert ending.by == "network"
    alice.answer(message, 200)
    await asyncio.sleep(100)
    assert quiet(bob)


@virtual_time
async def test_rfc3261_15_the_callee_holds_bye_back_until_its_200_is_acknowledged() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = alice.invite(BOB)
    answer = await alice.response(200)
    answerer.sessions[0].bye()
    await asyncio.sleep(0.4)
    assert not [one for one in alice.seen if one.method == "BYE"]
    alice.ack(invite, answer)
    assert (await alice.request("BYE")).headers.get("Reason") is None


@virtual_time
async def test_rfc3261_9_1_an_invite_that_is_given_up_leaves_nothing_behind() -> None:
    alice, bob, invite, request = await ring(MemoryNetwork())
    bob.answer(request, 180, tag="one")
    await invite.next_event()
    invite.cancel()
    assert isinstance(await invite.next_event(), Refused)
    await asyncio.sleep(70)
    assert quiet(alice)


@virtual_time
async def test_f4_a_repeated_180_is_one_event() -> None:
    _, bob, invite, request = await ring(MemoryNetwork())
    for status in (180, 180, 180, 183, 180):
        bob.answer(request, status, tag="one")
    bob.answer(request, 486, tag="one")
    events = [await invite.next_event() for _ in range(4)]
    assert [event.status for event in events] == [180, 183, 180, 486]  # type: ignore[union-attr]


@virtual_time
async def test_rfc3261_13_3_1_4_a_bye_before_the_ack_ends_the_repetition_of_200() -> None:
    network = MemoryNetwork()
    alice, bob = Scripted(network, ALICE), endpoint(network, BOB)
    answerer = Answerer(bob)
    invite = alice.invite(BOB)
    answer = await alice.response(200)
    alice.within(invite, answer, "BYE", cseq=2)
    await alice.response(200)
    await asyncio.sleep(100)
    assert alice.statuses == [100, 180, 200, 200]
    assert answerer.sessions[0].ended.result().by == "remote"
    assert quiet(bob)


@pytest.mark.parametrize(
    ("status", "reason", "cause"),
    [
        (480, 'Q.850;cause=19;text="no answer"', 19),
        (503, "SIP;cause=503, q.850 ;cause=17", 17),
        (503, "Q.850;cause=many", None),
        (503, "SIP;cause=503", None),
    ],
)
@virtual_time
async def test_rfc3326_rfc6432_a_refusal_brings_what_the_telephone_network_said(
    status: int, reason: str, cause: int | None
) -> None:
    alice, bob, invite, request = await ring(MemoryNetwork())
    bob.answer(request, status, tag="x", headers=(("Reason", reason),))
    refused = await invite.next_event()
    assert isinstance(refused, Refused)
    assert refused.telephone_cause == cause
    assert refused.is_out_of_order is (status == 503 and cause is None)
    assert alice.dead_targets.is_dead(BOB, now=alice.now()) is refused.is_out_of_order
